"""A join token that anybody tampered with, kept, copied or made up opens nothing, and each try is an entry."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from control_plane.audit.entries import ConnectionAccepted, ConnectionRefused, KeyRetired, TokenIssued
from control_plane.rooms.keys import NoSigningKey, public_pems, verifying
from control_plane.rooms.service import Accepted, KeyRing, NotAccepted, Show, answer_shows
from control_plane.unit import Units
from tests.conftest import StandingClock
from tests.rooms.conftest import DOMAIN, KEY, KID, Sitting, store_key
from tests.rooms.forging import FORGERIES, Forge, part


@pytest.mark.parametrize(("forgery", "why"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_bad_token_is_refused_and_recorded(
    sitting: Sitting, forgery: Callable[[Forge], str], why: str
) -> None:
    forge = Forge(sitting.ticket(sitting.actor("driss")).token, KID, KEY)
    outcome = sitting.show(forgery(forge))
    assert isinstance(outcome, NotAccepted)
    assert outcome.code == why
    assert outcome.reason
    entry = sitting.entries()[0]
    assert isinstance(entry, ConnectionRefused)
    assert (entry.why, entry.node) == (why, "n1")


def test_an_untouched_token_is_accepted_so_that_the_table_above_means_something(sitting: Sitting) -> None:
    ticket = sitting.ticket(sitting.actor("driss"))
    outcome = sitting.show(Forge(ticket.token, KID, KEY).changed())
    assert isinstance(outcome, Accepted)
    assert outcome.room == ticket.room
    assert isinstance(sitting.entries()[0], ConnectionAccepted)


def test_a_token_is_good_once(sitting: Sitting) -> None:
    token = sitting.ticket(sitting.actor("driss")).token
    assert isinstance(sitting.show(token), Accepted)
    again = sitting.show(token)
    assert again == NotAccepted("token_used", "Ce lien a déjà servi. Rouvrez la page de la séance.")
    assert sitting.newest()["by"] == sitting.actor("driss").pseudonym


def test_a_token_shown_twice_in_one_batch_is_taken_once(sitting: Sitting) -> None:
    show = Show(sitting.ticket(sitting.actor("driss")).token, DOMAIN, "n1", "")
    with sitting.units.begin() as unit:
        first, second = answer_shows(unit, [show, show])
    assert isinstance(first, Accepted)
    assert isinstance(second, NotAccepted)


def test_a_token_expires_by_the_control_planes_clock(sitting: Sitting, clock: StandingClock) -> None:
    token = sitting.ticket(sitting.actor("driss")).token
    clock.advance(seconds=121)
    outcome = sitting.show(token)
    assert isinstance(outcome, NotAccepted)
    assert outcome.code == "token_expired"


def test_what_prosody_found_too_large_to_send_is_recorded(sitting: Sitting) -> None:
    outcome = sitting.show("", oversized=True)
    assert isinstance(outcome, NotAccepted)
    assert sitting.newest()["why"] == "token_oversized"


def test_the_claims_are_jitsis(sitting: Sitting) -> None:
    actor = sitting.actor("amina")
    ticket = sitting.ticket(actor)
    header, claims = part(ticket.token, 0), part(ticket.token, 1)
    assert header == {"alg": "RS256", "kid": KID, "typ": "JWT"}
    assert (claims["iss"], claims["aud"], claims["sub"], claims["room"]) == (
        "majlis",
        "jitsi",
        DOMAIN,
        sitting.room,
    )
    assert claims["exp"] - int(sitting.clock().timestamp()) == 120
    assert claims["context"]["user"] == {
        "id": actor.pseudonym,
        "name": "أمينة بنعلي",
        "affiliation": "owner",
        "moderator": True,
    }
    assert claims["context"]["features"] == {
        "recording": True,
        "transcription": True,
        "livestreaming": True,
        "send-groupchat": True,
        "file-upload": True,
        "screen-sharing": True,
        "create-polls": True,
    }


def test_a_members_features_follow_the_policies(sitting: Sitting) -> None:
    features = part(sitting.ticket(sitting.actor("driss")).token, 1)["context"]["features"]
    assert not features["recording"]
    assert not features["create-polls"]
    assert features["send-groupchat"]


def test_neither_token_nor_room_stands_in_the_log(sitting: Sitting) -> None:
    ticket = sitting.ticket(sitting.actor("driss"))
    sitting.show(ticket.token)
    sitting.show(ticket.token)
    with sitting.units.read() as session:
        leaves = b"".join(session.execute(text("SELECT leaf FROM log_entry")).scalars())
        readables = b"".join(session.execute(text("SELECT text FROM log_readable")).scalars())
    for secret in (ticket.token, ticket.room, "Driss", "Alaoui", "majlis.test", "Loi de finances"):
        assert secret.encode() not in leaves
    assert ticket.token.encode() not in readables
    assert ticket.room.encode() not in readables
    assert any(isinstance(entry, TokenIssued) for entry in sitting.entries(5))


def test_room_names_can_not_be_guessed(sitting: Sitting) -> None:
    assert len(sitting.room) == 40
    assert len(set(sitting.room)) > 6


def test_keys_rotate_without_a_gap(sitting: Sitting, clock: StandingClock) -> None:
    old = sitting.ticket(sitting.actor("driss")).token
    with sitting.units.begin() as unit:
        kid = sitting.office.keys.rotate(unit, timedelta(seconds=120))
    clock.advance(seconds=60)
    new = sitting.ticket(sitting.actor("ghita")).token
    assert part(new, 0)["kid"] == kid != part(old, 0)["kid"]
    assert isinstance(sitting.show(old), Accepted)
    assert isinstance(sitting.show(new), Accepted)
    with sitting.units.read() as session:
        assert len(verifying(session, clock())) == 2
        clock.advance(seconds=61)
        assert list(verifying(session, clock())) == [kid]


def test_a_retired_key_is_refused_at_once(sitting: Sitting) -> None:
    token = sitting.ticket(sitting.actor("driss")).token
    with sitting.units.begin() as unit:
        sitting.office.keys.retire(unit, KID)
    assert isinstance(sitting.entries()[0], KeyRetired)
    outcome = sitting.show(token)
    assert isinstance(outcome, NotAccepted)
    assert outcome.code == "token_key"
    with sitting.units.read() as session:
        assert public_pems(session, sitting.clock()) == {}


def test_without_a_key_nobody_gets_a_token_and_the_error_says_what_to_do(
    units: Units, tmp_path: Path
) -> None:
    ring = KeyRing(tmp_path)
    with units.read() as session, pytest.raises(NoSigningKey, match="majlis keys rotate"):
        ring.signing(session)


def test_a_private_key_is_for_its_owner_only(units: Units, tmp_path: Path) -> None:
    ring = store_key(units, tmp_path / "ring")
    with units.begin() as unit:
        kid = ring.rotate(unit, timedelta(seconds=1))
    path = tmp_path / "ring" / f"token-{kid}.pem"
    assert path.stat().st_mode & 0o777 == 0o600
