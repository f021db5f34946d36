"""Signing in with a local account's password."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, select
from sqlmodel import col

from control_plane.audit.entries import SignInRefused
from control_plane.people.attempts import (
    AttemptLimits,
    Charge,
    charges,
    forget_attempts,
    give_back,
    take_turn,
)
from control_plane.people.browser_sessions import SessionLimits, begin_session
from control_plane.people.models import KnownDevice, Password, Person
from control_plane.people.passwords import Passwords
from control_plane.people.rules import address
from control_plane.policy import SignIn, Strength
from control_plane.unit import Unit, Units

DEVICE_LASTS = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Entrance:
    """How people sign in here: made once, at the start."""

    passwords: Passwords
    sessions: SessionLimits
    attempts: AttemptLimits


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the door, as the edge sees them; `device` and `session` are the cookies they showed."""

    address: str
    zone: str
    certificate: bool = False
    device: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Signed in; the browser keeps both tokens as cookies, `device` for a year."""

    token: str
    device: str
    session_id: str
    person_id: str


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Not signed in. Nobody is told whether the account, the password or something else was wrong.

    `wait` is zero when the attempt was judged, else how long this browser must wait before the next one.
    """

    wait: timedelta


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What is known before the password is checked; ids are empty and `stored` None for an unknown account."""

    caller: Caller
    person_id: str
    pseudonym: str
    stored: str | None = field(repr=False)
    device_known: bool
    counted: list[Charge]


def sign_in(
    units: Units, entrance: Entrance, email: str, password: str, caller: Caller
) -> SignedIn | TurnedAway:
    """Begin a session for whoever knows the password (raises PasswordsBusy).

    Takes units and not one unit: Argon2 runs between two of them, so that nobody waits for the log while
    a password is checked. A refusal and its count are committed like anything else.
    """
    with entrance.passwords.place():
        with units.begin() as unit:
            attempt = _attempt(unit, entrance, email, caller)
            wait = take_turn(unit.session, unit.now, attempt.counted, entrance.attempts)
            if wait:
                return _turn_away(unit, attempt, "too_many", wait)
        right = entrance.passwords.matches(attempt.stored, password)
        renewed = _renewed(entrance, attempt, password) if right else None
    with units.begin() as unit:
        if right:
            return _let_in(unit, entrance, attempt, renewed)
        forget_attempts(unit.session, unit.now, entrance.attempts)
        return _turn_away(unit, attempt, "password" if attempt.pseudonym else "unknown")


def _let_in(unit: Unit, entrance: Entrance, attempt: _Attempt, renewed: str | None) -> SignedIn | TurnedAway:
    person = unit.session.get_one(Person, attempt.person_id, with_for_update=True)
    stored = unit.session.get(Password, attempt.person_id)
    # Both may have changed while the password was checked.
    if person.disabled_at is not None:
        return _turn_away(unit, attempt, "disabled")
    if stored is None or stored.hash != attempt.stored:
        return _turn_away(unit, attempt, "password")
    if renewed is not None:
        stored.hash = renewed
    give_back(unit.session, attempt.counted)
    caller = attempt.caller
    sign_in = SignIn(Strength.PASSWORD, caller.certificate, caller.zone)
    token, session_id = begin_session(unit, person.id, sign_in, entrance.sessions, replaces=caller.session)
    device = caller.device if attempt.device_known else _new_device(unit, person.id)
    return SignedIn(token, device, session_id, person.id)


def _attempt(unit: Unit, entrance: Entrance, email: str, caller: Caller) -> _Attempt:
    row = unit.session.execute(
        select(col(Person.id), col(Person.pseudonym), col(Password.hash))
        .join(Password, col(Password.person_id) == col(Person.id), isouter=True)
        .where(col(Person.email) == address(email))
    ).one_or_none()
    person_id, pseudonym, stored = row or ("", "", None)
    device = _known_device(unit, person_id, caller)
    counted = charges(
        entrance.attempts,
        account=address(email),
        address=caller.address,
        zone=caller.zone,
        known_device=device,
    )
    return _Attempt(caller, person_id, pseudonym, stored, device is not None, counted)


def _known_device(unit: Unit, person_id: str, caller: Caller) -> bytes | None:
    """Return the hash of the device cookie when this account once gave it out and it is not too old."""
    return unit.session.execute(
        select(col(KnownDevice.token_hash)).where(
            col(KnownDevice.token_hash) == sha256(caller.device.encode()).digest(),
            col(KnownDevice.person_id) == person_id,
            col(KnownDevice.created_at) > unit.now - DEVICE_LASTS,
        )
    ).scalar_one_or_none()


def _new_device(unit: Unit, person_id: str) -> str:
    unit.session.execute(
        delete(KnownDevice).where(
            col(KnownDevice.person_id) == person_id, col(KnownDevice.created_at) <= unit.now - DEVICE_LASTS
        )
    )
    token = secrets.token_urlsafe(32)
    unit.session.add(
        KnownDevice(token_hash=sha256(token.encode()).digest(), person_id=person_id, created_at=unit.now)
    )
    return token


def _renewed(entrance: Entrance, attempt: _Attempt, password: str) -> str | None:
    """Return a new hash when the stored one was made at another cost."""
    if attempt.stored is None or not entrance.passwords.outdated(attempt.stored):
        return None
    return entrance.passwords.prepare(password).hash


def _turn_away(unit: Unit, attempt: _Attempt, why: str, wait: timedelta = timedelta(0)) -> TurnedAway:
    # What was typed as the address of an unknown account may be a password, so it is kept nowhere.
    unit.record(SignInRefused(on=attempt.pseudonym, why=why), readable={"address": attempt.caller.address})
    return TurnedAway(wait)
