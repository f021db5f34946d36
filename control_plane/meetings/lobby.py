"""Guests at the door of a sitting: let in, sent back to the lobby, removed for good."""

from control_plane.audit.entries import LetIn, Removed, SentBack
from control_plane.meetings.editing import Authority
from control_plane.meetings.invitations import held_guest
from control_plane.meetings.models import Guest
from control_plane.meetings.rules import must_be
from control_plane.meetings.views import GuestView, guests
from control_plane.permission import Permission
from control_plane.policy import Action, State
from control_plane.unit import Unit


class GuestNotExpected(Exception):
    """The guest's invitation was revoked, or they were removed, or they never used their link."""


def let_in(unit: Unit, permission: Permission, authority: Authority, guest_id: str) -> GuestView:
    """Admit a guest from the lobby (raises NoSuchGuest, NotInState, NotPermitted, GuestNotExpected).

    Not while the sitting is in camera: who was let in then would come in by themselves when it ends.
    """
    guest, held = held_guest(unit, guest_id)
    must_be(State(held.meeting.state), frozenset({State.open}))
    decision = held.leave(unit, permission, authority, Action.admit)
    if guest.used_at is None or guest.revoked_at is not None or guest.removed_at is not None:
        raise GuestNotExpected(f"guest {guest_id!r} can't be let in: no link of theirs is in use")
    if guest.admitted_at is None:
        guest.admitted_at = unit.now
        unit.record(LetIn(body=held.body.id, meeting=held.meeting.id, on=guest.pseudonym, **decision))
    return _view(unit, guest)


def send_back(unit: Unit, permission: Permission, authority: Authority, guest_id: str) -> GuestView:
    """Send a guest back to the lobby (raises NoSuchGuest, NotPermitted)."""
    guest, held = held_guest(unit, guest_id)
    decision = held.leave(unit, permission, authority, Action.remove)
    if guest.admitted_at is not None:
        guest.admitted_at = None
        unit.record(
            SentBack(
                body=held.body.id,
                meeting=held.meeting.id,
                on=guest.pseudonym,
                why="moderator",
                **decision,
            )
        )
    return _view(unit, guest)


def remove_guest(unit: Unit, permission: Permission, authority: Authority, guest_id: str) -> GuestView:
    """Remove a guest, who can't come back (raises NoSuchGuest, NotPermitted)."""
    guest, held = held_guest(unit, guest_id)
    decision = held.leave(unit, permission, authority, Action.remove)
    if guest.removed_at is None:
        guest.admitted_at, guest.removed_at = None, unit.now
        unit.record(
            Removed(
                body=held.body.id,
                meeting=held.meeting.id,
                on=guest.pseudonym,
                why="moderator",
                **decision,
            )
        )
    return _view(unit, guest)


def _view(unit: Unit, guest: Guest) -> GuestView:
    unit.session.flush()
    return guests(unit.session, [guest.id])[guest.id]
