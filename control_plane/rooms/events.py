"""What Prosody saw, counted once and in order, whatever was lost or repeated on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from sqlalchemy import select
from sqlmodel import col

from control_plane.audit.entries import (
    Entry,
    GateBack,
    GateUnreachable,
    Joined,
    Left,
    LobbyEntered,
    LobbyLeft,
    OfOccupant,
    Reported,
    RoleChanged,
    RoomCreated,
    RoomDestroyed,
)
from control_plane.audit.service import microseconds
from control_plane.rooms.models import Connection, NodeCursor
from control_plane.rooms.scene import Client, Scene, load_scene
from control_plane.unit import Unit


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened on a signalling host, by its clock; `connection` is empty for service occupants."""

    seq: int
    at: datetime
    kind: str
    room: str = ""
    connection: str = ""
    role: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a host has to tell: events of one spool, in order."""

    node: str
    epoch: str
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Counted:
    """Everything before `next_seq` is durable here."""

    next_seq: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Events are missing from `next_seq` on: send again from there."""

    next_seq: int


def take_reports(unit: Unit, reports: Sequence[Report]) -> list[Counted | Gap]:
    """Count what is new in each report; what was counted already is passed over."""
    cursors = _cursors(unit, reports)
    events = [event for report in reports for event in report.events]
    places = _places(unit, events)
    clients = [Client.of(connection) for connection in places.values()]
    scene = load_scene(unit.session, unit.now, clients, {event.room for event in events if event.room})
    return [_take(unit, scene, places, cursors[report.node], report) for report in reports]


def _cursors(unit: Unit, reports: Sequence[Report]) -> dict[str, NodeCursor]:
    nodes = {report.node: report for report in reports}
    query = (
        select(NodeCursor)
        .where(col(NodeCursor.node).in_(nodes))
        .order_by(col(NodeCursor.node))
        .with_for_update()
    )
    cursors = {cursor.node: cursor for cursor in unit.session.scalars(query)}
    for node in nodes.keys() - cursors.keys():
        cursors[node] = NodeCursor(node=node, epoch="", next_seq=1)
        unit.session.add(cursors[node])
    return cursors


def _places(unit: Unit, events: Sequence[Event]) -> dict[str, Connection]:
    """Return the rows that say where somebody is, to be changed."""
    ids = {event.connection for event in events if event.connection}
    found = unit.session.scalars(select(Connection).where(col(Connection.id).in_(ids))) if ids else ()
    return {connection.id: connection for connection in found}


def _take(
    unit: Unit, scene: Scene, places: Mapping[str, Connection], cursor: NodeCursor, report: Report
) -> Counted | Gap:
    if cursor.epoch != report.epoch:
        # A new spool: the host lost its disk or was made anew, and counts from 1.
        cursor.epoch, cursor.next_seq = report.epoch, 1
    for event in report.events:
        if event.seq < cursor.next_seq:
            continue
        if event.seq > cursor.next_seq:
            return Gap(cursor.next_seq)
        _apply(places.get(event.connection), event)
        entry = _entry(scene, report.node, event)
        unit.record(entry, {"reason": event.reason} if event.reason else None)
        cursor.next_seq += 1
    return Counted(cursor.next_seq)


def _apply(connection: Connection | None, event: Event) -> None:
    if connection is None:
        return
    match event.kind:
        case "joined":
            connection.joined_at, connection.waiting_since = event.at, None
        case "left":
            connection.joined_at = None
        case "lobby_entered":
            connection.waiting_since = event.at
        case "lobby_left":
            connection.waiting_since = None
        case _:
            pass  # says nothing about where somebody is


class UnknownEvent(ValueError):
    """A host reports something that this version does not know: the two are of different releases."""


class _About(TypedDict):
    by: str
    body: str
    meeting: str
    node: str
    seq: int
    happened: int


def _entry(scene: Scene, node: str, event: Event) -> Entry:
    meeting = scene.meetings.get(scene.rooms.get(event.room, ""))
    client = scene.clients.get(event.connection)
    about = _About(
        by=scene.visitor(client).actor.pseudonym if client else "",
        body=meeting.body_id if meeting else "",
        meeting=meeting.id if meeting else "",
        node=node,
        seq=event.seq,
        happened=microseconds(event.at),
    )
    if event.kind == "role_changed":
        return RoleChanged(**about, connection=event.connection, role=event.role)
    if event.kind in _OF_OCCUPANT:
        return _OF_OCCUPANT[event.kind](**about, connection=event.connection)
    if event.kind in _OF_NODE:
        return _OF_NODE[event.kind](**about)
    known = ", ".join(sorted((*_OF_OCCUPANT, *_OF_NODE, "role_changed")))
    raise UnknownEvent(f"event kind {event.kind!r}; this control plane knows {known}")


_OF_NODE: Mapping[str, type[Reported]] = {
    "room_created": RoomCreated,
    "room_destroyed": RoomDestroyed,
    "gate_unreachable": GateUnreachable,
    "gate_back": GateBack,
}
_OF_OCCUPANT: Mapping[str, type[OfOccupant]] = {
    "joined": Joined,
    "left": Left,
    "lobby_entered": LobbyEntered,
    "lobby_left": LobbyLeft,
}
