"""The site's shared secrets: drawn well, held apart from what may be seen, and whole when they come back."""

import random
import re

import pytest

from infra import secrets
from infra.inventory import FOR, Leaf, Secrets
from infra.machines import Built

WHOLE = Built(
    Secrets({"turn_secret": "x" * 40}, {"edge1": {"host": Leaf("certificate", "private part")}}, "authority"),
    "way in",
    {"edge1": "ssh-ed25519 AAAA"},
)


def test_every_secret_that_a_host_may_get_is_drawn() -> None:
    assert set(secrets.NAMES) == set(FOR)
    assert len(secrets.NAMES) == 11


def test_a_secret_is_long_and_needs_no_quoting_anywhere() -> None:
    drawn = {secrets.draw(random.SystemRandom()) for _ in range(200)}
    assert len(drawn) == 200
    assert all(re.fullmatch("[A-Za-z0-9]{40}", one) for one in drawn)
    assert set("".join(drawn)) == set(secrets.ALPHABET)


def test_the_same_randomness_draws_the_same_secret() -> None:
    assert secrets.draw(random.Random(7)) == secrets.draw(random.Random(7))


def test_the_passwords_of_the_database_are_the_ones_that_are_guarded() -> None:
    assert {
        "database_password",
        "replication_password",
        "superuser_password",
        "etcd_password",
    } == secrets.PRECIOUS


def test_what_was_built_comes_back_as_it_was() -> None:
    assert secrets.unpack(secrets.pack(WHOLE)) == WHOLE


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"values": {}}'])
def test_what_was_not_packed_here_is_refused(text: str) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        secrets.unpack(text)


def test_nothing_secret_shows_where_values_are_shown() -> None:
    shown = repr(WHOLE)
    assert not [word for word in ("x" * 40, "private part", "way in") if word in shown]
