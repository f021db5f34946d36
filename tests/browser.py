"""Browsers in front of the application itself: no server, but all its middleware."""

import anyio
import httpx
from fastapi import FastAPI

PAGES = "text/html,application/xhtml+xml,*/*;q=0.8"  # what browsers ask for when they go to an address
INSIDE = "10.1.0.7"  # the parliament's own network in the tests' settings


class InProcess(httpx.BaseTransport):
    """Hands requests to the application itself, as coming from this address."""

    def __init__(self, app: FastAPI, address: str) -> None:
        self._application = httpx.ASGITransport(app, client=(address, 50_000))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return anyio.run(self._ask, request)

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        answer = await self._application.handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())


def browser(app: FastAPI, language: str = "fr", address: str = INSIDE, scheme: str = "http") -> httpx.Client:
    """Return a browser that prefers a language, says where its requests come from, and follows no redirect."""
    return httpx.Client(
        transport=InProcess(app, address),
        base_url=f"{scheme}://majlis.test",
        headers={"Sec-Fetch-Site": "same-origin", "Accept-Language": language, "Accept": PAGES},
    )
