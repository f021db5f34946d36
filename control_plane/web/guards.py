"""What every request passes before anything else looks at it."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# With no-referrer browsers call the origin of a page's own forms "null" (Fetch standard, "append a request `Origin`
# header"), and SameOrigin would refuse every one of them.
REFERRERS = "same-origin"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": REFERRERS,
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    "Cache-Control": "no-store",
}


class SameOrigin:
    """Refuses unsafe requests that another site's page could have made a browser send.

    Every browser of the last five years names the origin on such requests (Fetch standard, Origin and
    Sec-Fetch-Site), so one that names none is refused as well. Programs that show a bearer secret of their
    own are no browsers: a page of another site can't make one send it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or _same_origin(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        refusal = PlainTextResponse("This request did not come from a page of this site.", 403)
        await refusal(scope, receive, send)


def _same_origin(headers: Headers) -> bool:
    if headers.get("authorization", "").startswith("Bearer ") and "cookie" not in headers:
        return True
    fetched = headers.get("sec-fetch-site")
    if fetched is not None and fetched not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    if origin is None:
        return fetched is not None
    return urlsplit(origin).netloc == headers.get("host")


class ResponseHeaders:
    """Adds the security headers to every response that has not set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(MutableHeaders(scope=message), HEADERS.items())
            await send(message)

        await self.app(scope, receive, with_headers)


def _add(headers: MutableHeaders, wanted: Iterable[tuple[str, str]]) -> None:
    for name, value in wanted:
        headers.setdefault(name, value)
