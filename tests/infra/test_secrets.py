"""The site's shared secrets are drawn well, and the right ones are guarded."""

import random
import re

from infra import secrets
from infra.inventory import FOR


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
