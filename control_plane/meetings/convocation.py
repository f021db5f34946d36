"""Convening a sitting, and calling it off: who is called, and what they are written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlmodel import Session, col

from control_plane.audit.entries import MeetingCancelled, MeetingConvened
from control_plane.meetings.booking import named
from control_plane.meetings.clashes import Slot, clashes
from control_plane.meetings.editing import Authority, Held, hold, language_of, mark
from control_plane.meetings.letters import Letterhead, Matter, Occasion, Reader, reader, write
from control_plane.meetings.models import Guest, Invitation, Meeting
from control_plane.meetings.rules import Conflict, Conflicting, short_notice, step
from control_plane.meetings.views import MeetingView, convened_to, view_of
from control_plane.people.service import Seat, Standing, members_of, standings
from control_plane.permission import Permission
from control_plane.policy import Action, Function, State
from control_plane.unit import Unit

RANK = tuple(Function)  # who holds two functions is called in the higher one


@dataclass(frozen=True, slots=True)
class Called:
    """Everybody a convocation goes to: the function of each person by id (officials have none), and guests."""

    functions: Mapping[str, Function | None]
    people: Mapping[str, Standing]
    guests: Sequence[Reader]

    def readers(self) -> list[Reader]:
        """Return those who are written to as convened, guests not included."""
        return [reader(person, self.functions[person.id]) for person in self.people.values()]


def convene(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    letterhead: Letterhead,
    meeting_id: str,
    *,
    reason: str = "",
    accept_conflicts: bool = False,
) -> MeetingView:
    """Call the members of the body, and the guests, to a meeting that is a draft.

    `reason` says why the notice is shorter than the body's rules want. Raises NoSuchMeeting, NotInState,
    NotPermitted, NoticeTooShort, and Conflicting unless conflicts are accepted.
    """
    held = hold(unit, meeting_id)
    meeting = held.meeting
    step(State(meeting.state), State.convened)
    decision = held.leave(unit, permission, authority, Action.convene)
    cut_short = short_notice(meeting.starts_at, unit.now, held.body.notice_hours, reason)
    conflicts = conflicts_of(unit, held, authority, accept=accept_conflicts)
    to = called(unit, meeting)
    convene_row(unit, meeting, authority, reason if cut_short else "")
    invite(unit, [meeting.id], to.functions)
    matters = [matter_of(held)]
    write(unit, letterhead, Occasion.convened, matters, to.readers())
    write(unit, letterhead, Occasion.invited, matters, to.guests)
    unit.record(
        MeetingConvened(
            body=meeting.body_id,
            meeting=meeting.id,
            invited=len(to.people),
            short_notice=cut_short,
            **decision,
        ),
        readable={"title": meeting.title, **({"reason": reason} if cut_short else {}), **named(conflicts)},
    )
    return view_of(meeting)


def cancel(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    letterhead: Letterhead,
    meeting_id: str,
    *,
    reason: str = "",
) -> MeetingView:
    """Call off a meeting that hasn't begun, and tell everybody who was told of it.

    Raises NoSuchMeeting, NotInState, NotPermitted.
    """
    held = hold(unit, meeting_id)
    meeting = held.meeting
    was = State(meeting.state)
    step(was, State.cancelled)
    decision = held.leave(unit, permission, authority, Action.cancel)
    meeting.state = State.cancelled.value
    mark(unit, meeting, authority, ["state"])
    if was is State.convened:
        announce(unit, letterhead, Occasion.cancelled, held)
    unit.record(
        MeetingCancelled(body=meeting.body_id, meeting=meeting.id, **decision),
        readable={"title": meeting.title, **({"reason": reason} if reason else {})},
    )
    return view_of(meeting)


def announce(unit: Unit, letterhead: Letterhead, occasion: Occasion, held: Held) -> None:
    """Tell everybody who was told of a meeting what it is now, in the next sequence of its calendar object."""
    held.meeting.sequence += 1
    to = told(unit, held.meeting.id)
    write(unit, letterhead, occasion, [matter_of(held)], [*to.readers(), *to.guests])


def conflicts_of(unit: Unit, held: Held, authority: Authority, *, accept: bool) -> tuple[Conflict, ...]:
    """Return what stands in the way of the meeting as it is now (raises Conflicting unless accepted)."""
    meeting = held.meeting
    slot = Slot(meeting.id, meeting.title, meeting.starts_at, meeting.ends_at)
    conflicts = clashes(unit.session, held.body, [slot], language_of(authority))
    if conflicts and not accept:
        raise Conflicting(conflicts)
    return conflicts


def matter_of(held: Held) -> Matter:
    """Return what letters about this one meeting are about, an occurrence of a series included."""
    meeting = held.meeting
    return Matter(
        view_of(meeting), held.body, meeting.uid, meeting.sequence, occurrence_wall=meeting.occurrence_wall
    )


def convene_row(unit: Unit, meeting: Meeting, authority: Authority, reason: str) -> None:
    """Make a draft convened; `reason` is empty where the notice is long enough."""
    meeting.state = State.convened.value
    meeting.convened_at = unit.now
    meeting.short_notice_reason = reason or None
    mark(unit, meeting, authority, ["state"])


def called(unit: Unit, meeting: Meeting) -> Called:
    """Return whom a convocation goes to: who sits in the body when the meeting begins, clerks, and officials.

    A meeting that is called for this very minute has begun already: then it goes to who sits now.
    """
    begins = max(meeting.starts_at, unit.now)
    seats = members_of(unit.session, [meeting.body_id], begins)[meeting.body_id]
    officials = convened_to(unit.session, [meeting.id])[meeting.id]
    return _everybody(unit, meeting.id, {**officials, **_highest(seats)})


def told(unit: Unit, meeting_id: str) -> Called:
    """Return whom the convocation of a meeting went to."""
    return _everybody(unit, meeting_id, convened_to(unit.session, [meeting_id])[meeting_id])


def _everybody(unit: Unit, meeting_id: str, functions: Mapping[str, Function | None]) -> Called:
    people = standings(unit.session, list(functions), unit.now)
    able = {person_id: person for person_id, person in people.items() if not person.disabled}
    return Called(
        {person_id: functions[person_id] for person_id in able},
        able,
        guests_by_mail(unit.session, [meeting_id])[meeting_id],
    )


def _highest(seats: Iterable[Seat]) -> dict[str, Function]:
    ordered = sorted(seats, key=lambda seat: RANK.index(seat.function), reverse=True)
    return {seat.person_id: seat.function for seat in ordered}


def guests_by_mail(session: Session, meeting_ids: Sequence[str]) -> dict[str, list[Reader]]:
    """Return the guests of each meeting who are written to; every meeting asked for has a key."""
    found: dict[str, list[Reader]] = {meeting_id: [] for meeting_id in meeting_ids}
    query = select(Guest).where(
        col(Guest.meeting_id).in_(found),
        col(Guest.by_mail).is_(True),
        col(Guest.revoked_at).is_(None),
        col(Guest.removed_at).is_(None),
    )
    for guest in session.scalars(query):
        found[guest.meeting_id].append(guest_reader(guest))
    return found


def guest_reader(guest: Guest) -> Reader:
    """Return how a guest is written to."""
    return Reader(guest.id, guest.pseudonym, guest.name, guest.email, guest.language, "REQ-PARTICIPANT")


def invite(unit: Unit, meeting_ids: Sequence[str], functions: Mapping[str, Function | None]) -> None:
    """Put these people, and nobody else, on the convocation of each meeting."""
    unit.session.execute(delete(Invitation).where(col(Invitation.meeting_id).in_(meeting_ids)))
    unit.session.add_all(
        Invitation(meeting_id=meeting_id, person_id=person_id, function=function)
        for meeting_id in meeting_ids
        for person_id, function in functions.items()
    )
