"""Who is there, and what a moderator does about it: let in, send back, remove, lock, mute."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict

from sqlalchemy import ColumnElement, delete, select
from sqlmodel import Session, col

from control_plane.audit.entries import LetIn, Muted, Removed, RoomLocked, SentBack
from control_plane.meetings import service as booking
from control_plane.meetings.service import MeetingView, NoSuchMeeting, meetings
from control_plane.people.service import body
from control_plane.permission import Actor, Decision, Permission
from control_plane.policy import Action, MeetingFacts
from control_plane.rooms.models import Connection, Hold, Room
from control_plane.rooms.reasons import REASONS, sentence
from control_plane.rooms.scene import Client, Visitor, load_scene
from control_plane.rooms.signalling import tell
from control_plane.unit import Unit


class NoSuchConnection(Exception):
    """No client of a conference has this connection now."""


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody inside or in the lobby, since when (UTC)."""

    connection: str
    subject_id: str
    name: str
    guest: bool
    where: Literal["room", "lobby"]
    since: datetime


def present(unit: Unit, permission: Permission, actor: Actor, meeting_id: str) -> list[Present]:
    """Return everybody inside and in the lobby, those who came first first, to a moderator.

    Raises NotPermitted, NoSuchMeeting.
    """
    _meeting_for(unit, permission, actor, meeting_id)
    found = connections_there(unit.session, meeting_id)
    clients = [Client.of(connection) for connection in found]
    scene = load_scene(unit.session, unit.now, clients, [])
    people = [
        _present(connection, scene.visitor(client)) for connection, client in zip(found, clients, strict=True)
    ]
    return sorted(people, key=lambda somebody: somebody.since)


def _meeting_for(
    unit: Unit, permission: Permission, actor: Actor, meeting_id: str
) -> tuple[MeetingView, Decision]:
    meeting = meetings(unit.session, [meeting_id]).get(meeting_id)
    if meeting is None:
        raise NoSuchMeeting(f"no meeting {meeting_id!r}")
    facts = meeting.facts(body(unit.session, meeting.body_id))
    return meeting, permission.require(unit, actor, Action.moderate, facts)


def connections_there(session: Session, meeting_id: str) -> list[Connection]:
    """Return the connections inside the conference and in its lobby."""
    query = select(Connection).where(
        col(Connection.meeting_id) == meeting_id,
        col(Connection.ended_at).is_(None),
        col(Connection.joined_at).is_not(None) | col(Connection.waiting_since).is_not(None),
    )
    return list(session.scalars(query))


def open_connections(session: Session, meeting_id: str) -> list[Connection]:
    """Return every connection of the meeting that may still be used, wherever it is."""
    query = select(Connection).where(
        col(Connection.meeting_id) == meeting_id, col(Connection.ended_at).is_(None)
    )
    return list(session.scalars(query))


def _present(connection: Connection, visitor: Visitor) -> Present:
    since = connection.joined_at or connection.waiting_since
    if since is None:
        raise NoSuchConnection(f"{connection.id} is neither inside nor waiting")
    return Present(
        connection=connection.id,
        subject_id=visitor.subject_id,
        name=visitor.name,
        guest=connection.guest_id is not None,
        where="lobby" if connection.joined_at is None else "room",
        since=since,
    )


def let_in(unit: Unit, permission: Permission, actor: Actor, connection_id: str) -> str:
    """Admit somebody from the lobby and return the meeting's id.

    Raises NotPermitted, NoSuchConnection, and for guests NotInState and GuestNotExpected.
    """
    case = _case(unit, connection_id)
    if case.connection.guest_id is not None:
        booking.let_in(unit, permission, actor, case.connection.guest_id)
    else:
        decision = permission.require(unit, actor, Action.admit, case.facts)
        unit.session.execute(delete(Hold).where(_of(case)))
        unit.record(LetIn(**case.about, **decision))
    tell(unit, case.meeting.id, "admit", connection=connection_id)
    return case.meeting.id


def send_back(unit: Unit, permission: Permission, actor: Actor, connection_id: str, why: str) -> str:
    """Have somebody wait in the lobby until they are let in again, and return the meeting's id.

    Raises NotPermitted, NoSuchConnection.
    """
    case = _case(unit, connection_id)
    if case.connection.guest_id is not None:
        booking.send_back(unit, permission, actor, case.connection.guest_id)
    else:
        decision = permission.require(unit, actor, Action.remove, case.facts)
        _hold(unit, case, removed=False)
        unit.record(SentBack(why="moderator", **case.about, **decision), {"why": why} if why else None)
    _tell_devices(unit, case, "lobby", "sent_back")
    return case.meeting.id


def remove(unit: Unit, permission: Permission, actor: Actor, connection_id: str, why: str) -> str:
    """Remove somebody for the rest of the meeting, whatever device they use, and return the meeting's id.

    Raises NotPermitted, NoSuchConnection.
    """
    case = _case(unit, connection_id)
    if case.connection.guest_id is not None:
        booking.remove_guest(unit, permission, actor, case.connection.guest_id)
    else:
        decision = permission.require(unit, actor, Action.remove, case.facts)
        _hold(unit, case, removed=True)
        unit.record(Removed(why="moderator", **case.about, **decision), {"why": why} if why else None)
    _tell_devices(unit, case, "remove", "removed")
    return case.meeting.id


def mute(unit: Unit, permission: Permission, actor: Actor, connection_id: str, media: str) -> str:
    """Have somebody's microphone or camera switched off and return the meeting's id.

    `media` is audio or video. Raises NotPermitted, NoSuchConnection.
    """
    case = _case(unit, connection_id)
    decision = permission.require(unit, actor, Action.moderate, case.facts)
    unit.record(Muted(media=media, **case.about, **decision))
    tell(unit, case.meeting.id, "mute", connection=connection_id, media=media)
    return case.meeting.id


def lock(unit: Unit, permission: Permission, actor: Actor, meeting_id: str, *, locked: bool) -> None:
    """Let nobody new in, or let them in again (raises NotPermitted, NoSuchMeeting).

    Moderators can always come back: a chair whose machine crashed must be able to unlock.
    """
    meeting, decision = _meeting_for(unit, permission, actor, meeting_id)
    room = unit.session.get(Room, meeting.id)
    if room is None:
        raise NoSuchMeeting(f"meeting {meeting_id!r} has no conference yet")
    if room.locked == locked:
        return
    room.locked = locked
    unit.record(RoomLocked(meeting=meeting.id, body=meeting.body_id, locked=locked, **decision))
    ask_again(unit, meeting.id)


def ask_again(unit: Unit, meeting_id: str) -> None:
    """Have joins that are under way asked about again: what they were told may no longer hold.

    Prosody's own lock stays open: it would keep the moderators out as well.
    """
    tell(unit, meeting_id, "lock", locked=False)


class _About(TypedDict):
    on: str
    meeting: str
    body: str


@dataclass(frozen=True, slots=True)
class _Case:
    connection: Connection
    visitor: Visitor
    meeting: MeetingView
    facts: MeetingFacts

    @property
    def about(self) -> _About:
        return {"on": self.visitor.actor.pseudonym, "meeting": self.meeting.id, "body": self.meeting.body_id}


def _case(unit: Unit, connection_id: str) -> _Case:
    connection = unit.session.get(Connection, connection_id)
    if connection is None or connection.ended_at is not None:
        raise NoSuchConnection(f"no connection {connection_id!r}")
    client = Client.of(connection)
    scene = load_scene(unit.session, unit.now, [client], [])
    meeting = scene.meetings[connection.meeting_id]
    return _Case(connection, scene.visitor(client), meeting, scene.facts(meeting))


def _of(case: _Case) -> ColumnElement[bool]:
    return (col(Hold.meeting_id) == case.meeting.id) & (col(Hold.subject_id) == case.visitor.subject_id)


def _hold(unit: Unit, case: _Case, *, removed: bool) -> None:
    unit.session.merge(
        Hold(meeting_id=case.meeting.id, subject_id=case.visitor.subject_id, removed=removed, since=unit.now)
    )


def _tell_devices(unit: Unit, case: _Case, command: str, why: str) -> None:
    """Tell of every device of the same person: whoever is out is out with all of them."""
    reason = sentence(REASONS[why], case.visitor.actor.language)
    for device in _devices(unit.session, case.connection):
        tell(unit, case.meeting.id, command, connection=device, reason=reason)


def _devices(session: Session, connection: Connection) -> Iterable[str]:
    same = (
        col(Connection.person_id) == connection.person_id
        if connection.person_id
        else col(Connection.guest_id) == connection.guest_id
    )
    query = select(col(Connection.id)).where(
        col(Connection.meeting_id) == connection.meeting_id, same, col(Connection.ended_at).is_(None)
    )
    return session.scalars(query)
