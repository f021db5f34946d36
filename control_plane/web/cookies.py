"""The cookies of a browser: who is signed in, that this browser once was, and whose guest's link it used."""

from starlette.responses import Response

from control_plane.people.service import SignedIn
from control_plane.settings import Settings
from control_plane.web.dependencies import DEVICE, GUEST, cookie_name

DEVICE_SECONDS = 365 * 24 * 3600
GUEST_SECONDS = 30 * 24 * 3600


def give_cookies(response: Response, settings: Settings, signed_in: SignedIn) -> None:
    """Have the browser keep both; no script can read them, no other site's form sends them."""
    _give(response, settings, cookie_name(settings), signed_in.token, None)
    _give(response, settings, cookie_name(settings, DEVICE), signed_in.device, DEVICE_SECONDS)


def give_guest_cookie(response: Response, settings: Settings, device: str) -> None:
    """Have the browser keep that it is a guest's, even closed: their link is used up and can't bring it back.

    The server forgets it soon after the meeting; the month only keeps it from outliving that by much. A letter
    read on the web links to the meeting's page from another site: that too must show it (`lax`).
    """
    _give(response, settings, cookie_name(settings, GUEST), device, GUEST_SECONDS)


def take_session_cookie(response: Response, settings: Settings) -> None:
    """Have the browser forget who is signed in; it stays a known device."""
    response.delete_cookie(
        cookie_name(settings), path="/", secure=settings.secure_cookies, httponly=True, samesite="lax"
    )


def _give(response: Response, settings: Settings, name: str, value: str, seconds: int | None) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )
