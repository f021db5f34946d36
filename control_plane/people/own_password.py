"""Changing one's own password."""

from hashlib import sha256

from sqlalchemy import delete
from sqlmodel import col

from control_plane.audit.entries import PasswordSet
from control_plane.people.accounts import keep_password, locked
from control_plane.people.browser_sessions import end_sessions
from control_plane.people.models import BrowserSession, KnownDevice
from control_plane.people.rules import check_password
from control_plane.people.sign_in import Caller, Entrance, SignedIn, TurnedAway, sign_in
from control_plane.people.standing import NoSuchPerson, standings
from control_plane.unit import Units


class SessionOver(Exception):
    """Somebody else ended the session or set the password in the meantime; sign in again."""


def replace_password(
    units: Units, entrance: Entrance, person_id: str, current: str, new: str, caller: Caller
) -> SignedIn | TurnedAway:
    """Set one's own password, prove the present one first, and go on in a new session.

    All other sessions and devices of the account are out. Raises NoSuchPerson, PasswordRefused,
    PasswordsBusy, SessionOver. Whoever has taken over a session can guess here no faster than at the door.
    """
    with units.read() as session:
        standing = standings(session, [person_id], units.clock()).get(person_id)
    if standing is None:
        raise NoSuchPerson(f"no person {person_id!r}")
    check_password(new, [*standing.names.values(), standing.email])
    outcome = sign_in(units, entrance, standing.email, current, caller)
    if isinstance(outcome, TurnedAway):
        return outcome
    prepared = entrance.passwords.prepare(new)
    with units.begin() as unit:
        person = locked(unit, person_id)
        session_now = unit.session.get_one(BrowserSession, outcome.session_id)
        if session_now.ended_at is not None:
            raise SessionOver("the session was ended while the password was being changed")
        keep_password(unit, person, prepared)
        unit.session.execute(
            delete(KnownDevice).where(
                col(KnownDevice.person_id) == person_id,
                col(KnownDevice.token_hash) != sha256(outcome.device.encode()).digest(),
            )
        )
        unit.record(PasswordSet(by=person.pseudonym, on=person.pseudonym))
        end_sessions(unit, person, by=person.pseudonym, why="password_set", but=outcome.session_id)
    return outcome
