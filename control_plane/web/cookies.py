"""The two cookies of a browser: who is signed in, and that this browser once was."""

from starlette.responses import Response

from control_plane.people.service import SignedIn
from control_plane.settings import Settings
from control_plane.web.dependencies import DEVICE, cookie_name

DEVICE_SECONDS = 365 * 24 * 3600


def give_cookies(response: Response, settings: Settings, signed_in: SignedIn) -> None:
    """Have the browser keep both; no script can read them, no other site's form sends them."""
    _give(response, settings, cookie_name(settings), signed_in.token, None)
    _give(response, settings, cookie_name(settings, DEVICE), signed_in.device, DEVICE_SECONDS)


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
