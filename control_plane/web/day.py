"""The day as one person may see it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlmodel import Session

from control_plane.meetings.service import (
    AgendaView,
    MeetingView,
    agendas_for,
    convened_to,
    day,
    guests_of,
    readable_by,
    to_utc,
    to_wall,
)
from control_plane.people.service import BodyView
from control_plane.permission import Actor, Permission
from control_plane.policy import State
from control_plane.web.locales import Words

ONE_DAY = timedelta(days=1)
EARLIEST, LATEST = date(1970, 1, 2), date(2200, 1, 1)
FARTHEST = timedelta(hours=14)  # no zone's clocks are farther from UTC


@dataclass(frozen=True, slots=True)
class Details:
    """What those who may read about a meeting see."""

    title: str
    classification: str
    state: str
    agenda: Sequence[AgendaView]
    convened: int


@dataclass(frozen=True, slots=True)
class Sitting:
    """A meeting on the page; `details` is None for those who may not read about it."""

    id: str
    body: str
    starts: datetime
    ends: datetime
    hours: str
    zone: str
    details: Details | None


def house_zone(bodies: Mapping[str, BodyView]) -> str:
    """Return the zone in which most bodies sit: where it is today."""
    zones = Counter(body.zone for body in bodies.values())
    return zones.most_common(1)[0][0] if zones else "UTC"


def chosen_day(asked: str, now: datetime, zone: str) -> date:
    """Return the day that was asked for (ISO 8601), today in that zone when it isn't one."""
    try:
        wanted = date.fromisoformat(asked)
    except ValueError:
        return to_wall(now, zone).date()
    return min(max(wanted, EARLIEST), LATEST)


def sittings(
    session: Session,
    permission: Permission,
    actor: Actor,
    when: tuple[date, datetime],
    bodies: Mapping[str, BodyView],
    words: Words,
) -> list[Sitting]:
    """Return the meetings that begin on a day, each by the clocks where it is held (six statements).

    `when` is the day and now. A draft that the actor may not read isn't shown at all: nobody was called yet.
    """
    found = _on(session, when[0])
    readable = {meeting.id for meeting in readable_by(session, permission, actor, found, when[1])}
    shown = [meeting for meeting in found if meeting.id in readable or meeting.state is not State.draft]
    details = _details(session, actor, [meeting for meeting in shown if meeting.id in readable])
    return [_sitting(meeting, bodies, words, details.get(meeting.id)) for meeting in shown]


def _on(session: Session, wanted: date) -> list[MeetingView]:
    midnight = to_utc(datetime.combine(wanted, time()), "UTC")
    around = day(session, midnight - FARTHEST, midnight + ONE_DAY + FARTHEST)
    return [meeting for meeting in around if meeting.starts_wall.date() == wanted]


def _details(session: Session, actor: Actor, readable: Sequence[MeetingView]) -> dict[str, Details]:
    ids = [meeting.id for meeting in readable]
    agendas, people, guests = (
        agendas_for(session, actor, readable),
        convened_to(session, ids),
        guests_of(session, ids),
    )
    return {
        meeting.id: Details(
            meeting.title,
            meeting.classification.name.lower(),
            meeting.state.value,
            agendas[meeting.id],
            len(people[meeting.id]) + sum(not guest.revoked for guest in guests[meeting.id]),
        )
        for meeting in readable
    }


def _sitting(
    meeting: MeetingView, bodies: Mapping[str, BodyView], words: Words, details: Details | None
) -> Sitting:
    body = bodies[meeting.body_id].name_in(words.code)
    hours = hours_of(meeting, words)
    return Sitting(meeting.id, body, meeting.starts_at, meeting.ends_at, hours, meeting.zone, details)


def hours_of(meeting: MeetingView, words: Words) -> str:
    """Return from when to when it is, by the clocks where it is held; the day of its end if that is another."""
    starts, ends = meeting.starts_wall, meeting.ends_wall
    hours = words.hours.format(starts=f"{starts:%H:%M}", ends=f"{ends:%H:%M}")
    if ends.date() == starts.date():
        return hours
    return f"{hours} ({words.until_day.format(day=words.date(ends))})"
