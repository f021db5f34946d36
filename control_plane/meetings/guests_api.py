"""Doors of the guests: invited, named on the convocation, and arriving by their link."""

from fastapi import APIRouter, Response, status

from control_plane.meetings import service
from control_plane.meetings.shapes import (
    ArrivedShape,
    GuestGiven,
    GuestShape,
    InvitationShape,
    LinkGiven,
    PersonGiven,
)
from control_plane.web.cookies import give_guest_cookie
from control_plane.web.dependencies import ActorDep, LetterheadDep, PermissionDep, SettingsDep, UnitsDep

router = APIRouter(prefix="/api", tags=["guests"])


@router.get("/meetings/{meeting_id}/guests")
def list_guests(
    meeting_id: str, actor: ActorDep, units: UnitsDep, permission: PermissionDep
) -> list[GuestShape]:
    """Return the guests of a meeting, to those who prepare or moderate it."""
    with units.begin() as unit:
        return [GuestShape.of(guest) for guest in service.list_guests(unit, permission, actor, meeting_id)]


@router.post("/meetings/{meeting_id}/guests", status_code=status.HTTP_201_CREATED)
def invite_guest(
    meeting_id: str,
    given: GuestGiven,
    actor: ActorDep,
    units: UnitsDep,
    permission: PermissionDep,
    head: LetterheadDep,
) -> InvitationShape:
    """Invite somebody who has no account; their link is in the answer and nowhere else."""
    with units.begin() as unit:
        invitation = service.invite_guest(
            unit,
            permission,
            actor,
            head,
            meeting_id,
            given.details(),
            by_mail=given.by_mail,
            expires_at=given.expires_at,
        )
    return InvitationShape.of(invitation, head.link(invitation.token) if invitation.token else None)


@router.post("/meetings/{meeting_id}/officials", status_code=status.HTTP_204_NO_CONTENT)
def invite_person(
    meeting_id: str,
    given: PersonGiven,
    actor: ActorDep,
    units: UnitsDep,
    permission: PermissionDep,
    head: LetterheadDep,
) -> None:
    """Name an official of another body on the convocation."""
    with units.begin() as unit:
        service.invite_person(unit, permission, actor, head, meeting_id, given.person_id)


@router.post("/guest-links/use")
def use_link(given: LinkGiven, units: UnitsDep, settings: SettingsDep, response: Response) -> ArrivedShape:
    """Exchange a guest's link, the only time it can be; this browser is the guest's from now on."""
    with units.begin() as unit:
        guest, device = service.arrive(unit, given.token)
    give_guest_cookie(response, settings, device)
    return ArrivedShape(meeting_id=guest.meeting_id, name=guest.name, language=guest.language)
