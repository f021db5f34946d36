"""May this conference exist? Asked by our own gate module, and by upstream's reservation module in its own form.

An answer is never an admission (upstream's module asks before it checks the token's room, and the owner it
names is a random address): whoever joins is asked about at the gate all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from control_plane.audit.entries import ReservationAnswered, RoomRefused
from control_plane.meetings.service import MeetingView, meetings
from control_plane.people.service import BodyView, bodies
from control_plane.rooms.gate import OPEN_TO_CONFERENCE
from control_plane.rooms.models import Room
from control_plane.rooms.pools import Pools
from control_plane.unit import Unit


@dataclass(frozen=True, slots=True)
class Wanted:
    """The name of a conference that a signalling host is about to create."""

    room: str
    node: str


@dataclass(frozen=True, slots=True)
class Reservation:
    """The conference is booked: of this meeting, from and for how long, for how many."""

    meeting_id: str
    starts_at: datetime
    seconds: int
    max_occupants: int


@dataclass(frozen=True, slots=True)
class Unreserved:
    """No meeting allows this conference now; `why` is a word of rooms/reasons.py."""

    why: str


def answer_creations(pools: Pools, unit: Unit, wanted: Sequence[Wanted]) -> list[Reservation | Unreserved]:
    """Say of each conference whether a meeting allows it now; a refusal is recorded."""
    answers = _look_up(pools, unit, wanted)
    for want, (answer, meeting) in zip(wanted, answers, strict=True):
        if isinstance(answer, Unreserved):
            unit.record(
                RoomRefused(
                    meeting=meeting.id if meeting else "",
                    body=meeting.body_id if meeting else "",
                    node=want.node,
                    why=answer.why,
                )
            )
    return [answer for answer, _ in answers]


def answer_reservations(pools: Pools, unit: Unit, wanted: Sequence[Wanted]) -> list[Reservation | Unreserved]:
    """Say the same to upstream's module; either answer is recorded."""
    answers = _look_up(pools, unit, wanted)
    for want, (answer, meeting) in zip(wanted, answers, strict=True):
        unit.record(
            ReservationAnswered(
                meeting=meeting.id if meeting else "",
                body=meeting.body_id if meeting else "",
                node=want.node,
                answer=answer.why if isinstance(answer, Unreserved) else "booked",
            )
        )
    return [answer for answer, _ in answers]


def _look_up(
    pools: Pools, unit: Unit, wanted: Sequence[Wanted]
) -> list[tuple[Reservation | Unreserved, MeetingView | None]]:
    names = [want.room for want in wanted]
    rows = unit.session.execute(select(col(Room.name), col(Room.meeting_id)).where(col(Room.name).in_(names)))
    meeting_of = {name: meeting for name, meeting in rows}  # noqa: C416 — a Result has keys()
    found = meetings(unit.session, set(meeting_of.values()))
    known = bodies(unit.session, {meeting.body_id for meeting in found.values()})
    return [_answer(pools, want, found.get(meeting_of.get(want.room, "")), known) for want in wanted]


def _answer(
    pools: Pools, want: Wanted, meeting: MeetingView | None, known: dict[str, BodyView]
) -> tuple[Reservation | Unreserved, MeetingView | None]:
    if meeting is None:
        return Unreserved("room_unknown"), None
    if meeting.state not in OPEN_TO_CONFERENCE:
        return Unreserved("room_closed"), meeting
    if why := pools.why_not(want.node, meeting.classification):
        return Unreserved(why), meeting
    seconds = int((meeting.ends_at - meeting.starts_at).total_seconds())
    return Reservation(meeting.id, meeting.starts_at, seconds, known[meeting.body_id].capacity), meeting
