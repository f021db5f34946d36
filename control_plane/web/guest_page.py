"""Where a guest's link leads: the secret behind its # is sent only when a person presses the button.

What merely opens links, a mail scanner or the preview of a chat, neither sends the secret nor uses it up.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Request, status
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from control_plane.meetings.service import arrive
from control_plane.permission import Actor
from control_plane.policy import GuestFacts
from control_plane.unit import Units
from control_plane.web.cookies import give_guest_cookie
from control_plane.web.dependencies import OptionalActorDep, OptionalGuestDep, SettingsDep, UnitsDep
from control_plane.web.meeting_page import name_of
from control_plane.web.rendering import page, words_for

router = APIRouter(include_in_schema=False)


@router.get("/guest")
def entrance(request: Request, actor: OptionalActorDep, guest: OptionalGuestDep, units: UnitsDep) -> Response:
    """Show the form that takes the secret of a link."""
    return _entrance(request, actor, guest, units)


@router.post("/guest")
def come_in(
    request: Request,
    actor: OptionalActorDep,
    guest: OptionalGuestDep,
    units: UnitsDep,
    settings: SettingsDep,
    token: Annotated[str, Form()] = "",
) -> Response:
    """Use a link, the only time it can be, and go to the meeting's page (raises LinkWorthNothing).

    In a browser in which somebody is signed in the link is not used: it would show the account, not the guest.
    """
    if actor is not None:
        return _entrance(request, actor, guest, units, status.HTTP_409_CONFLICT)
    secret = token.rpartition("#")[2].strip()  # whoever pastes it may paste the whole link
    with units.begin() as unit:
        arrived, device = arrive(unit, secret)
    response = RedirectResponse(f"/meetings/{arrived.meeting_id}", status.HTTP_303_SEE_OTHER)
    give_guest_cookie(response, settings, device)
    return response


def _entrance(
    request: Request, actor: Actor | None, guest: Actor | None, units: Units, code: int = status.HTTP_200_OK
) -> Response:
    visitor = actor or guest
    words = words_for(request, visitor.language if visitor else None)
    with units.read() as session:
        name = name_of(session, visitor, words) if visitor else ""
    meeting_id = guest.facts.meeting if guest and isinstance(guest.facts, GuestFacts) else ""
    return page(
        "guest.html",
        words,
        code,
        name=name,
        signed_in=actor is not None,
        known_for="" if actor else meeting_id,
    )
