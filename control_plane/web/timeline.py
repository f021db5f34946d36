"""The log's entries, newest first, for those who may read it; the reading is recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from control_plane.audit.entries import LogRead
from control_plane.audit.service import Record, latest
from control_plane.meetings.service import MeetingView, guest_names, meetings, to_wall
from control_plane.people.service import BodyView, names_of_pseudonyms
from control_plane.permission import CONSOLE, Actor, Permission
from control_plane.policy import Action, LogFacts, Question, Verdict
from control_plane.unit import Unit
from control_plane.web.day import house_zone
from control_plane.web.locales import Words
from control_plane.web.telling import decided_by, notes, nothing_permits, tell, tone

PAGE = 50
LOG = LogFacts("log")


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as a person reads it; `where` is the body, `meeting` says which of its meetings."""

    position: int
    at: datetime
    clock: str
    sentence: str
    tone: str
    where: str
    meeting: str
    by: str
    on: str
    policies: Sequence[str]
    nothing_permits: bool
    notes: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of entries; `before` is where the next, older page begins, None at the end."""

    lines: Sequence[Line]
    before: int | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the entries of a page speak of, loaded together."""

    bodies: Mapping[str, BodyView]
    meetings: Mapping[str, MeetingView]
    names: Mapping[str, str]
    zone: str


def may_read(permission: Permission, actor: Actor, now: datetime) -> Verdict:
    """Ask whether the actor may read the log, without asking for it: nothing is recorded."""
    return permission.policies.ask(Question(actor.facts, Action.read_log, LOG, actor.sign_in, now))


def read_timeline(
    unit: Unit,
    permission: Permission,
    actor: Actor,
    before: int | None,
    bodies: Mapping[str, BodyView],
    words: Words,
) -> Timeline:
    """Return the newest entries older than position `before`, and record that they were read.

    Times are by the clocks where most bodies sit. Raises NotPermitted, which is recorded.
    """
    decision = permission.require(unit, actor, Action.read_log, LOG)
    records = latest(unit.session, limit=PAGE + 1, before=before)
    unit.record(LogRead(**decision))
    shown = records[:PAGE]
    around = _surroundings(unit.session, shown, bodies, words)
    lines = [_line(record, around, words) for record in shown]
    return Timeline(lines, shown[-1].position if len(records) > PAGE else None)


def _surroundings(
    session: Session, records: Sequence[Record], bodies: Mapping[str, BodyView], words: Words
) -> Surroundings:
    entries = [record.entry for record in records]
    pseudonyms = ({entry.by for entry in entries} | {entry.on for entry in entries}) - {"", CONSOLE}
    people = names_of_pseudonyms(session, pseudonyms)
    names = {known: by_language.get(words.code) or by_language["fr"] for known, by_language in people.items()}
    names.update(guest_names(session, pseudonyms - set(people)))
    names[CONSOLE] = words.console
    spoken_of = {entry.meeting for entry in entries if entry.meeting}
    return Surroundings(bodies, meetings(session, spoken_of), names, house_zone(bodies))


def _line(record: Record, around: Surroundings, words: Words) -> Line:
    entry = record.entry
    meeting = around.meetings.get(entry.meeting)
    body = around.bodies.get(entry.body or (meeting.body_id if meeting else ""))
    on = entry.on if entry.on != entry.by else ""
    return Line(
        position=record.position,
        at=record.at,
        clock=f"{to_wall(record.at, around.zone):%Y-%m-%d %H:%M:%S}",
        sentence=tell(entry, words),
        tone=tone(entry),
        where=body.name_in(words.code) if body else "",
        meeting=_meeting(meeting, words) if meeting else "",
        by=around.names.get(entry.by) or _short(entry.by),
        on=around.names.get(on) or _short(on),
        policies=decided_by(entry),
        nothing_permits=nothing_permits(entry),
        notes=notes(record.readable, words),
    )


def _meeting(meeting: MeetingView, words: Words) -> str:
    return words.concerning.format(day=words.date(meeting.starts_wall), starts=f"{meeting.starts_wall:%H:%M}")


def _short(pseudonym: str) -> str:
    """Return enough of a pseudonym to tell people apart on a page, once its owner's name is gone."""
    return f"{pseudonym[:6]}…" if pseudonym else ""
