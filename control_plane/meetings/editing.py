"""Taking hold of a meeting, asking leave, and leaving a mark: what every change of one does alike."""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from control_plane.meetings.models import Meeting, MeetingEdit
from control_plane.meetings.views import MeetingView, view_of
from control_plane.people.service import BodyView, body, standings
from control_plane.permission import CONSOLE, Actor, Decision, Permission, from_console
from control_plane.policy import Action
from control_plane.unit import Unit

Authority = Actor | None  # None is the operator at the machine's console
LONGEST_TITLE = 200


class NoSuchMeeting(Exception):
    """No meeting has this id."""


class TitleRefused(Exception):
    """A title must be one printable line of 1 to 200 characters."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Who made which version, when, and the fields they changed."""

    version: int
    who: str
    at: datetime
    fields: tuple[str, ...]


class EditedMeanwhile(Exception):
    """Somebody changed the meeting since the version that this change starts from; nothing was changed now."""

    def __init__(self, current: MeetingView, edits: tuple[Edit, ...]) -> None:
        self.current, self.edits = current, edits
        told = "; ".join(f"version {e.version} by {e.who}: {', '.join(e.fields)}" for e in edits)
        super().__init__(f"the meeting was changed meanwhile and is at version {current.version} ({told})")


@dataclass(frozen=True, slots=True)
class Held:
    """A meeting's row, locked until the unit ends, and its body."""

    meeting: Meeting
    body: BodyView

    def leave(self, unit: Unit, permission: Permission, authority: Authority, action: Action) -> Decision:
        """Return the decision that the actor may do this to the meeting as it stands (raises NotPermitted)."""
        return leave(unit, permission, authority, action, view_of(self.meeting), self.body)


def hold(unit: Unit, meeting_id: str) -> Held:
    """Lock a meeting so that nobody else changes it before this unit ends (raises NoSuchMeeting)."""
    meeting = unit.session.get(Meeting, meeting_id, with_for_update=True)
    if meeting is None:
        raise NoSuchMeeting(f"no meeting {meeting_id!r}")
    return Held(meeting, body(unit.session, meeting.body_id))


def leave(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    action: Action,
    meeting: MeetingView,
    of: BodyView,
) -> Decision:
    """Return the decision that the actor may do this to that meeting (raises NotPermitted)."""
    if authority is None:
        return from_console()
    return permission.require(unit, authority, action, meeting.facts(of))


def check_version(unit: Unit, meeting: Meeting, version: int) -> None:
    """Raise EditedMeanwhile unless the meeting is still at the version that a change starts from."""
    if meeting.version == version:
        return
    edits = unit.session.execute(
        select(col(MeetingEdit.version), col(MeetingEdit.by), col(MeetingEdit.at), col(MeetingEdit.fields))
        .where(col(MeetingEdit.meeting_id) == meeting.id, col(MeetingEdit.version) > version)
        .order_by(col(MeetingEdit.version))
    ).all()
    people = standings(unit.session, {by for _, by, _, _ in edits}, unit.now)
    raise EditedMeanwhile(
        view_of(meeting),
        tuple(
            Edit(number, people[by].name_in("fr") if by in people else by, at, tuple(fields.split(",")))
            for number, by, at, fields in edits
        ),
    )


def mark(unit: Unit, meeting: Meeting, authority: Authority, fields: Collection[str]) -> None:
    """Give the meeting its next version and write down who made it."""
    meeting.version += 1
    meeting.changed_at = unit.now
    edit = MeetingEdit(
        meeting_id=meeting.id,
        version=meeting.version,
        by=who(authority),
        at=unit.now,
        fields=",".join(sorted(fields)),
    )
    unit.session.add(edit)


def who(authority: Authority) -> str:
    """Return the id of the person who acts, or the console's word."""
    return CONSOLE if authority is None else authority.facts.id


def language_of(authority: Authority) -> str:
    """Return the language that the one who acts reads."""
    return "fr" if authority is None else authority.language


def one_line(title: str) -> str:
    """Return a title without white space around it (raises TitleRefused).

    Titles go into mail headers and calendars, where a line break could begin something else.
    """
    title = unicodedata.normalize("NFC", title).strip()
    if not 0 < len(title) <= LONGEST_TITLE or any(
        unicodedata.category(mark) in {"Cc", "Zl", "Zp"} for mark in title
    ):
        raise TitleRefused(f"a title is one line of 1 to {LONGEST_TITLE} characters")
    return title
