"""Changing a sitting that is booked: nobody's change is lost, and everybody who was told is told again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col

from control_plane.audit.entries import MeetingChanged
from control_plane.meetings.booking import Item, named, set_agenda
from control_plane.meetings.convocation import announce, cancel, conflicts_of
from control_plane.meetings.editing import Authority, Held, check_version, hold, mark, one_line
from control_plane.meetings.letters import Letterhead, Occasion
from control_plane.meetings.models import Guest, Meeting
from control_plane.meetings.rules import AHEAD, Conflict, check_times, must_be, short_notice
from control_plane.meetings.views import MeetingView, agenda_of, view_of
from control_plane.meetings.walltime import existing
from control_plane.permission import Permission
from control_plane.policy import Action, Classification, State
from control_plane.unit import Unit

TIMES = frozenset({"starts", "ends", "zone"})
TOLD = TIMES | {"title", "classification"}  # what a calendar shows


class NotAnOccurrence(Exception):
    """The meeting belongs to no series."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different; None leaves as it is. Wall times are naive."""

    title: str | None = None
    starts_wall: datetime | None = None
    ends_wall: datetime | None = None
    zone: str | None = None
    classification: Classification | None = None
    agenda: Sequence[Item] | None = None


def change(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    letterhead: Letterhead,
    meeting_id: str,
    version: int,
    changes: Changes,
    *,
    reason: str = "",
    accept_conflicts: bool = False,
) -> MeetingView:
    """Change a meeting that hasn't begun, starting from the `version` that was read.

    `reason` says why the notice is short when a convened meeting moves. Raises NoSuchMeeting, NotInState,
    NotPermitted, EditedMeanwhile, TitleRefused, AgendaTooLong, UnknownZone, NoSuchWallTime, TimesRefused,
    NoticeTooShort, and Conflicting unless conflicts are accepted.
    """
    held = hold(unit, meeting_id)
    meeting = held.meeting
    must_be(State(meeting.state), AHEAD)
    # Asked as it is and as it would be: who may not edit a secret meeting must not do it by declassifying it.
    held.leave(unit, permission, authority, Action.edit)
    check_version(unit, meeting, version)
    ended_at = meeting.ends_at
    fields = _apply(unit, meeting, changes)
    decision = held.leave(unit, permission, authority, Action.edit)
    if not fields:
        return view_of(meeting)
    moved = bool(fields & TIMES)
    cut_short, conflicts = False, tuple[Conflict, ...]()
    if moved:
        _let_links_follow(unit.session, meeting, ended_at)
        cut_short, conflicts = _check_move(unit, held, authority, reason, accept=accept_conflicts)
    mark(unit, meeting, authority, fields)
    if meeting.state == State.convened and fields & TOLD:
        announce(unit, letterhead, Occasion.changed, held)
    unit.record(
        MeetingChanged(
            body=meeting.body_id,
            meeting=meeting.id,
            fields=tuple(sorted(fields)),
            version=meeting.version,
            **decision,
        ),
        readable={"title": meeting.title, **({"reason": reason} if cut_short else {}), **named(conflicts)},
    )
    return view_of(meeting)


def move_occurrence(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    letterhead: Letterhead,
    meeting_id: str,
    version: int,
    starts_wall: datetime,
    ends_wall: datetime,
    *,
    reason: str = "",
    accept_conflicts: bool = False,
) -> MeetingView:
    """Move one occurrence of a series; the others stay (raises NotAnOccurrence and what `change` raises)."""
    _occurrence(unit.session, meeting_id)
    changes = Changes(starts_wall=starts_wall, ends_wall=ends_wall)
    return change(
        unit,
        permission,
        authority,
        letterhead,
        meeting_id,
        version,
        changes,
        reason=reason,
        accept_conflicts=accept_conflicts,
    )


def cancel_occurrence(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    letterhead: Letterhead,
    meeting_id: str,
    *,
    reason: str = "",
) -> MeetingView:
    """Call off one occurrence of a series; the others stay (raises NotAnOccurrence and what `cancel` raises)."""
    _occurrence(unit.session, meeting_id)
    return cancel(unit, permission, authority, letterhead, meeting_id, reason=reason)


def _occurrence(session: Session, meeting_id: str) -> None:
    meeting = session.get(Meeting, meeting_id)
    if meeting is not None and meeting.series_id is None:
        raise NotAnOccurrence(f"meeting {meeting_id!r} belongs to no series")


def _check_move(
    unit: Unit, held: Held, authority: Authority, reason: str, *, accept: bool
) -> tuple[bool, tuple[Conflict, ...]]:
    meeting = held.meeting
    check_times(meeting.starts_at, meeting.ends_at, unit.now)
    cut_short = meeting.state == State.convened and short_notice(
        meeting.starts_at, unit.now, held.body.notice_hours, reason
    )
    if cut_short:
        meeting.short_notice_reason = reason
    return cut_short, conflicts_of(unit, held, authority, accept=accept)


def _let_links_follow(session: Session, meeting: Meeting, ended_at: datetime) -> None:
    """Guests' links that end with the meeting end with it where it is now; one that ends earlier stays."""
    session.execute(
        update(Guest)
        .where(col(Guest.meeting_id) == meeting.id, col(Guest.link_expires_at) == ended_at)
        .values(link_expires_at=meeting.ends_at)
    )


def _apply(unit: Unit, meeting: Meeting, changes: Changes) -> set[str]:
    """Change the row, and return the names of the fields that are different now."""
    before = (meeting.title, meeting.classification, meeting.starts_wall, meeting.ends_wall, meeting.zone)
    if changes.title is not None:
        meeting.title = one_line(changes.title)
    if changes.classification is not None:
        meeting.classification = int(changes.classification)
    meeting.zone = changes.zone or meeting.zone
    meeting.starts_wall = changes.starts_wall or meeting.starts_wall
    meeting.ends_wall = changes.ends_wall or meeting.ends_wall
    after = (meeting.title, meeting.classification, meeting.starts_wall, meeting.ends_wall, meeting.zone)
    names = ("title", "classification", "starts", "ends", "zone")
    fields = {name for name, old, new in zip(names, before, after, strict=True) if old != new}
    if fields & TIMES:
        meeting.starts_at = existing(meeting.starts_wall, meeting.zone)
        meeting.ends_at = existing(meeting.ends_wall, meeting.zone)
    if changes.agenda is not None and _new_agenda(unit, meeting.id, changes.agenda):
        fields.add("agenda")
    return fields


def _new_agenda(unit: Unit, meeting_id: str, agenda: Sequence[Item]) -> bool:
    old = [(item.title, item.public) for item in agenda_of(unit.session, [meeting_id])[meeting_id]]
    if old == [(one_line(item.title), item.public) for item in agenda]:
        return False
    set_agenda(unit, [meeting_id], agenda, new=False)
    return True
