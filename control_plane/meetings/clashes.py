"""Finding what stands in the way of a meeting: six statements, whatever the number of sittings and members."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from control_plane.meetings.models import Guest, Meeting
from control_plane.meetings.rules import CLOSED_TO_READERS, LONGEST, OVER, Conflict, Sitting, conflicts
from control_plane.meetings.views import MeetingView, convened_to, view_of
from control_plane.people.service import BodyView, Seat, Standing, bodies, members_of, standings
from control_plane.policy import Function, State

PRESIDING = frozenset({Function.chair})
SITTING = frozenset({Function.vice_chair, Function.rapporteur, Function.member})


@dataclass(frozen=True, slots=True)
class Slot:
    """When a meeting is wanted; `meeting_id` is empty for one that isn't booked yet."""

    meeting_id: str
    title: str
    starts_at: datetime
    ends_at: datetime


def clashes(session: Session, of: BodyView, wanted: Sequence[Slot], language: str) -> tuple[Conflict, ...]:
    """Return the named conflicts of the slots wanted for a body, by those who sit in it when the first begins.

    A meeting that may not be read by everybody is called by its body's name, never by its title.
    """
    at = min(slot.starts_at for slot in wanted)
    seats = members_of(session, [of.id], at)[of.id]
    chairs, members = _holding(seats, PRESIDING), _holding(seats, SITTING)
    people = standings(session, chairs | members, at)
    guests = _guests(session, [slot.meeting_id for slot in wanted if slot.meeting_id])
    found = conflicts(
        [
            Sitting(
                slot.meeting_id,
                of.id,
                slot.title,
                slot.starts_at,
                slot.ends_at,
                chairs,
                members,
                guests.get(slot.meeting_id, 0),
                of.capacity,
            )
            for slot in wanted
        ],
        _others(session, of, wanted, people, language),
    )
    return tuple(_named(conflict, of, people, language) for conflict in found)


def _holding(seats: Sequence[Seat], functions: Collection[Function]) -> frozenset[str]:
    return frozenset(seat.person_id for seat in seats if seat.function in functions)


def _guests(session: Session, meeting_ids: Sequence[str]) -> dict[str, int]:
    query = (
        select(col(Guest.meeting_id), func.count())
        .where(
            col(Guest.meeting_id).in_(meeting_ids),
            col(Guest.revoked_at).is_(None),
            col(Guest.removed_at).is_(None),
        )
        .group_by(col(Guest.meeting_id))
    )
    rows = session.execute(query)
    return {meeting_id: number for meeting_id, number in rows}  # noqa: C416 — rows are not typed as pairs


def _others(
    session: Session,
    of: BodyView,
    wanted: Sequence[Slot],
    people: Mapping[str, Standing],
    language: str,
) -> list[Sitting]:
    """Return the meetings near the wanted ones in which any of these people sit, as far as they are concerned."""
    concerned = {of.id, *(body_id for person in people.values() for body_id, _ in person.functions)}
    query = select(Meeting).where(
        col(Meeting.body_id).in_(concerned),
        col(Meeting.state).not_in(OVER),
        col(Meeting.starts_at) > min(slot.starts_at for slot in wanted) - LONGEST,
        col(Meeting.starts_at) < max(slot.ends_at for slot in wanted),
        col(Meeting.id).not_in({slot.meeting_id for slot in wanted}),
    )
    near = [view_of(meeting) for meeting in session.scalars(query)]
    convened = convened_to(session, [meeting.id for meeting in near])
    called = bodies(session, {meeting.body_id for meeting in near})
    return [
        _sitting(
            meeting,
            called[meeting.body_id],
            _functions(meeting, convened[meeting.id], people),
            language,
        )
        for meeting in near
    ]


def _functions(
    meeting: MeetingView, convened: Mapping[str, Function | None], people: Mapping[str, Standing]
) -> set[tuple[str, Function | None]]:
    """Return who of these people must be there, and as what: those convened, before that those who sit."""
    if meeting.state is not State.draft:
        return {(person, function) for person, function in convened.items() if person in people}
    return {
        (person.id, function)
        for person in people.values()
        for body_id, function in person.functions
        if body_id == meeting.body_id
    }


def _sitting(
    meeting: MeetingView, of: BodyView, functions: Collection[tuple[str, Function | None]], language: str
) -> Sitting:
    return Sitting(
        meeting.id,
        meeting.body_id,
        of.name_in(language) if meeting.classification in CLOSED_TO_READERS else meeting.title,
        meeting.starts_at,
        meeting.ends_at,
        frozenset(person for person, function in functions if function in PRESIDING),
        frozenset(person for person, function in functions if function in SITTING),
        guests=0,
        capacity=0,
    )


def _named(conflict: Conflict, of: BodyView, people: Mapping[str, Standing], language: str) -> Conflict:
    person = people.get(conflict.who)
    return replace(conflict, name=(person or of).name_in(language))
