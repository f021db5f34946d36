"""The JSON doors of the meetings: what they take, what they refuse, and how an error reads."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from control_plane.meetings import guests_api
from control_plane.meetings.api import calendar, router
from control_plane.people.service import renew_feed
from control_plane.permission import Actor
from control_plane.policy import Classification
from control_plane.settings import Settings
from control_plane.web import dependencies
from control_plane.web.errors import answer_errors
from tests.meetings.conftest import Parliament, wall

SETTINGS = Settings(
    gate_secret=SecretStr("g" * 32), control_secret=SecretStr("c" * 32), mail_from="majlis@parlement.test"
)
SITTING = {"title": "Budget 2027", "starts_wall": "2026-12-01T10:00", "ends_wall": "2026-12-01T12:00"}


def _ask(
    house: Parliament, actor: Actor | None, method: str, path: str, json: Any = None, **headers: str
) -> httpx.Response:
    """Ask the doors as somebody who is signed in, or as nobody."""
    app = FastAPI()
    app.include_router(router)
    app.include_router(guests_api.router)
    app.include_router(calendar)
    answer_errors(app)
    instead: dict[Any, Any] = {
        dependencies.units: house.units,
        dependencies.permission: house.permission,
        dependencies.settings: SETTINGS,
    }
    if actor is not None:
        instead |= {dependencies.actor: actor, dependencies.guest_or_actor: actor}
    for dependency, value in instead.items():
        app.dependency_overrides[dependency] = _giving(value)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="https://majlis.parlement.test"
        ) as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, json=json, headers=named)

    return asyncio.run(ask())


def _giving(value: Any) -> Callable[[], Any]:
    return lambda: value


def test_a_meeting_is_booked_changed_and_convened_by_its_clerk(house: Parliament) -> None:
    body = house.committee()
    clerk = house.clerk()
    given = {**SITTING, "body_id": body, "agenda": [{"title": "Vote", "public": False}]}
    booked = _ask(house, clerk, "POST", "/api/meetings", given)
    assert booked.status_code == 201
    meeting = booked.json()
    assert (meeting["state"], meeting["classification"], meeting["version"]) == ("draft", "public", 1)
    path = f"/api/meetings/{meeting['id']}"
    read = _ask(house, clerk, "GET", path)
    assert read.headers["etag"] == '"1"'
    assert read.json()["agenda"] == [{"position": 1, "title": "Vote", "public": False}]
    changed = _ask(house, clerk, "PATCH", path, {"title": "Budget 2028"}, if_match='"1"')
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert _ask(house, clerk, "POST", f"{path}/convene", {}).json()["state"] == "convened"
    assert len(house.mails()) == 4


def test_a_change_must_say_what_it_starts_from_and_a_stale_one_says_who_was_first(house: Parliament) -> None:
    meeting = house.book(house.committee())
    path, clerk = f"/api/meetings/{meeting.id}", house.clerk()
    assert _ask(house, clerk, "PATCH", path, {"title": "A"}).status_code == 428
    assert _ask(house, clerk, "PATCH", path, {"title": "A"}, if_match="*").status_code == 428
    assert _ask(house, clerk, "PATCH", path, {"title": "A"}, if_match='"1"').status_code == 200
    stale = _ask(house, house.chair(), "PATCH", path, {"title": "B"}, if_match='"1"')
    assert stale.status_code == 409
    assert stale.json()["error"] == "EditedMeanwhile"
    assert stale.json()["current_version"] == 2
    assert stale.json()["edits"][0]["who"] == "greffier de Commission des finances"


def test_a_conflict_comes_with_its_names(house: Parliament) -> None:
    body = house.committee()
    house.book(body)
    given = {**SITTING, "body_id": body}
    refused = _ask(house, house.clerk(), "POST", "/api/meetings", given)
    assert refused.status_code == 409
    assert refused.json()["conflicts"][0]["name"] == "Commission des finances"
    shown = _ask(house, house.clerk(), "POST", "/api/meetings/preview", given).json()
    assert [each["kind"] for each in shown["conflicts"]] == ["body"]
    accepted = _ask(house, house.clerk(), "POST", "/api/meetings", {**given, "accept_conflicts": True})
    assert accepted.status_code == 201


UNFIT = [
    {"starts_wall": "2026-12-01T10:00:00Z"},
    {"starts_wall": "2026-12-01T10:00:00.5"},
    {"starts_wall": "soon"},
    {"classification": "top secret"},
    {"classification": 3},
    {"title": ""},
    {"title": "x" * 501},
    {"agenda": [{"title": "x", "secret": True}]},
    {"state": "open"},
    {"created_by": "somebody"},
    {"zone": "Africa/Casa"},
    {"rrule": "FREQ=SECONDLY;COUNT=2"},
    {"ends_wall": "2026-12-01T09:00"},
]


@pytest.mark.parametrize("given", UNFIT)
def test_what_does_not_fit_is_refused(house: Parliament, given: dict[str, Any]) -> None:
    body = house.committee()
    before = house.entries()
    answer = _ask(house, house.clerk(), "POST", "/api/meetings", {**SITTING, "body_id": body, **given})
    assert answer.status_code == 422
    assert house.entries() == before


def test_a_series_is_booked_and_convened_as_a_whole(house: Parliament) -> None:
    given = {**SITTING, "body_id": house.committee(), "rrule": "FREQ=WEEKLY;COUNT=3"}
    series = _ask(house, house.clerk(), "POST", "/api/meetings", given).json()
    assert len(series["meetings"]) == 3
    convened = _ask(house, house.clerk(), "POST", f"/api/series/{series['series_id']}/convene", {})
    assert {each["state"] for each in convened.json()["meetings"]} == {"convened"}
    gone = _ask(house, house.clerk(), "POST", f"/api/series/{series['series_id']}/cancel", {})
    assert {each["state"] for each in gone.json()["meetings"]} == {"cancelled"}


def test_the_day_shows_what_one_may_read_and_nothing_else(house: Parliament, statements: list[str]) -> None:
    finances = house.committee()
    justice = house.committee("Commission de la justice")
    house.convened(finances, title="Publique")
    house.convened(finances, title="Secrète", classification=Classification.SECRET)
    house.convened(justice, title="Autre secrète", classification=Classification.SECRET)
    house.book(justice, title="Brouillon")
    house.convened(finances, title="Lendemain", at=wall("2026-12-02T00:00"))
    member = house.actor("membre 0 de Commission des finances")
    statements.clear()
    shown = _ask(house, member, "GET", "/api/meetings?on=2026-12-01").json()
    assert [each["title"] for each in shown] in (["Publique", "Secrète"], ["Secrète", "Publique"])
    assert len(statements) == 3


def test_who_may_not_read_is_told_no_and_the_log_knows(house: Parliament) -> None:
    body = house.committee()
    other = house.committee("Commission de la justice")
    assert other
    meeting = house.convened(body, classification=Classification.SECRET)
    stranger = house.actor("membre 0 de Commission de la justice")
    assert _ask(house, stranger, "GET", f"/api/meetings/{meeting.id}").status_code == 403
    assert house.last()[0].meeting == meeting.id
    assert _ask(house, stranger, "GET", "/api/meetings/nothing").status_code == 404


def test_points_that_are_not_public_are_for_the_body_itself(house: Parliament) -> None:
    agenda = [{"title": "Audition"}, {"title": "Vote", "public": False}]
    given = {**SITTING, "body_id": house.committee(), "agenda": agenda}
    meeting = _ask(house, house.clerk(), "POST", "/api/meetings", given).json()
    path = f"/api/meetings/{meeting['id']}"
    assert _ask(house, house.clerk(), "POST", f"{path}/convene", {}).status_code == 200
    house.committee("Commission de la justice")
    for who, titles in (
        ("membre 0 de Commission des finances", ["Audition", "Vote"]),
        ("membre 0 de Commission de la justice", ["Audition"]),
    ):
        read = _ask(house, house.actor(who), "GET", path).json()
        assert [item["title"] for item in read["agenda"]] == titles


def test_a_guests_link_becomes_a_cookie_that_no_script_reads(house: Parliament) -> None:
    meeting = house.opened(house.committee(), at=wall("2026-11-24T09:00"))
    guest = {"kind": "witness", "name": "Ali Mernissi"}
    invited = _ask(house, house.clerk(), "POST", f"/api/meetings/{meeting.id}/guests", guest)
    link = invited.json()["link"]
    token = link.partition("#")[2]
    used = _ask(house, None, "POST", "/api/guest-links/use", {"token": token})
    assert used.json() == {"meeting_id": meeting.id, "name": "Ali Mernissi", "language": "fr"}
    cookie = used.headers["set-cookie"]
    assert cookie.startswith("__Host-majlis-guest=")
    for flag in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert flag in cookie
    again = _ask(house, None, "POST", "/api/guest-links/use", {"token": token})
    never = _ask(house, None, "POST", "/api/guest-links/use", {"token": "A" * 43})
    assert again.status_code == never.status_code == 403
    assert again.json() == never.json()
    listed = _ask(house, house.clerk(), "GET", f"/api/meetings/{meeting.id}/guests").json()
    assert [(each["name"], each["used"]) for each in listed] == [("Ali Mernissi", True)]
    member = house.actor("membre 0 de Commission des finances")
    assert _ask(house, member, "GET", f"/api/meetings/{meeting.id}/guests").status_code == 403


def test_a_calendar_feed_is_for_whoever_has_its_secret_address(house: Parliament) -> None:
    house.convened(house.committee())
    chair = house.people["président de Commission des finances"]
    with house.units.begin() as unit:
        token = renew_feed(unit, chair)
    feed = _ask(house, None, "GET", f"/calendar/{token}.ics")
    assert feed.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "Budget 2027" in feed.text
    assert _ask(house, None, "GET", f"/calendar/{token[:-1]}x.ics").status_code == 404


def test_nobody_who_is_not_signed_in_gets_past_a_door() -> None:
    """Walks the routers themselves, for a framework may hide what was included."""
    open_doors = {"/api/guest-links/use", "/calendar/{token}.ics"}
    routes = [route for each in (router, guests_api.router, calendar) for route in each.routes]
    assert len(routes) == 16
    for route in routes:
        asked = {dependency.call for dependency in route.dependant.dependencies}  # type: ignore[attr-defined]
        signed_in = asked & {dependencies.actor, dependencies.guest_or_actor}
        assert bool(signed_in) is (route.path not in open_doors), route.path  # type: ignore[attr-defined]
