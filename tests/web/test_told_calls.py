"""The calls that the clerk is shown are played, in order, against the application."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx

from control_plane.audit.entries import (
    GuestInvited,
    MeetingBooked,
    MeetingChanged,
    MeetingConvened,
    SeriesBooked,
)
from demo.parliament import email
from tests.browser import INSIDE, InProcess
from tests.web.conftest import PASSWORD, House

CLERK = Path(__file__).parents[2] / "docs/clerk.md"
CALLS = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_every_call_that_the_clerk_is_shown_works(house: House) -> None:
    calls = CALLS.findall(CLERK.read_text(encoding="utf-8"))
    assert len(calls) == 6
    answers: list[httpx.Response] = []
    shown = "".join(calls).replace("clerk@example.org", email("omar")).replace("…", PASSWORD)
    told = _play(house, shown, answers)
    assert len(answers) == 10
    assert [(answer.request.url.path, answer.text) for answer in answers if not answer.is_success] == []
    kinds = {type(entry) for entry in house.entries()}
    assert kinds >= {MeetingBooked, MeetingChanged, MeetingConvened, SeriesBooked, GuestInvited}
    assert "/guest#" in told["invitation"]["link"]


def test_a_call_without_the_origin_that_the_clerk_is_told_of_is_refused(house: House) -> None:
    """Breaks the promise on purpose: the header is shown because it is needed."""
    stranger = httpx.Client(transport=InProcess(house.app, INSIDE), base_url="https://meet.example.org")
    refused = stranger.post("/api/sign-in", json={"email": email("omar"), "password": PASSWORD})
    assert refused.status_code == 403


def _play(house: House, shown: str, answers: list[httpx.Response]) -> dict[str, Any]:
    """Run what is shown, with a client that hands its requests to the application itself."""

    def client(base_url: str, headers: dict[str, str]) -> httpx.Client:
        return httpx.Client(
            transport=InProcess(house.app, INSIDE),
            base_url=base_url,
            headers=headers,
            event_hooks={"response": [answers.append]},
        )

    space: dict[str, Any] = {"httpx": SimpleNamespace(Client=client)}
    exec(shown.replace("import httpx\n", ""), space)
    return space
