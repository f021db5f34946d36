"""The conference follows the sitting: whoever may no longer be inside is moved out, and closing ends it."""

from dataclasses import dataclass

from sqlalchemy import update
from sqlmodel import col

from control_plane.audit.entries import Removed, SentBack
from control_plane.meetings import service as booking
from control_plane.meetings.service import Letterhead, MeetingView
from control_plane.permission import Actor, Permission
from control_plane.rooms.gate import MayEnter, MayWait, judge
from control_plane.rooms.models import Connection, JoinToken, Room
from control_plane.rooms.moderating import ask_again, open_connections
from control_plane.rooms.reasons import REASONS, sentence
from control_plane.rooms.scene import Client, Visitor, load_scene
from control_plane.rooms.signalling import tell
from control_plane.unit import Unit


@dataclass(frozen=True, slots=True)
class MovedOut:
    """How many were sent to the lobby and how many removed, because the policies no longer let them stay."""

    to_lobby: int
    removed: int


def move_in_camera(unit: Unit, permission: Permission, actor: Actor, meeting_id: str) -> MovedOut:
    """Close the sitting to everybody but its members, now, and move the others out.

    Raises NotPermitted, NotInState, NoSuchMeeting.
    """
    in_camera = booking.move_in_camera(unit, permission, actor, meeting_id)
    ask_again(unit, meeting_id)
    told = frozenset(guest.id for guest in in_camera.moved_out)
    return reconsider(unit, permission, meeting_id, told=told)


def close(unit: Unit, permission: Permission, actor: Actor, meeting_id: str) -> None:
    """End the sitting: its tokens and connections are worth nothing, and its conference is destroyed.

    Raises NotPermitted, NotInState, NoSuchMeeting.
    """
    booking.close(unit, permission, actor, meeting_id)
    _end(unit, meeting_id)


def _end(unit: Unit, meeting_id: str) -> None:
    of_meeting, still_good = col(JoinToken.meeting_id) == meeting_id, col(JoinToken.used_at).is_(None)
    unit.session.execute(
        update(JoinToken)
        .where(of_meeting, still_good, col(JoinToken.revoked_at).is_(None))
        .values(revoked_at=unit.now)
    )
    unit.session.execute(
        update(Connection)
        .where(col(Connection.meeting_id) == meeting_id, col(Connection.ended_at).is_(None))
        .values(ended_at=unit.now)
    )
    if unit.session.get(Room, meeting_id) is not None:
        tell(unit, meeting_id, "end", reason=sentence(REASONS["room_closed"], None))


def revoke_invitation(
    unit: Unit, permission: Permission, actor: Actor, letterhead: Letterhead, guest_id: str
) -> str:
    """Make a guest's link worth nothing, remove them should they be inside, and return the meeting's id.

    Raises NotPermitted, NoSuchGuest.
    """
    guest = booking.revoke_invitation(unit, permission, actor, letterhead, guest_id)
    reconsider(unit, permission, guest.meeting_id, told=frozenset([guest.id]))
    return guest.meeting_id


def reconsider(
    unit: Unit, permission: Permission, meeting_id: str, *, told: frozenset[str] = frozenset()
) -> MovedOut:
    """Ask the policies again about everybody inside, and move out whoever they would not let in now.

    Of the guests in `told` the log says already why they go.
    """
    unit.session.flush()
    connections = open_connections(unit.session, meeting_id)
    inside = {connection.id for connection in connections if connection.joined_at is not None}
    clients = [Client.of(connection) for connection in connections]
    scene = load_scene(unit.session, unit.now, clients, [])
    visitors = [scene.visitor(client) for client in clients]
    meetings = [scene.meetings[client.meeting_id] for client in clients]
    cases = list(zip(visitors, meetings, strict=True))
    to_lobby = removed = 0
    for client, (visitor, meeting), judgement in zip(
        clients, cases, judge(permission.policies, scene, unit, cases), strict=True
    ):
        if isinstance(judgement, MayEnter) and not visitor.barred:
            continue
        waits = isinstance(judgement, MayWait) and not visitor.barred
        reason = sentence(
            REASONS["waiting" if waits else visitor.barred or "room_closed"], visitor.actor.language
        )
        # Told of everybody: some may be inside for a moment already, and Prosody's report of it on its way.
        tell(unit, meeting_id, "lobby" if waits else "remove", connection=client.id, reason=reason)
        if client.id not in inside:
            continue
        to_lobby, removed = to_lobby + waits, removed + (not waits)
        if visitor.subject_id not in told:
            _record(unit, permission, visitor, meeting, judgement.policies, waits=waits)
    return MovedOut(to_lobby, removed)


def _record(
    unit: Unit,
    permission: Permission,
    visitor: Visitor,
    meeting: MeetingView,
    policies: tuple[str, ...],
    *,
    waits: bool,
) -> None:
    entry = SentBack if waits else Removed
    unit.record(
        entry(
            on=visitor.actor.pseudonym,
            meeting=meeting.id,
            body=meeting.body_id,
            why="policy",
            policies=policies,
            policy_set=permission.policies.digest,
        )
    )
