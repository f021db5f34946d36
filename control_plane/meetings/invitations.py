"""Guests, who come by a link that is good once, and officials of other bodies who are named on the convocation."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address

from sqlalchemy import select
from sqlmodel import col

from control_plane.audit.entries import (
    GuestInvited,
    GuestLinkRefused,
    GuestLinkUsed,
    InvitationRevoked,
    MeetingChanged,
)
from control_plane.database import new_id
from control_plane.meetings.convocation import guest_reader, matter_of
from control_plane.meetings.editing import Authority, Held, hold, mark, one_line
from control_plane.meetings.letters import Letterhead, Occasion, reader, write
from control_plane.meetings.links import Randomness, hash_of, new_token
from control_plane.meetings.models import Guest, Invitation, Meeting
from control_plane.meetings.rules import OVER, must_be
from control_plane.meetings.views import GuestView, convened_to, guests
from control_plane.people.service import NoSuchPerson, standings
from control_plane.permission import Permission
from control_plane.policy import Action, GuestKind, State
from control_plane.unit import RecordedRefusal, Unit


class NoSuchGuest(Exception):
    """No guest has this id."""


class AddressRefused(Exception):
    """This is no address that mail can be sent to."""


class LinkWorthNothing(RecordedRefusal):
    """A guest's link was used, expired, revoked, too late or never given out: the outsider isn't told which."""


@dataclass(frozen=True, slots=True)
class GuestDetails:
    """Who a guest is. An e-mail address is needed only where the link goes by mail."""

    kind: GuestKind
    name: str
    email: str = ""
    organisation: str = ""
    language: str = "fr"


@dataclass(frozen=True, slots=True)
class GuestInvitation:
    """A guest and, this once, the secret of their link; None where the link goes to them by mail."""

    guest: GuestView
    token: str | None


def invite_guest(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    letterhead: Letterhead,
    meeting_id: str,
    details: GuestDetails,
    *,
    by_mail: bool = False,
    expires_at: datetime | None = None,
    randomness: Randomness = secrets.token_bytes,
) -> GuestInvitation:
    """Invite somebody who has no account; their link ends with the meeting unless `expires_at` is earlier.

    A link by mail leaves when the meeting is convened, or at once when it is already. Raises NoSuchMeeting,
    NotInState, NotPermitted, TitleRefused (for the name), AddressRefused.
    """
    held = hold(unit, meeting_id)
    must_be(State(held.meeting.state), frozenset(State) - OVER)
    decision = held.leave(unit, permission, authority, Action.invite_guest)
    token = new_token(randomness)
    guest = _guest(held.meeting, details, by_mail, token, expires_at)
    unit.session.add(guest)
    unit.session.flush()
    if by_mail and held.meeting.state != State.draft:
        write(unit, letterhead, Occasion.invited, [matter_of(held)], [guest_reader(guest)])
    unit.record(
        GuestInvited(
            body=held.body.id,
            meeting=meeting_id,
            on=guest.pseudonym,
            guest_kind=guest.kind,
            **decision,
        ),
        readable={"name": guest.name, "organisation": guest.organisation, "email": guest.email},
    )
    return GuestInvitation(guests(unit.session, [guest.id])[guest.id], None if by_mail else token)


def invite_person(
    unit: Unit,
    permission: Permission,
    authority: Authority,
    letterhead: Letterhead,
    meeting_id: str,
    person_id: str,
) -> None:
    """Name an official who doesn't sit in the body on its convocation; naming them twice changes nothing.

    Raises NoSuchMeeting, NotInState, NotPermitted, NoSuchPerson.
    """
    held = hold(unit, meeting_id)
    must_be(State(held.meeting.state), frozenset(State) - OVER)
    decision = held.leave(unit, permission, authority, Action.invite_guest)
    person = standings(unit.session, [person_id], unit.now).get(person_id)
    if person is None or person.disabled:
        raise NoSuchPerson(f"no account {person_id!r} that could be invited")
    if person_id in convened_to(unit.session, [meeting_id])[meeting_id]:
        return
    unit.session.add(Invitation(meeting_id=meeting_id, person_id=person_id))
    if held.meeting.state != State.draft:
        write(unit, letterhead, Occasion.convened, [matter_of(held)], [reader(person, None)])
    mark(unit, held.meeting, authority, ["officials"])
    unit.record(
        MeetingChanged(
            body=held.body.id,
            meeting=meeting_id,
            on=person.pseudonym,
            fields=("officials",),
            version=held.meeting.version,
            **decision,
        )
    )


def revoke_invitation(
    unit: Unit, permission: Permission, authority: Authority, letterhead: Letterhead, guest_id: str
) -> GuestView:
    """Make a guest's link worth nothing, used or not (raises NoSuchGuest, NotPermitted)."""
    guest, held = held_guest(unit, guest_id)
    decision = held.leave(unit, permission, authority, Action.invite_guest)
    if guest.revoked_at is None:
        guest.revoked_at, guest.admitted_at = unit.now, None
        if guest.by_mail and held.meeting.state != State.draft:
            held.meeting.sequence += 1
            gone = replace(matter_of(held), withdrawn=True)
            write(unit, letterhead, Occasion.cancelled, [gone], [guest_reader(guest)])
        unit.record(
            InvitationRevoked(body=held.body.id, meeting=held.meeting.id, on=guest.pseudonym, **decision)
        )
    unit.session.flush()
    return guests(unit.session, [guest_id])[guest_id]


def use_link(unit: Unit, token: str) -> GuestView:
    """Exchange the secret of a link, the only time it can be (raises LinkWorthNothing, which is recorded)."""
    query = select(Guest).where(col(Guest.link_hash) == hash_of(token)).with_for_update()
    guest = unit.session.scalars(query).one_or_none()
    if guest is None:
        raise _worth_nothing(GuestLinkRefused(why="unknown"))
    meeting = unit.session.get_one(Meeting, guest.meeting_id)
    why = why_worth_nothing(guest, State(meeting.state), unit.now)
    if why:
        raise _worth_nothing(
            GuestLinkRefused(on=guest.pseudonym, body=meeting.body_id, meeting=meeting.id, why=why)
        )
    guest.used_at = unit.now
    unit.record(GuestLinkUsed(on=guest.pseudonym, body=meeting.body_id, meeting=meeting.id))
    unit.session.flush()
    return guests(unit.session, [guest.id])[guest.id]


def why_worth_nothing(guest: Guest, state: State, now: datetime) -> str:
    """Return the word for the log why a link can't be used, empty where it can."""
    reasons = {
        "revoked": guest.revoked_at is not None or guest.removed_at is not None,
        "used": guest.used_at is not None,
        "expired": guest.link_expires_at <= now,
        "over": state in OVER,
        "not_convened": state is State.draft,
    }
    return next((why for why, holds in reasons.items() if holds), "")


def held_guest(unit: Unit, guest_id: str) -> tuple[Guest, Held]:
    """Lock a guest's meeting, then the guest (raises NoSuchGuest)."""
    found = unit.session.get(Guest, guest_id)
    if found is None:
        raise NoSuchGuest(f"no guest {guest_id!r}")
    held = hold(unit, found.meeting_id)
    unit.session.refresh(found, with_for_update=True)
    return found, held


def _worth_nothing(entry: GuestLinkRefused) -> LinkWorthNothing:
    return LinkWorthNothing("this link is not valid, or no longer", entry)


def _guest(
    meeting: Meeting, details: GuestDetails, by_mail: bool, token: str, expires_at: datetime | None
) -> Guest:
    if details.email or by_mail:
        _check_address(details.email)
    return Guest(
        id=new_id(),
        pseudonym=new_id(),
        meeting_id=meeting.id,
        kind=details.kind.value,
        name=one_line(details.name),
        email=details.email,
        organisation=one_line(details.organisation) if details.organisation else "",
        language=details.language,
        by_mail=by_mail,
        link_hash=hash_of(token),
        link_expires_at=min(expires_at or meeting.ends_at, meeting.ends_at),
    )


def _check_address(email: str) -> None:
    try:
        address = Address(addr_spec=email)
    except (ValueError, IndexError, HeaderParseError) as error:
        raise AddressRefused(f"{email!r} is no e-mail address") from error
    if not address.username or not address.domain or not email.isprintable() or " " in email:
        raise AddressRefused(f"{email!r} is no e-mail address")
