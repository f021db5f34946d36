"""A person's calendar feed: what they were convened to, from a quarter back on, for any calendar to subscribe."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from control_plane.meetings.calendar import calendar
from control_plane.meetings.convocation import matter_of
from control_plane.meetings.editing import Held
from control_plane.meetings.letters import Letterhead, Matter, notice
from control_plane.meetings.models import Invitation, Meeting, Series
from control_plane.meetings.series import series_matters
from control_plane.people.service import BodyView, bodies, standings
from control_plane.policy import State

BACK = timedelta(days=92)


def feed(session: Session, person_id: str, letterhead: Letterhead, now: datetime) -> bytes:
    """Return the calendar (METHOD PUBLISH) of what this person was convened to; the same while nothing changes.

    Five statements, whatever the number of meetings. An unknown or disabled person's is empty.
    """
    person = standings(session, [person_id], now).get(person_id)
    if person is None or person.disabled:
        return calendar("PUBLISH", [])
    meetings = _convened(session, person_id, now)
    series = _series(session, {each.series_id for each in meetings if each.series_id})
    whole = _occurrences(session, list(series))
    of = bodies(session, {each.body_id for each in meetings})
    return calendar(
        "PUBLISH",
        [
            notice(letterhead, matter, stamp, person.language, [])
            for matter, stamp in _matters(meetings, series, whole, of)
        ],
    )


def _convened(session: Session, person_id: str, now: datetime) -> Sequence[Meeting]:
    """The meetings from a quarter back on, and all those of a series of which some is."""
    mine = (
        select(Meeting)
        .join(Invitation, col(Invitation.meeting_id) == col(Meeting.id))
        .where(col(Invitation.person_id) == person_id, col(Meeting.state) != State.draft.value)
    )
    recent = mine.where(col(Meeting.starts_at) >= now - BACK)
    in_series = recent.with_only_columns(col(Meeting.series_id))
    query = mine.where((col(Meeting.starts_at) >= now - BACK) | col(Meeting.series_id).in_(in_series))
    return list(session.scalars(query.order_by(col(Meeting.starts_at), col(Meeting.id))))


def _series(session: Session, ids: set[str]) -> dict[str, Series]:
    return {each.id: each for each in session.scalars(select(Series).where(col(Series.id).in_(ids)))}


def _occurrences(session: Session, series_ids: Sequence[str]) -> dict[str, list[Meeting]]:
    found: defaultdict[str, list[Meeting]] = defaultdict(list)
    query = select(Meeting).where(col(Meeting.series_id).in_(series_ids))
    for meeting in session.scalars(query.order_by(col(Meeting.occurrence_wall))):
        found[meeting.series_id or ""].append(meeting)
    return found


def _matters(
    meetings: Sequence[Meeting],
    series: dict[str, Series],
    whole: dict[str, list[Meeting]],
    of: dict[str, BodyView],
) -> Iterator[tuple[Matter, datetime]]:
    """DTSTAMP is when the thing last changed, so that an unchanged feed stays the same to the byte."""
    shown = {each.id for each in meetings if each.state != State.cancelled}
    for meeting in meetings:
        if meeting.series_id is None:
            yield matter_of(Held(meeting, of[meeting.body_id])), meeting.changed_at
    for series_id, one in series.items():
        if shown.isdisjoint(each.id for each in whole[series_id]):
            continue
        stamp = max(each.changed_at for each in whole[series_id])
        for matter in series_matters(one, whole[series_id], shown, of[one.body_id]):
            yield matter, stamp
