"""Which meetings somebody may read, asked of the policies in one go."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from control_plane.meetings.editing import NoSuchMeeting, leave
from control_plane.meetings.rules import AHEAD
from control_plane.meetings.views import (
    AgendaView,
    GuestView,
    MeetingView,
    agenda_of,
    guests_of,
    invited,
    meetings,
)
from control_plane.people.service import bodies, body
from control_plane.permission import Actor, Permission
from control_plane.policy import Action, GuestFacts, Permitted, PersonFacts, Question
from control_plane.unit import Unit


def readable_by(
    session: Session, permission: Permission, actor: Actor, found: Sequence[MeetingView], now: datetime
) -> list[MeetingView]:
    """Return those of the meetings that the actor may read, in the same order (two statements)."""
    of = bodies(session, {meeting.body_id for meeting in found}) if found else {}
    pairs = invited(session, [(meeting.id, actor.facts.id) for meeting in found])
    questions = []
    for meeting in found:
        here = as_in(actor, invited=(meeting.id, actor.facts.id) in pairs)
        facts = meeting.facts(of[meeting.body_id])
        questions.append(Question(here.facts, Action.read_meeting, facts, actor.sign_in, now))
    verdicts = permission.policies.ask_all(questions) if questions else []
    return [
        meeting for meeting, verdict in zip(found, verdicts, strict=True) if isinstance(verdict, Permitted)
    ]


def read_meeting(unit: Unit, permission: Permission, actor: Actor, meeting_id: str) -> MeetingView:
    """Return a meeting that the actor may read (raises NoSuchMeeting, NotPermitted)."""
    meeting = meetings(unit.session, [meeting_id]).get(meeting_id)
    if meeting is None:
        raise NoSuchMeeting(f"no meeting {meeting_id!r}")
    pair = (meeting_id, actor.facts.id)
    here = as_in(actor, invited=pair in invited(unit.session, [pair]))
    leave(unit, permission, here, Action.read_meeting, meeting, body(unit.session, meeting.body_id))
    return meeting


def as_in(actor: Actor, *, invited: bool) -> Actor:
    """Return the actor with what holds in one meeting; for reading, whom a substitute replaces doesn't matter."""
    if isinstance(actor.facts, GuestFacts):
        return actor
    return actor.for_meeting(invited=invited, represented_absent=False)


def list_guests(unit: Unit, permission: Permission, actor: Actor, meeting_id: str) -> list[GuestView]:
    """Return a meeting's guests to those who may invite some (raises NoSuchMeeting, NotPermitted)."""
    meeting = meetings(unit.session, [meeting_id]).get(meeting_id)
    if meeting is None:
        raise NoSuchMeeting(f"no meeting {meeting_id!r}")
    action = Action.invite_guest if meeting.state in AHEAD else Action.moderate
    leave(unit, permission, actor, action, meeting, body(unit.session, meeting.body_id))
    return guests_of(unit.session, [meeting_id])[meeting_id]


def agenda_for(session: Session, actor: Actor, meeting: MeetingView) -> list[AgendaView]:
    """Return the agenda as far as the actor may know it, as `agendas_for` does."""
    return agendas_for(session, actor, [meeting])[meeting.id]


def agendas_for(session: Session, actor: Actor, found: Sequence[MeetingView]) -> dict[str, list[AgendaView]]:
    """Return the agendas of meetings that the actor may read, as far as they may know them, by id (one statement).

    Points that are not public are for the body itself: neither for guests nor for others who may read it.
    """
    agendas = agenda_of(session, [meeting.id for meeting in found])
    within = _bodies_of(actor)
    return {
        meeting.id: [item for item in agendas[meeting.id] if item.public or meeting.body_id in within]
        for meeting in found
    }


def _bodies_of(actor: Actor) -> set[str]:
    if not isinstance(actor.facts, PersonFacts):
        return set()
    return {body_id for body_id, _ in actor.facts.functions}
