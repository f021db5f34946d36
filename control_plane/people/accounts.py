"""Accounts: adding, changing and disabling people, their passwords and the address of their calendar feed."""

import secrets
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from control_plane.audit.entries import PasswordSet, PersonAdded, PersonChanged, PersonDisabled
from control_plane.people.authority import Authority, leave_to_manage
from control_plane.people.browser_sessions import end_sessions
from control_plane.people.models import KnownDevice, Password, Person
from control_plane.people.passwords import NewPassword
from control_plane.people.rules import LANGUAGES, PersonDetails, address, check_password
from control_plane.people.standing import NoSuchPerson, Standing, standings
from control_plane.permission import Permission
from control_plane.unit import Unit


class EmailTaken(Exception):
    """Another account has this e-mail address."""


def add_person(unit: Unit, permission: Permission, authority: Authority, details: PersonDetails) -> str:
    """Return the id of a new account without password (raises NotPermitted, DetailsInvalid, EmailTaken)."""
    decision = leave_to_manage(unit, permission, authority)
    details.check()
    person = Person(**_columns(details))
    unit.session.add(person)
    _flush_address(unit)
    unit.record(
        PersonAdded(on=person.pseudonym, **decision),
        readable={"names": dict(details.names), "email": person.email},
    )
    return person.id


def change_person(
    unit: Unit, permission: Permission, authority: Authority, person_id: str, details: PersonDetails
) -> tuple[str, ...]:
    """Give an account these details and return what differs.

    Raises NotPermitted, NoSuchPerson, DetailsInvalid, EmailTaken.
    """
    decision = leave_to_manage(unit, permission, authority)
    details.check()
    person = locked(unit, person_id)
    changed = {name: value for name, value in _columns(details).items() if getattr(person, name) != value}
    if changed:
        before = {name: getattr(person, name) for name in changed}
        for name, value in changed.items():
            setattr(person, name, value)
        _flush_address(unit)
        unit.record(
            PersonChanged(on=person.pseudonym, fields=tuple(sorted(changed)), **decision),
            readable={"before": before, "after": changed},
        )
    return tuple(sorted(changed))


def disable_person(unit: Unit, permission: Permission, authority: Authority, person_id: str) -> None:
    """Shut an account and end its sessions, once and for all (raises NotPermitted, NoSuchPerson)."""
    decision = leave_to_manage(unit, permission, authority)
    person = locked(unit, person_id)
    if person.disabled_at is not None:
        return
    person.disabled_at = unit.now
    unit.record(PersonDisabled(on=person.pseudonym, **decision))
    end_sessions(unit, person, by=decision["by"], why="disabled")


def set_password(
    unit: Unit, permission: Permission, authority: Authority, person_id: str, new: NewPassword
) -> None:
    """Give an account a password; its sessions end and its devices must prove themselves again.

    Raises NotPermitted, NoSuchPerson, PasswordRefused. `new` comes from Passwords.prepare, called before the
    unit began, because hashing takes long.
    """
    decision = leave_to_manage(unit, permission, authority)
    person = locked(unit, person_id)
    keep_password(unit, person, new)
    unit.session.execute(delete(KnownDevice).where(col(KnownDevice.person_id) == person.id))
    unit.record(PasswordSet(on=person.pseudonym, **decision))
    end_sessions(unit, person, by=decision["by"], why="password_set")


def end_sessions_of(unit: Unit, permission: Permission, authority: Authority, person_id: str) -> int:
    """Sign somebody out everywhere; return how many sessions that were (raises NotPermitted, NoSuchPerson)."""
    decision = leave_to_manage(unit, permission, authority)
    return end_sessions(unit, locked(unit, person_id), by=decision["by"], why="ended_by_administrator")


def renew_feed(unit: Unit, person_id: str) -> str:
    """Return the secret of one's own calendar feed; the one given before is worth nothing from now on."""
    person = locked(unit, person_id)
    token = secrets.token_urlsafe(32)
    person.feed_token_hash = sha256(token.encode()).digest()
    unit.record(PersonChanged(by=person.pseudonym, on=person.pseudonym, fields=("feed",)))
    return token


def feed_owner(session: Session, token: str, at: datetime) -> Standing | None:
    """Return whose calendar feed this secret opens at that moment, nobody for a disabled account."""
    person_id = session.execute(
        select(col(Person.id)).where(
            col(Person.feed_token_hash) == sha256(token.encode()).digest(), col(Person.disabled_at).is_(None)
        )
    ).scalar_one_or_none()
    return standings(session, [person_id], at)[person_id] if person_id else None


def keep_password(unit: Unit, person: Person, new: NewPassword) -> None:
    """Store a password for an account that is locked (raises PasswordRefused)."""
    names = [person.name_ar, person.name_fr, person.name_en, person.name_zgh]
    check_password(new.text, [*names, person.email])
    password = unit.session.get(Password, person.id)
    if password is None:
        unit.session.add(Password(person_id=person.id, hash=new.hash, changed_at=unit.now))
    else:
        password.hash, password.changed_at = new.hash, unit.now


def locked(unit: Unit, person_id: str) -> Person:
    """Return an account that nobody else changes until this unit ends (raises NoSuchPerson)."""
    person = unit.session.get(Person, person_id, with_for_update=True)
    if person is None:
        raise NoSuchPerson(f"no person {person_id!r}")
    return person


def _columns(details: PersonDetails) -> dict[str, Any]:
    names = {f"name_{language}": details.names.get(language, "") for language in LANGUAGES}
    return {**names, "email": address(details.email), "language": details.language}


def _flush_address(unit: Unit) -> None:
    # Asking beforehand would leave a gap for a second administrator; the index leaves none.
    try:
        unit.session.flush()
    except IntegrityError as error:
        raise EmailTaken("another account has this e-mail address") from error
