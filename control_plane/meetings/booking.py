"""Booking a sitting or a series of them, and changing one that is booked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import delete
from sqlmodel import col

from control_plane.audit.entries import MeetingBooked, SeriesBooked
from control_plane.audit.service import microseconds
from control_plane.database import new_id
from control_plane.meetings.clashes import Slot, clashes
from control_plane.meetings.editing import Authority, language_of, leave, one_line, who
from control_plane.meetings.models import AgendaItem, Meeting, MeetingEdit, Series
from control_plane.meetings.recurrence import recurrence
from control_plane.meetings.rules import Conflict, Conflicting, check_times
from control_plane.meetings.views import MeetingView, view_of
from control_plane.meetings.walltime import existing, to_utc, to_wall
from control_plane.people.service import BodyView, body
from control_plane.permission import Decision, Permission
from control_plane.policy import Action, Classification, State
from control_plane.unit import Unit

LONGEST_AGENDA = 100


class AgendaTooLong(Exception):
    """An agenda has at most 100 points."""


@dataclass(frozen=True, slots=True)
class Item:
    """A point of the agenda; one that is not public is dealt with in camera."""

    title: str
    public: bool = True


@dataclass(frozen=True, slots=True)
class Booking:
    """What somebody wants to book. Wall times are naive; zone and classification are the body's when not given."""

    body_id: str
    title: str
    starts_wall: datetime
    ends_wall: datetime
    zone: str = ""
    classification: Classification | None = None
    agenda: Sequence[Item] = field(default=())


@dataclass(frozen=True, slots=True)
class Preview:
    """What booking would make: the sittings' moments, and what stands in their way."""

    starts_at: tuple[datetime, ...]
    conflicts: tuple[Conflict, ...]


def book(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    booking: Booking,
    *,
    accept_conflicts: bool = False,
) -> MeetingView:
    """Book a sitting as a draft.

    Raises NotPermitted, NoSuchBody, TitleRefused, AgendaTooLong, UnknownZone, NoSuchWallTime, TimesRefused,
    and Conflicting unless conflicts are accepted.
    """
    of = body(unit.session, booking.body_id)
    meeting = _draft(unit, of, booking, authority, existing(booking.starts_wall, _zone(of, booking)))
    decision = leave(unit, permission, authority, Action.book, view_of(meeting), of)
    conflicts = _conflicts(unit, of, [meeting], authority, accept_conflicts)
    _store(unit, [meeting], booking, authority)
    unit.record(_entry(meeting, decision), readable={"title": meeting.title, **named(conflicts)})
    return view_of(meeting)


def book_series(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    booking: Booking,
    rrule: str,
    *,
    accept_conflicts: bool = False,
) -> tuple[str, list[MeetingView]]:
    """Book a recurring sitting and return its id and occurrences, each a draft of its own.

    Raises what `book` raises, and RecurrenceRefused.
    """
    of = body(unit.session, booking.body_id)
    series, meetings = _series(unit, of, booking, authority, rrule)
    decision = leave(unit, permission, authority, Action.book, view_of(meetings[0]), of)
    conflicts = _conflicts(unit, of, meetings, authority, accept_conflicts)
    unit.session.add(series)
    unit.session.flush()
    _store(unit, meetings, booking, authority)
    unit.record(
        SeriesBooked(body=of.id, series=series.id, occurrences=len(meetings), **decision),
        readable={"title": meetings[0].title, "rrule": series.rrule, **named(conflicts)},
    )
    for meeting in meetings:
        unit.record(_entry(meeting, decision))
    return series.id, [view_of(meeting) for meeting in meetings]


def preview(
    unit: Unit, permission: Permission, authority: Authority, booking: Booking, rrule: str = ""
) -> Preview:
    """Return what booking this would make, and book nothing (raises what booking raises but Conflicting)."""
    of = body(unit.session, booking.body_id)
    if rrule:
        _, meetings = _series(unit, of, booking, authority, rrule)
    else:
        meetings = [_draft(unit, of, booking, authority, existing(booking.starts_wall, _zone(of, booking)))]
    leave(unit, permission, authority, Action.book, view_of(meetings[0]), of)
    return Preview(
        tuple(meeting.starts_at for meeting in meetings),
        _conflicts(unit, of, meetings, authority, accept=True),
    )


def named(conflicts: Sequence[Conflict]) -> dict[str, list[str]]:
    """Return what the record's readable part says of conflicts that somebody accepted."""
    if not conflicts:
        return {}
    return {"conflicts": [f"{each.kind}: {each.name}: {each.title}" for each in conflicts[:50]]}


def set_agenda(unit: Unit, meetings: Sequence[str], agenda: Sequence[Item], *, new: bool) -> None:
    """Give meetings this agenda instead of what they have (raises TitleRefused, AgendaTooLong)."""
    if len(agenda) > LONGEST_AGENDA:
        raise AgendaTooLong(f"an agenda has at most {LONGEST_AGENDA} points, not {len(agenda)}")
    if not new:
        unit.session.execute(delete(AgendaItem).where(col(AgendaItem.meeting_id).in_(meetings)))
    unit.session.add_all(
        AgendaItem(
            id=new_id(), meeting_id=meeting, position=place, title=one_line(item.title), public=item.public
        )
        for meeting in meetings
        for place, item in enumerate(agenda, start=1)
    )


def _zone(of: BodyView, booking: Booking) -> str:
    return booking.zone or of.zone


def _draft(unit: Unit, of: BodyView, booking: Booking, authority: Authority, starts_at: datetime) -> Meeting:
    zone = _zone(of, booking)
    ends_at = existing(booking.ends_wall, zone)
    check_times(starts_at, ends_at, unit.now)
    classification = of.default if booking.classification is None else booking.classification
    return Meeting(
        id=new_id(),
        body_id=of.id,
        title=one_line(booking.title),
        classification=int(classification),
        state=State.draft.value,
        starts_wall=booking.starts_wall,
        ends_wall=booking.ends_wall,
        zone=zone,
        starts_at=starts_at,
        ends_at=ends_at,
        uid=str(uuid4()),  # RFC 7986, 5.3: nothing about host or person
        created_by=who(authority),
        changed_at=unit.now,
    )


def _series(
    unit: Unit, of: BodyView, booking: Booking, authority: Authority, rrule: str
) -> tuple[Series, list[Meeting]]:
    zone = _zone(of, booking)
    first = _draft(unit, of, booking, authority, existing(booking.starts_wall, zone))
    rule = recurrence(rrule, booking.starts_wall, zone)
    lasts = first.ends_at - first.starts_at
    series = Series(
        id=new_id(),
        body_id=of.id,
        rrule=rule.text,
        uid=first.uid,
        zone=zone,
        first_wall=booking.starts_wall,
        duration_seconds=int(lasts.total_seconds()),
        created_by=who(authority),
    )
    return series, [_occurrence(first, series.id, wall, lasts) for wall in rule.walls]


def _occurrence(first: Meeting, series_id: str, wall: datetime, lasts: timedelta) -> Meeting:
    """A skipped wall time is read as RFC 5545 says; one bad night must not refuse a whole year."""
    starts_at = to_utc(wall, first.zone)
    return Meeting(
        **first.model_dump(exclude={"id", "series_id", "occurrence_wall", *TIMES}),
        id=new_id(),
        series_id=series_id,
        occurrence_wall=wall,
        starts_wall=wall,
        ends_wall=to_wall(starts_at + lasts, first.zone),
        starts_at=starts_at,
        ends_at=starts_at + lasts,
    )


TIMES = ("starts_wall", "ends_wall", "starts_at", "ends_at")


def _conflicts(
    unit: Unit, of: BodyView, meetings: Sequence[Meeting], authority: Authority, accept: bool
) -> tuple[Conflict, ...]:
    wanted = [Slot("", each.title, each.starts_at, each.ends_at) for each in meetings]
    conflicts = clashes(unit.session, of, wanted, language_of(authority))
    if conflicts and not accept:
        raise Conflicting(conflicts)
    return conflicts


def _store(unit: Unit, meetings: Sequence[Meeting], booking: Booking, authority: Authority) -> None:
    unit.session.add_all(meetings)
    unit.session.flush()
    unit.session.add_all(
        MeetingEdit(meeting_id=each.id, version=1, by=who(authority), at=unit.now, fields="booked")
        for each in meetings
    )
    set_agenda(unit, [each.id for each in meetings], booking.agenda, new=True)


def _entry(meeting: Meeting, decision: Decision) -> MeetingBooked:
    return MeetingBooked(
        body=meeting.body_id,
        meeting=meeting.id,
        classification=Classification(meeting.classification).name.lower(),
        starts=microseconds(meeting.starts_at),
        ends=microseconds(meeting.ends_at),
        series=meeting.series_id or "",
        **decision,
    )
