"""What somebody may expect at the gate now, for a page to say: nothing is recorded and no token is made."""

from collections.abc import Mapping
from dataclasses import dataclass

from control_plane.meetings.service import MeetingView
from control_plane.permission import Actor, Permission
from control_plane.policy import Refused as PolicyRefused
from control_plane.rooms.gate import OPEN_TO_CONFERENCE, MayEnter, MayWait, judge
from control_plane.rooms.models import Room
from control_plane.rooms.reasons import REASONS
from control_plane.rooms.scene import Visitor
from control_plane.rooms.ticket import stand_before
from control_plane.unit import Unit


@dataclass(frozen=True, slots=True)
class NotNow:
    """They would be turned away; `reasons` holds a sentence a language, `policies` the forbids that held."""

    reasons: Mapping[str, str]
    policies: tuple[str, ...] = ()


Outlook = MayEnter | MayWait | NotNow


def outlook(unit: Unit, permission: Permission, actor: Actor, meeting_id: str) -> Outlook:
    """Judge this person or guest as the gate would at this moment (raises NoSuchMeeting).

    It binds nobody: the gate asks again when they come.
    """
    scene, visitor, meeting = stand_before(unit, actor, meeting_id)
    hold = scene.holds.get((meeting.id, visitor.subject_id))
    why = _shut(visitor, meeting, removed=bool(hold))
    if why:
        return NotNow(REASONS[why])
    judgement = judge(permission.policies, scene, unit, [(visitor, meeting)])[0]
    match judgement:
        case PolicyRefused(policies, reasons):
            return NotNow(reasons, policies)
        case MayEnter(_, moderator) if not moderator and hold is None and _locked(unit, meeting.id):
            return NotNow(REASONS["room_locked"])
        case MayEnter(policies) if hold is not None:
            return MayWait(policies)
        case MayEnter() | MayWait():
            return judgement


def _shut(visitor: Visitor, meeting: MeetingView, *, removed: bool) -> str:
    """Return the word for what keeps them out before any policy is asked, empty where nothing does."""
    if visitor.barred:
        return visitor.barred
    if removed:
        return "removed"
    return "" if meeting.state in OPEN_TO_CONFERENCE else "room_closed"


def _locked(unit: Unit, meeting_id: str) -> bool:
    room = unit.session.get(Room, meeting_id)
    return room is not None and room.locked
