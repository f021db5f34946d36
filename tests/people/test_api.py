"""The JSON doors of people, through the real router, cookies and error answers."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import SecretStr

from control_plane.desk import Desk
from control_plane.people.api import router
from control_plane.people.service import Entrance, give_duty
from control_plane.permission import Permission
from control_plane.policy import Duty, LivePolicies
from control_plane.rooms.service import KeyRing, Pools
from control_plane.settings import Settings
from control_plane.unit import Units
from control_plane.web.errors import answer_errors
from tests.browser import InProcess
from tests.conftest import StandingClock
from tests.people.conftest import CONSOLE, PASSWORD, POLICIES, House

NOWHERE = "a" * 16
BODY: dict[str, Any] = {
    "kind": "committee",
    "names": {"ar": "لجنة المالية", "fr": "Commission des finances"},
    "zone": "Africa/Casablanca",
    "quorum": {"kind": "percent", "value": 50},
    "default": "restricted",
    "highest": "confidential",
    "notice_hours": 48,
    "capacity": 40,
}
PERSON: dict[str, Any] = {
    "names": {"ar": "أمينة التازي", "fr": "Amina Tazi"},
    "email": "tazi@parlement.test",
    "language": "ar",
}


@dataclass(frozen=True, slots=True)
class Browsers:
    """Opens browsers in the parliament's network."""

    app: FastAPI

    def fresh(self, address: str = "10.2.0.7") -> httpx.Client:
        return httpx.Client(transport=InProcess(self.app, address), base_url="https://meet.majlis.test")

    def signed_in(self, email: str, password: str = PASSWORD) -> httpx.Client:
        browser = self.fresh()
        answer = browser.post("/api/sign-in", json={"email": email, "password": password})
        assert answer.status_code == 204, answer.text
        return browser


@pytest.fixture
def browsers(units: Units, entrance: Entrance, tmp_path: Path) -> Browsers:
    settings = Settings(
        gate_secret=SecretStr("g" * 32),
        control_secret=SecretStr("c" * 32),
        zones={"parliament": ("10.2.0.0/16",)},
    )
    app = FastAPI()
    app.state.desk = Desk(settings, units, LivePolicies(POLICIES), entrance, KeyRing(tmp_path), Pools({}))
    app.include_router(router)
    answer_errors(app)
    return Browsers(app)


@pytest.fixture
def admin(units: Units, permission: Permission, house: House, browsers: Browsers) -> httpx.Client:
    person_id = house.person("admin@majlis.test", password=PASSWORD)
    with units.begin() as unit:
        give_duty(unit, permission, CONSOLE, person_id=person_id, duty=Duty.administrator)
    return browsers.signed_in("admin@majlis.test")


@pytest.fixture
def member(house: House, browsers: Browsers) -> httpx.Client:
    house.person("amina@parlement.test", password=PASSWORD)
    return browsers.signed_in("amina@parlement.test")


def test_signing_in_gives_cookies_that_no_script_and_no_other_site_can_use(
    house: House, browsers: Browsers
) -> None:
    house.person("amina@parlement.test", password=PASSWORD)
    answer = browsers.fresh().post(
        "/api/sign-in", json={"email": "amina@parlement.test", "password": PASSWORD}
    )
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie, name in zip(cookies, ("__Host-majlis=", "__Host-majlis-device="), strict=True):
        assert cookie.startswith(name)
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    assert "Max-Age" not in cookies[0]
    assert answer.content == b""


def test_a_wrong_password_says_as_little_as_an_unknown_account(house: House, browsers: Browsers) -> None:
    house.person("amina@parlement.test", password=PASSWORD)
    answers = [
        browsers.fresh().post("/api/sign-in", json={"email": email, "password": "wrong"})
        for email in ("amina@parlement.test", "nobody@parlement.test")
    ]
    for answer in answers:
        assert answer.status_code == 401
        assert answer.json() == {"why": "credentials", "seconds": 0}
        assert "set-cookie" not in answer.headers


def test_too_many_attempts_are_told_how_long_to_wait(house: House, browsers: Browsers) -> None:
    browser = browsers.fresh()
    for _ in range(5):
        browser.post("/api/sign-in", json={"email": "amina@parlement.test", "password": "wrong"})
    answer = browser.post("/api/sign-in", json={"email": "amina@parlement.test", "password": "wrong"})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert answer.json() == {"why": "wait", "seconds": 1}


def test_me_is_who_i_am_until_i_sign_out(member: httpx.Client) -> None:
    answer = member.get("/api/me")
    assert answer.status_code == 200
    assert answer.json()["email"] == "amina@parlement.test"
    assert "pseudonym" not in answer.json()
    token = member.cookies["__Host-majlis"]
    assert member.post("/api/sign-out").status_code == 204
    assert "__Host-majlis" not in member.cookies
    assert "__Host-majlis-device" in member.cookies
    member.cookies.set("__Host-majlis", token, domain="meet.majlis.test")
    assert member.get("/api/me").status_code == 401


def test_a_session_in_use_lasts_longer_than_half_an_hour(member: httpx.Client, clock: StandingClock) -> None:
    for _ in range(4):
        clock.advance(minutes=20)
        assert member.get("/api/me").status_code == 200
    clock.advance(minutes=30)
    assert member.get("/api/me").status_code == 401


def test_ones_own_password_is_replaced_after_proving_the_present_one(
    member: httpx.Client, browsers: Browsers
) -> None:
    elsewhere = browsers.signed_in("amina@parlement.test")
    new = "quatre ânes gris dorment"
    wrong = member.put("/api/me/password", json={"current": "wrong", "new": new})
    assert wrong.status_code == 401
    weak = member.put("/api/me/password", json={"current": PASSWORD, "new": "short"})
    assert (weak.status_code, weak.json()["why"]) == (422, "too_short")
    token = member.cookies["__Host-majlis"]
    assert member.put("/api/me/password", json={"current": PASSWORD, "new": new}).status_code == 204
    assert member.cookies["__Host-majlis"] != token
    assert member.get("/api/me").status_code == 200
    assert elsewhere.get("/api/me").status_code == 401
    browsers.signed_in("amina@parlement.test", new)
    refused = browsers.fresh().post(
        "/api/sign-in", json={"email": "amina@parlement.test", "password": PASSWORD}
    )
    assert refused.status_code == 401


def test_an_administrator_builds_a_house(admin: httpx.Client, browsers: Browsers) -> None:
    body_id = admin.post("/api/bodies", json=BODY).json()["id"]
    changed = admin.put(f"/api/bodies/{body_id}", json={**BODY, "capacity": 50})
    assert changed.json() == {"fields": ["capacity"]}
    assert admin.get("/api/bodies").json() == [{**BODY, "capacity": 50, "id": body_id}]
    person_id = admin.post("/api/people", json=PERSON).json()["id"]
    assert admin.put(f"/api/people/{person_id}", json={**PERSON, "language": "fr"}).json() == {
        "fields": ["language"]
    }
    assert admin.put(f"/api/people/{person_id}/password", json={"password": PASSWORD}).status_code == 204
    created = admin.post(
        f"/api/bodies/{body_id}/memberships", json={"person_id": person_id, "function": "chair"}
    )
    membership_id = created.json()["id"]
    tazi = browsers.signed_in("tazi@parlement.test")
    assert tazi.get("/api/me").json()["functions"] == [{"body": body_id, "function": "chair"}]
    [holding] = admin.get(f"/api/bodies/{body_id}/memberships").json()
    assert (holding["id"], holding["ends"]) == (membership_id, None)
    assert admin.post(f"/api/memberships/{membership_id}/end", json={}).status_code == 204
    assert tazi.get("/api/me").json()["functions"] == []
    assert admin.put(f"/api/people/{person_id}/duties/security_officer").status_code == 204
    clash = admin.put(f"/api/people/{person_id}/duties/administrator")
    assert (clash.status_code, clash.json()["error"]) == (409, "DutiesIncompatible")
    assert admin.delete(f"/api/people/{person_id}/duties/security_officer").status_code == 204
    assert admin.delete(f"/api/people/{person_id}/sessions").json() == {"sessions": 1}
    assert tazi.get("/api/me").status_code == 401
    tazi = browsers.signed_in("tazi@parlement.test")
    assert admin.post(f"/api/people/{person_id}/disable").status_code == 204
    assert tazi.get("/api/me").status_code == 401
    assert [one["disabled"] for one in admin.get("/api/people").json()] == [False, True]


def test_an_administrator_manages_nobody_from_the_internet_with_a_password_only(
    admin: httpx.Client, browsers: Browsers
) -> None:
    carried_home = browsers.fresh("198.51.100.7")
    carried_home.cookies = admin.cookies
    answer = carried_home.get("/api/people")
    assert answer.status_code == 403
    assert answer.json()["policies"] == ["sign-in.duties"]


Ask = Callable[[httpx.Client], Any]
MANAGED: dict[str, Ask] = {
    "GET /bodies": lambda browser: browser.get("/api/bodies"),
    "POST /bodies": lambda browser: browser.post("/api/bodies", json=BODY),
    "PUT /bodies/{body_id}": lambda browser: browser.put(f"/api/bodies/{NOWHERE}", json=BODY),
    "GET /bodies/{body_id}/memberships": lambda browser: browser.get(f"/api/bodies/{NOWHERE}/memberships"),
    "POST /bodies/{body_id}/memberships": lambda browser: browser.post(
        f"/api/bodies/{NOWHERE}/memberships", json={"person_id": NOWHERE, "function": "member"}
    ),
    "POST /memberships/{membership_id}/end": lambda browser: browser.post(
        f"/api/memberships/{NOWHERE}/end", json={}
    ),
    "GET /people": lambda browser: browser.get("/api/people"),
    "POST /people": lambda browser: browser.post("/api/people", json=PERSON),
    "PUT /people/{person_id}": lambda browser: browser.put(f"/api/people/{NOWHERE}", json=PERSON),
    "POST /people/{person_id}/disable": lambda browser: browser.post(f"/api/people/{NOWHERE}/disable"),
    "PUT /people/{person_id}/password": lambda browser: browser.put(
        f"/api/people/{NOWHERE}/password", json={"password": PASSWORD}
    ),
    "DELETE /people/{person_id}/sessions": lambda browser: browser.delete(f"/api/people/{NOWHERE}/sessions"),
    "PUT /people/{person_id}/duties/{duty}": lambda browser: browser.put(
        f"/api/people/{NOWHERE}/duties/administrator"
    ),
    "DELETE /people/{person_id}/duties/{duty}": lambda browser: browser.delete(
        f"/api/people/{NOWHERE}/duties/administrator"
    ),
}
OPEN = {"POST /sign-in", "POST /sign-out"}
OWN = {"GET /me", "POST /me/calendar", "PUT /me/password"}


def routes() -> Iterator[str]:
    for route in router.routes:
        assert isinstance(route, APIRoute)
        for method in route.methods or ():
            yield f"{method} {route.path.removeprefix('/api')}"


def test_every_route_is_listed_here() -> None:
    assert sorted(routes()) == sorted({*MANAGED, *OPEN, *OWN})
    assert len(MANAGED) == 14


def test_a_calendars_address_is_ones_own_and_made_anew_each_time(member: httpx.Client) -> None:
    first, second = (member.post("/api/me/calendar").json()["address"] for _ in range(2))
    assert first != second
    assert re.fullmatch(r"https?://[^/]+/calendar/[\w-]{43}\.ics", second)


def test_managing_is_for_administrators(
    browsers: Browsers, admin: httpx.Client, member: httpx.Client
) -> None:
    stranger = browsers.fresh()
    for name, ask in MANAGED.items():
        assert ask(stranger).status_code == 401, name
        refused = ask(member)
        assert (refused.status_code, refused.json()["error"]) == (403, "NotPermitted"), name
        assert ask(admin).status_code in {200, 201, 404}, name


UNREADABLE: list[tuple[str, str, Any]] = [
    ("POST", "/api/people", {**PERSON, "duties": ["administrator"]}),
    ("POST", "/api/people", {**PERSON, "language": "de"}),
    ("POST", "/api/people", {**PERSON, "names": {"fr": "Amina"}}),
    ("POST", "/api/people", {**PERSON, "email": "no address"}),
    ("POST", "/api/bodies", {**BODY, "zone": "Africa/Rabat"}),
    ("POST", "/api/bodies", {**BODY, "highest": "public"}),
    ("POST", "/api/bodies", {**BODY, "quorum": {"kind": "percent", "value": 101}}),
    ("POST", "/api/bodies", {**BODY, "names": {"ar": "\x00", "fr": "\x00"}}),
    ("PUT", "/api/people/%00", PERSON),
    ("PUT", "/api/people/' OR 1=1", PERSON),
    ("PUT", f"/api/people/{NOWHERE}/duties/king", None),
    ("POST", f"/api/memberships/{NOWHERE}/end", {"at": "2026-11-24T10:00:00"}),
    ("POST", f"/api/memberships/{NOWHERE}/end", {"at": "0001-01-01T00:00:00+14:00"}),
    ("POST", f"/api/memberships/{NOWHERE}/end", {"at": "9999-12-31T23:59:59-14:00"}),
    ("PUT", f"/api/people/{NOWHERE}/password", {"password": "x" * 1_001}),
]


def test_what_makes_no_sense_is_said_to_and_changes_nothing(house: House, admin: httpx.Client) -> None:
    before = house.entries()
    for method, path, json in UNREADABLE:
        assert admin.request(method, path, json=json).status_code == 422, (path, json)
    assert house.entries() == before
