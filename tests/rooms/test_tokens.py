"""A join token that anybody tampered with, kept, copied or made up opens nothing, and each try is an entry."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from sqlalchemy import text

from control_plane.audit.entries import ConnectionAccepted, ConnectionRefused, KeyRetired, TokenIssued
from control_plane.rooms.keys import NoSigningKey, public_pems, verifying
from control_plane.rooms.service import Accepted, KeyRing, NotAccepted, Show, answer_shows
from control_plane.unit import Units
from tests.conftest import StandingClock
from tests.rooms.conftest import DOMAIN, KEY, KID, Sitting, store_key

OTHER = generate_private_key(public_exponent=65537, key_size=2048)


def _part(token: str, at: int) -> dict[str, Any]:
    part = token.split(".")[at]
    return dict(json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def _encoded(content: Any) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _signed(claims: dict[str, Any], key: Any = KEY, **header: Any) -> str:
    return jwt.encode(claims, key, "RS256", headers={"kid": KID, **header})


def _with(**changed: Any) -> Callable[[str], str]:
    def forge(token: str) -> str:
        claims = {name: value for name, value in {**_part(token, 1), **changed}.items() if value is not None}
        return _signed(claims)

    return forge


def _hmac_with_public_key(token: str) -> str:
    """GHSA-45ff-37jm-xjfx: a verifier that believes the header's algorithm takes the public key for a secret."""
    import hmac  # noqa: PLC0415

    body = f"{_encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': KID})}.{token.split('.')[1]}"
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = hmac.new(public, body.encode(), sha256).digest()
    return f"{body}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


BAD: dict[str, tuple[Callable[[str], str], str]] = {
    "nothing": (lambda _: "", "token_missing"),
    "noise": (lambda _: "x", "token_malformed"),
    "three dots": (lambda _: "...", "token_malformed"),
    "too long": (lambda token: token + "A" * 9_000, "token_oversized"),
    "alg none": (lambda token: f"{_encoded({'alg': 'none', 'kid': KID})}.{token.split('.')[1]}.", "token_algorithm"),
    "alg None": (lambda token: f"{_encoded({'alg': 'None', 'kid': KID})}.{token.split('.')[1]}.", "token_algorithm"),
    "HS256 with the public key": (_hmac_with_public_key, "token_algorithm"),
    "RS512": (lambda token: jwt.encode(_part(token, 1), KEY, "RS512", headers={"kid": KID}), "token_algorithm"),
    "PS256": (lambda token: jwt.encode(_part(token, 1), KEY, "PS256", headers={"kid": KID}), "token_algorithm"),
    "a key in the header": (lambda token: _signed(_part(token, 1), OTHER, jwk={"kty": "RSA"}), "token_algorithm"),
    "a key's address": (lambda token: _signed(_part(token, 1), OTHER, jku="https://evil.test"), "token_algorithm"),
    "a certificate's address": (lambda token: _signed(_part(token, 1), OTHER, x5u="https://evil.test"), "token_algorithm"),
    "unknown kid": (lambda token: _signed(_part(token, 1), OTHER, kid="unknown"), "token_key"),
    "no kid": (lambda token: jwt.encode(_part(token, 1), KEY, "RS256"), "token_key"),
    "a path for a kid": (lambda token: _signed(_part(token, 1), kid="../../etc/passwd"), "token_key"),
    "another key": (lambda token: _signed(_part(token, 1), OTHER), "token_signature"),
    "a changed claim": (
        lambda token: ".".join([token.split(".")[0], _encoded({**_part(token, 1), "room": "x"}), token.split(".")[2]]),
        "token_signature",
    ),
    "no signature": (lambda token: token.rsplit(".", 1)[0] + ".", "token_signature"),
    "expired": (_with(exp=1_000_000_000), "token_expired"),
    "not yet good": (_with(nbf=4_000_000_000, exp=4_000_000_100), "token_future"),
    "no expiry": (_with(exp=None), "token_malformed"),
    "expiry as text": (_with(exp="4000000000"), "token_malformed"),
    "no beginning": (_with(nbf=None), "token_malformed"),
    "no room": (_with(room=None), "token_malformed"),
    "no id": (_with(jti=None), "token_malformed"),
    "no context": (_with(context=None), "token_malformed"),
    "another audience": (_with(aud="elsewhere"), "token_audience"),
    "any audience": (_with(aud="*"), "token_audience"),
    "another issuer": (_with(iss="elsewhere"), "token_audience"),
    "any issuer": (_with(iss="*"), "token_audience"),
    "another domain": (_with(sub="other.test"), "token_audience"),
    "any domain": (_with(sub="*"), "token_audience"),
    "any room": (_with(room="*"), "token_room"),
    "an empty room": (_with(room=""), "token_room"),
    "another room": (_with(room="elsewhere"), "token_room"),
    "an id never given out": (_with(jti="made-up"), "token_unknown"),
}  # fmt: skip


@pytest.mark.parametrize(("forge", "why"), BAD.values(), ids=BAD.keys())
def test_a_bad_token_is_refused_and_recorded(sitting: Sitting, forge: Callable[[str], str], why: str) -> None:
    token = forge(sitting.ticket(sitting.actor("driss")).token)
    outcome = sitting.show(token)
    assert isinstance(outcome, NotAccepted)
    assert outcome.code == why
    assert outcome.reason
    entry = sitting.entries()[0]
    assert isinstance(entry, ConnectionRefused)
    assert (entry.why, entry.node) == (why, "n1")


def test_an_untouched_token_is_accepted_so_that_the_table_above_means_something(sitting: Sitting) -> None:
    ticket = sitting.ticket(sitting.actor("driss"))
    outcome = sitting.show(_with()(ticket.token))
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
    header, claims = _part(ticket.token, 0), _part(ticket.token, 1)
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
    features = _part(sitting.ticket(sitting.actor("driss")).token, 1)["context"]["features"]
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
    assert _part(new, 0)["kid"] == kid != _part(old, 0)["kid"]
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
