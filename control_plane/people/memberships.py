"""Memberships and duties: who is what, from when until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlmodel import col

from control_plane.audit.entries import DutyGiven, DutyTaken, MembershipBegan, MembershipEnded
from control_plane.people.authority import Authority, leave_to_manage
from control_plane.people.models import Body, DutyHeld, Membership, Person
from control_plane.people.rules import SEATS, check_duty, check_function, overlap, valid_at
from control_plane.people.standing import NoSuchBody, NoSuchPerson
from control_plane.permission import Decision, Permission
from control_plane.policy import Duty, Function
from control_plane.unit import Unit


class SeatHeldAlready(Exception):
    """The person already has a seat in this body, or is its clerk, in that time; `function` says what."""

    def __init__(self, function: str) -> None:
        super().__init__(f"the person is already {function} in this body at that time")
        self.function = function


class SubstituteForNobody(Exception):
    """A substitute replaces one other member of the same body; any other function replaces nobody."""


class DatesInvalid(Exception):
    """A stretch of time must end after it begins, and an end can only be moved earlier."""


class NoSuchMembership(Exception):
    """No membership has this id, or it is over."""


class DutyHeldAlready(Exception):
    """The person has this duty already."""


class DutyNotHeld(Exception):
    """The person doesn't have this duty."""


@dataclass(frozen=True, slots=True)
class Term:
    """From `begins` on, up to but without `ends`; None has no end."""

    begins: datetime
    ends: datetime | None = None


def begin_membership(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    *,
    person_id: str,
    body_id: str,
    function: Function,
    substitute_for: str | None = None,
    term: Term | None = None,
) -> str:
    """Return the id of a new membership, from now on unless `term` says otherwise.

    In one body, at one time, a person has one seat, and may be its clerk besides. Raises NotPermitted,
    NoSuchPerson, NoSuchBody, DatesInvalid, SeatHeldAlready, SubstituteForNobody, DutiesIncompatible.
    """
    decision = leave_to_manage(unit, permission, authority)
    term = term or Term(unit.now)
    _check_order(term)
    people = _locked(unit, [person_id] if substitute_for is None else [person_id, substitute_for])
    if unit.session.get(Body, body_id) is None:
        raise NoSuchBody(f"no body {body_id!r}")
    held = _memberships(unit, list(people), term)
    own = [other for other in held if other.person_id == person_id and other.body_id == body_id]
    _check_seat(function, own)
    _check_substitute(function, person_id, substitute_for, body_id, held)
    check_function(function, [Duty(duty.duty) for duty in _duties(unit, person_id, term)])
    membership = Membership(
        person_id=person_id,
        body_id=body_id,
        function=function.value,
        substitute_for=substitute_for,
        valid_from=term.begins,
        valid_until=term.ends,
    )
    unit.session.add(membership)
    replaced = people[substitute_for].pseudonym if substitute_for else ""
    unit.record(
        MembershipBegan(
            on=people[person_id].pseudonym,
            body=body_id,
            function=function.value,
            instead_of=replaced,
            **decision,
        ),
        readable=_readable(people[person_id], term),
    )
    return membership.id


def end_membership(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    membership_id: str,
    *,
    at: datetime | None = None,
) -> None:
    """Let a membership end now or at a later moment, and with a seat the memberships of its substitutes.

    Raises NotPermitted, NoSuchMembership, DatesInvalid.
    """
    decision = leave_to_manage(unit, permission, authority)
    membership = unit.session.get(Membership, membership_id, with_for_update=True)
    if membership is None or (membership.valid_until is not None and membership.valid_until <= unit.now):
        raise NoSuchMembership(f"no membership {membership_id!r} that could end")
    end = at or max(unit.now, membership.valid_from)
    latest = membership.valid_until
    if end < max(unit.now, membership.valid_from) or (latest is not None and end > latest):
        raise DatesInvalid("the end lies before now, before the beginning or after the present end")
    ending = [membership, *_substitutes(unit, membership, end)]
    people = _locked(unit, {one.person_id for one in ending})
    for one in ending:
        one.valid_until = max(end, one.valid_from)
        _record_end(unit, one, people[one.person_id], decision)


def give_duty(
    unit: Unit, permission: Permission, authority: Authority, *, person_id: str, duty: Duty
) -> None:
    """Make a person security officer or administrator from now on.

    Raises NotPermitted, NoSuchPerson, DutyHeldAlready, DutiesIncompatible (with any function or duty that is
    held now or has been arranged for later).
    """
    decision = leave_to_manage(unit, permission, authority)
    person = _locked(unit, [person_id])[person_id]
    term = Term(unit.now)
    held = {Duty(other.duty) for other in _duties(unit, person_id, term)}
    if duty in held:
        raise DutyHeldAlready(f"the person is {duty} already")
    check_duty(duty, held, {Function(other.function) for other in _memberships(unit, [person_id], term)})
    unit.session.add(DutyHeld(person_id=person_id, duty=duty.value, valid_from=unit.now))
    unit.record(DutyGiven(on=person.pseudonym, duty=duty.value, **decision), readable=_readable(person, term))


def take_duty(
    unit: Unit, permission: Permission, authority: Authority, *, person_id: str, duty: Duty
) -> None:
    """Take a duty from a person now (raises NotPermitted, NoSuchPerson, DutyNotHeld)."""
    decision = leave_to_manage(unit, permission, authority)
    person = _locked(unit, [person_id])[person_id]
    held = [other for other in _duties(unit, person_id, Term(unit.now)) if other.duty == duty.value]
    if not held:
        raise DutyNotHeld(f"the person is not {duty}")
    for one in held:
        one.valid_until = max(unit.now, one.valid_from)
    unit.record(DutyTaken(on=person.pseudonym, duty=duty.value, **decision))


def _check_order(term: Term) -> None:
    if term.ends is not None and term.ends <= term.begins:
        raise DatesInvalid("the end is not after the beginning")


def _check_seat(wanted: Function, own: Sequence[Membership]) -> None:
    same_sort = SEATS if wanted in SEATS else {Function.clerk}
    for other in own:
        if Function(other.function) in same_sort:
            raise SeatHeldAlready(other.function)


def _check_substitute(
    function: Function,
    person_id: str,
    substitute_for: str | None,
    body_id: str,
    held: Sequence[Membership],
) -> None:
    if (function is Function.substitute) != (substitute_for is not None):
        raise SubstituteForNobody("a substitute, and nobody else, replaces a member")
    if substitute_for is None:
        return
    replaceable = SEATS - {Function.substitute}
    if substitute_for == person_id or not any(
        other.person_id == substitute_for and other.body_id == body_id and other.function in replaceable
        for other in held
    ):
        raise SubstituteForNobody("who is to be replaced has no seat in this body at that time")


def _locked(unit: Unit, person_ids: Sequence[str] | set[str]) -> dict[str, Person]:
    # Duties and memberships exclude each other, so two changes to one person must not pass each other.
    rows = unit.session.scalars(
        select(Person).where(col(Person.id).in_(person_ids)).order_by(col(Person.id)).with_for_update()
    )
    people = {person.id: person for person in rows}
    for person_id in person_ids:
        if person_id not in people:
            raise NoSuchPerson(f"no person {person_id!r}")
    return people


def _memberships(unit: Unit, person_ids: Sequence[str], term: Term) -> list[Membership]:
    until = col(Membership.valid_until)
    rows = unit.session.scalars(
        select(Membership).where(
            col(Membership.person_id).in_(person_ids), or_(until.is_(None), until > term.begins)
        )
    )
    return [one for one in rows if _meet(one, term)]


def _duties(unit: Unit, person_id: str, term: Term) -> list[DutyHeld]:
    rows = unit.session.scalars(select(DutyHeld).where(col(DutyHeld.person_id) == person_id))
    return [one for one in rows if _meet(one, term)]


def _substitutes(unit: Unit, membership: Membership, end: datetime) -> list[Membership]:
    if membership.function not in SEATS:
        return []
    until = col(Membership.valid_until)
    rows = unit.session.scalars(
        select(Membership).where(
            col(Membership.body_id) == membership.body_id,
            col(Membership.substitute_for) == membership.person_id,
            or_(until.is_(None), until > end),
        )
    )
    return list(rows)


def _meet(one: Membership | DutyHeld, term: Term) -> bool:
    return overlap((one.valid_from, one.valid_until), (term.begins, term.ends))


def _record_end(unit: Unit, one: Membership, person: Person, decision: Decision) -> None:
    over = not valid_at(one.valid_from, one.valid_until, unit.now)
    unit.record(
        MembershipEnded(on=person.pseudonym, body=one.body_id, function=one.function, **decision),
        readable={**_readable(person, Term(one.valid_from, one.valid_until)), "over": over},
    )


def _readable(person: Person, term: Term) -> dict[str, str]:
    return {
        "person": person.name_fr,
        "from": term.begins.isoformat(),
        "until": term.ends.isoformat() if term.ends else "",
    }
