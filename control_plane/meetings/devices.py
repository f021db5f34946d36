"""The browser in which a guest used their link: it stays theirs until the meeting is over, no other does."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from control_plane.meetings.invitations import use_link
from control_plane.meetings.links import Randomness, hash_of, new_token
from control_plane.meetings.models import GuestDevice, Meeting
from control_plane.meetings.views import GuestView, guests
from control_plane.unit import Unit

OVERRUN = timedelta(hours=4)  # as the policies let people in after the end of a sitting


def arrive(unit: Unit, link: str, randomness: Randomness = secrets.token_bytes) -> tuple[GuestView, str]:
    """Use a link and return the guest with their browser's cookie, given this once (raises LinkWorthNothing)."""
    guest = use_link(unit, link)
    meeting = unit.session.get_one(Meeting, guest.meeting_id)
    token = new_token(randomness)
    unit.session.add(
        GuestDevice(guest_id=guest.id, token_hash=hash_of(token), expires_at=meeting.ends_at + OVERRUN)
    )
    return guest, token


def guest_of_device(session: Session, token: str, now: datetime) -> GuestView | None:
    """Return the guest whose browser shows this cookie, or None: unknown, too late, revoked or removed."""
    guest_id = session.execute(
        select(col(GuestDevice.guest_id)).where(
            col(GuestDevice.token_hash) == hash_of(token), col(GuestDevice.expires_at) > now
        )
    ).scalar_one_or_none()
    guest = guests(session, [guest_id]).get(guest_id) if guest_id is not None else None
    return None if guest is None or guest.revoked or guest.removed else guest
