"""The course of a sitting: opened, in camera and back, closed. Each step is one recorded change."""

from dataclasses import dataclass, replace

from sqlalchemy import update
from sqlmodel import Session, col

from control_plane.audit.entries import BackInPublic, MeetingClosed, MeetingOpened, MovedInCamera, SentBack
from control_plane.meetings.editing import Authority, hold, mark
from control_plane.meetings.models import Guest, Meeting
from control_plane.meetings.rules import must_be
from control_plane.meetings.views import GuestView, MeetingView, guests_of, view_of
from control_plane.permission import Decision, Permission
from control_plane.policy import Action, State
from control_plane.unit import Unit


@dataclass(frozen=True, slots=True)
class InCamera:
    """A sitting that went in camera, and the guests who have to go out to the lobby now."""

    meeting: MeetingView
    moved_out: tuple[GuestView, ...]


def open_meeting(unit: Unit, permission: Permission, authority: Authority, meeting_id: str) -> MeetingView:
    """Open a convened sitting (raises NoSuchMeeting, NotInState, NotPermitted)."""
    meeting, decision = _leave(unit, permission, authority, meeting_id, Action.open, State.convened)
    meeting.opened_at = unit.now
    _enter(unit, meeting, authority, State.open)
    unit.record(MeetingOpened(body=meeting.body_id, meeting=meeting.id, **decision))
    return view_of(meeting)


def move_in_camera(unit: Unit, permission: Permission, authority: Authority, meeting_id: str) -> InCamera:
    """Close the sitting to everybody but the body itself, now (raises NoSuchMeeting, NotInState, NotPermitted).

    Guests who were let in are sent back to the lobby by the same change; to come back they must be let in again.
    """
    meeting, decision = _leave(unit, permission, authority, meeting_id, Action.move_in_camera, State.open)
    moved_out = _send_out(unit.session, meeting.id)
    _enter(unit, meeting, authority, State.in_camera)
    unit.record(MovedInCamera(body=meeting.body_id, meeting=meeting.id, **decision))
    for guest in moved_out:
        unit.record(
            SentBack(
                body=meeting.body_id, meeting=meeting.id, on=guest.pseudonym, why="in_camera", **decision
            )
        )
    return InCamera(view_of(meeting), moved_out)


def back_in_public(unit: Unit, permission: Permission, authority: Authority, meeting_id: str) -> MeetingView:
    """End the sitting in camera and go on (raises NoSuchMeeting, NotInState, NotPermitted)."""
    action, before = Action.move_out_of_camera, State.in_camera
    meeting, decision = _leave(unit, permission, authority, meeting_id, action, before)
    _enter(unit, meeting, authority, State.open)
    unit.record(BackInPublic(body=meeting.body_id, meeting=meeting.id, **decision))
    return view_of(meeting)


def close(unit: Unit, permission: Permission, authority: Authority, meeting_id: str) -> MeetingView:
    """End a sitting that is open or in camera (raises NoSuchMeeting, NotInState, NotPermitted)."""
    running = (State.open, State.in_camera)
    meeting, decision = _leave(unit, permission, authority, meeting_id, Action.close, *running)
    meeting.closed_at = unit.now
    _enter(unit, meeting, authority, State.closed)
    unit.record(MeetingClosed(body=meeting.body_id, meeting=meeting.id, **decision))
    return view_of(meeting)


def _leave(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    meeting_id: str,
    action: Action,
    *before: State,
) -> tuple[Meeting, Decision]:
    held = hold(unit, meeting_id)
    must_be(State(held.meeting.state), frozenset(before))
    return held.meeting, held.leave(unit, permission, authority, action)


def _enter(unit: Unit, meeting: Meeting, authority: Authority, state: State) -> None:
    meeting.state = state.value
    mark(unit, meeting, authority, ["state"])


def _send_out(session: Session, meeting_id: str) -> tuple[GuestView, ...]:
    inside = [guest for guest in guests_of(session, [meeting_id])[meeting_id] if guest.admitted]
    session.execute(
        update(Guest)
        .where(col(Guest.meeting_id) == meeting_id, col(Guest.admitted_at).is_not(None))
        .values(admitted_at=None)
    )
    return tuple(replace(guest, admitted=False) for guest in inside)
