"""Convening or calling off a whole series: one letter a reader, with the rule instead of every date."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from control_plane.audit.entries import MeetingCancelled, MeetingConvened
from control_plane.meetings.booking import named
from control_plane.meetings.clashes import Slot, clashes
from control_plane.meetings.convocation import called, convene_row, guests_by_mail, invite, matter_of, told
from control_plane.meetings.editing import Authority, Held, language_of, mark
from control_plane.meetings.letters import Letterhead, Matter, Occasion, write
from control_plane.meetings.models import Meeting, Series
from control_plane.meetings.rules import Conflict, Conflicting, short_notice
from control_plane.meetings.views import MeetingView, view_of
from control_plane.meetings.walltime import to_utc, to_wall
from control_plane.people.service import BodyView, body
from control_plane.permission import Permission
from control_plane.policy import Action, State
from control_plane.unit import Unit


class NoSuchSeries(Exception):
    """No series has this id."""


class NothingAhead(Exception):
    """No occurrence of the series is in the state that this needs, and ahead."""


@dataclass(frozen=True, slots=True)
class HeldSeries:
    """A series and all its occurrences, locked until the unit ends, and their body."""

    series: Series
    occurrences: Sequence[Meeting]
    body: BodyView

    def ahead(self, unit: Unit, *states: State) -> list[Meeting]:
        """Return the occurrences in these states that are not over (raises NothingAhead)."""
        found = [each for each in self.occurrences if each.state in states and each.ends_at > unit.now]
        if not found:
            raise NothingAhead(f"no sitting of the series is {' or '.join(states)} and ahead")
        return found


def convene_series(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    letterhead: Letterhead,
    series_id: str,
    *,
    reason: str = "",
    accept_conflicts: bool = False,
) -> list[MeetingView]:
    """Call the members to all occurrences that are drafts and ahead.

    The notice counts from the first of them. Raises NoSuchSeries, NothingAhead, NotPermitted, NoticeTooShort,
    and Conflicting unless conflicts are accepted.
    """
    held = _hold(unit, series_id)
    drafts = held.ahead(unit, State.draft)
    decisions = [Held(each, held.body).leave(unit, permission, authority, Action.convene) for each in drafts]
    cut_short = short_notice(drafts[0].starts_at, unit.now, held.body.notice_hours, reason)
    conflicts = _conflicts(unit, held.body, drafts, authority, accept=accept_conflicts)
    to = called(unit, drafts[0])
    for meeting in drafts:
        convene_row(unit, meeting, authority, reason if cut_short else "")
    invite(unit, [meeting.id for meeting in drafts], to.functions)
    write(unit, letterhead, Occasion.convened, _convened(held), to.readers())
    _write_guests(unit, letterhead, Occasion.invited, held.body, drafts)
    for meeting, decision in zip(drafts, decisions, strict=True):
        first = meeting is drafts[0]
        unit.record(
            MeetingConvened(
                body=held.body.id,
                meeting=meeting.id,
                invited=len(to.people),
                short_notice=cut_short and first,
                **decision,
            ),
            readable={"title": meeting.title, "reason": reason, **named(conflicts)} if first else None,
        )
    return [view_of(meeting) for meeting in drafts]


def cancel_series(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    letterhead: Letterhead,
    series_id: str,
    *,
    reason: str = "",
) -> list[MeetingView]:
    """Call off all occurrences that have not begun, and tell everybody who was told of them.

    Raises NoSuchSeries, NothingAhead, NotPermitted.
    """
    held = _hold(unit, series_id)
    ahead = held.ahead(unit, State.draft, State.convened)
    convened = [meeting for meeting in ahead if meeting.state == State.convened]
    for meeting in ahead:
        decision = Held(meeting, held.body).leave(unit, permission, authority, Action.cancel)
        meeting.state = State.cancelled.value
        mark(unit, meeting, authority, ["state"])
        unit.record(
            MeetingCancelled(body=held.body.id, meeting=meeting.id, **decision),
            readable={"title": meeting.title, **({"reason": reason} if reason else {})},
        )
    if convened:
        held.series.sequence = 1 + max(held.series.sequence, *(each.sequence for each in held.occurrences))
        for meeting in convened:
            meeting.sequence = held.series.sequence
        readers = told(unit, convened[0].id).readers()
        write(unit, letterhead, Occasion.cancelled, _cancelled(held, convened), readers)
        _write_guests(unit, letterhead, Occasion.cancelled, held.body, convened)
    return [view_of(meeting) for meeting in ahead]


def _hold(unit: Unit, series_id: str) -> HeldSeries:
    series = unit.session.get(Series, series_id, with_for_update=True)
    if series is None:
        raise NoSuchSeries(f"no series {series_id!r}")
    query = (
        select(Meeting)
        .where(col(Meeting.series_id) == series_id)
        .order_by(col(Meeting.occurrence_wall))
        .with_for_update()
    )
    return HeldSeries(series, list(unit.session.scalars(query)), body(unit.session, series.body_id))


def series_matters(
    series: Series, occurrences: Sequence[Meeting], shown: Collection[str], of: BodyView
) -> list[Matter]:
    """Return what calendars are told of a series: the rule, then each shown occurrence that departs from it.

    `occurrences` are all of the series in their original order; those not in `shown` are excepted.
    """
    starts_at = to_utc(series.first_wall, series.zone)
    model = replace(
        view_of(occurrences[0]),
        state=State.convened,
        starts_wall=series.first_wall,
        ends_wall=to_wall(starts_at + timedelta(seconds=series.duration_seconds), series.zone),
        zone=series.zone,
    )
    rule = Matter(
        model,
        of,
        series.uid,
        series.sequence,
        series_id=series.id,
        rrule=series.rrule,
        last_wall=occurrences[-1].occurrence_wall,
        exdates=[
            each.occurrence_wall for each in occurrences if each.id not in shown and each.occurrence_wall
        ],
    )
    return [
        rule,
        *(_matter(each, of) for each in occurrences if each.id in shown and _departs(each, series, model)),
    ]


def _write_guests(
    unit: Unit, letterhead: Letterhead, occasion: Occasion, of: BodyView, meetings: Sequence[Meeting]
) -> None:
    """Guests were invited to one sitting each, so they are written to about that one only."""
    guests = guests_by_mail(unit.session, [each.id for each in meetings])
    for meeting in meetings:
        write(unit, letterhead, occasion, [_matter(meeting, of)], guests[meeting.id])


def _departs(meeting: Meeting, series: Series, model: MeetingView) -> bool:
    return (
        meeting.starts_wall != meeting.occurrence_wall
        or meeting.zone != series.zone
        or meeting.ends_at - meeting.starts_at != timedelta(seconds=series.duration_seconds)
        or (meeting.title, meeting.classification) != (model.title, model.classification)
    )


def _matter(meeting: Meeting, of: BodyView) -> Matter:
    return matter_of(Held(meeting, of))


def _convened(held: HeldSeries) -> list[Matter]:
    shown = {each.id for each in held.occurrences if each.state not in (State.draft, State.cancelled)}
    return series_matters(held.series, held.occurrences, shown, held.body)


def _cancelled(held: HeldSeries, gone: Sequence[Meeting]) -> list[Matter]:
    """The whole series where nothing of it is left; else each occurrence, so that those held stay in calendars."""
    if all(each.state == State.cancelled for each in held.occurrences):
        (rule, *_) = series_matters(held.series, held.occurrences, {each.id for each in gone}, held.body)
        return [replace(rule, withdrawn=True)]
    return [_matter(each, held.body) for each in gone]


def _conflicts(
    unit: Unit, of: BodyView, meetings: Sequence[Meeting], authority: Authority, *, accept: bool
) -> tuple[Conflict, ...]:
    wanted = [Slot(each.id, each.title, each.starts_at, each.ends_at) for each in meetings]
    conflicts = clashes(unit.session, of, wanted, language_of(authority))
    if conflicts and not accept:
        raise Conflicting(conflicts)
    return conflicts
