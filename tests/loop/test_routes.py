"""Every door of the application: who may knock without being anybody, and from where."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import APIRouter
from starlette.routing import BaseRoute

from control_plane.app import ROUTERS
from control_plane.audit.entries import Commanded, Entry, Reported
from tests.loop.house import House

DOORS = 64  # written a second time on purpose: a walk that finds none would pass every test
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Door:
    """A method and an address with its parameters in braces."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def address(self) -> str:
        """The address with something in place of each parameter."""
        return re.sub(r"\{[^}]+\}", "nobody", self.path)


def doors(routers: tuple[APIRouter, ...] = ROUTERS) -> list[Door]:
    """Return every door, walking each router: the application itself may hide what it includes."""
    return [door for router in routers for route in router.routes for door in _of(route)]


def _of(route: BaseRoute) -> Iterator[Door]:
    path, methods = getattr(route, "path", None), getattr(route, "methods", None)
    assert path, f"a route that nobody can walk: {route}"
    yield from (Door(method, path) for method in sorted((methods or set()) - {"HEAD"}))


#: open to everybody, each for a reason
PUBLIC = {
    "GET /": "shows the door",
    "GET /sign-in": "leads to the door",
    "POST /sign-in": "is the door",
    "POST /sign-out": "ends a session, where there is one",
    "GET /guest": "shows the form that takes a link",
    "POST /guest": "the link is the secret",
    "GET /language": "keeps a language",
    "GET /health": "tells monitoring that it lives",
    "GET /metrics": "numbers for Prometheus; the edge never passes it on",
    "GET /asap/jwks.json": "public keys are public",
    "GET /asap/{name}.pem": "public keys are public",
    "GET /calendar/{token}.ics": "the address is the secret",
    "POST /api/sign-in": "is the door",
    "POST /api/sign-out": "ends a session, where there is one",
    "POST /api/guest-links/use": "the link is the secret",
}
SECRET = ("/gate/", "/reservations/")  # doors of signalling hosts
EVERY = doors()
CLOSED = [door for door in EVERY if str(door) not in PUBLIC]
UNSAFE = [door for door in EVERY if door.method not in SAFE]


def test_the_doors_are_all_known() -> None:
    assert len(EVERY) == len({str(door) for door in EVERY}) == DOORS, "a new door is counted, and tried below"
    assert len(CLOSED) == DOORS - len(PUBLIC)
    assert PUBLIC.keys() <= {str(door) for door in EVERY}


def test_the_application_has_no_door_that_is_on_no_router(house: House) -> None:
    described = httpx.get(f"{house.running.url}/api/openapi.json", trust_env=False).json()["paths"]
    shown = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    assert shown <= {str(door) for door in EVERY}
    assert len(shown) > 40


def acts(house: House, mark: int) -> list[Entry]:
    """Return what somebody did or was refused since; Prosody may still report of the tests before."""
    entries = [record.entry for record in house.records(mark)]
    return [entry for entry in entries if not isinstance(entry, Reported | Commanded)]


@pytest.fixture(scope="module")
def nobody(house: House) -> Iterator[httpx.Client]:
    """Give a browser on a page of this site in which nobody signed in."""
    headers = {"Origin": house.running.url}
    with httpx.Client(base_url=house.running.url, headers=headers, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("door", CLOSED, ids=str)
def test_nobody_passes_without_a_session_or_a_secret(house: House, nobody: httpx.Client, door: Door) -> None:
    mark = house.size()
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "majlis=wrong; majlis-guest=wrong"}):
        answer = nobody.request(door.method, door.address, json={}, headers=headers)
        assert answer.status_code == 401, (headers, answer.text)
    assert acts(house, mark) == []


@pytest.mark.parametrize("door", [d for d in EVERY if d.path.startswith(SECRET)], ids=str)
def test_a_session_opens_no_door_of_the_signalling_hosts(house: House, door: Door) -> None:
    answer = house.person("said").client.request(door.method, door.address, json={})
    assert answer.status_code == 401


@pytest.mark.parametrize("door", [d for d in CLOSED if not d.path.startswith(SECRET)], ids=str)
def test_the_hosts_secret_opens_no_door_of_the_people(house: House, nobody: httpx.Client, door: Door) -> None:
    headers = {"Authorization": f"Bearer {house.running.settings['gate_secret']}", "X-Majlis-Node": "n1"}
    assert nobody.request(door.method, door.address, json={}, headers=headers).status_code == 401


FOREIGN = {
    "another site": {"Origin": "https://evil.test"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "no origin that has a name": {"Origin": "null"},
    "another site, as the browser says": {"Sec-Fetch-Site": "cross-site"},
    "a sister site": {"Sec-Fetch-Site": "same-site"},
}


@pytest.mark.parametrize("door", UNSAFE, ids=str)
def test_a_page_of_another_site_can_not_make_a_signed_in_browser_act(house: House, door: Door) -> None:
    cookies = dict(house.person("omar").client.cookies)
    mark = house.size()
    for name, headers in FOREIGN.items():
        with httpx.Client(
            base_url=house.running.url, cookies=cookies, headers=headers, trust_env=False
        ) as browser:
            for json, form in (({}, None), (None, {"email": "x", "password": "y"})):
                answer = browser.request(door.method, door.address, json=json, data=form)
                assert answer.status_code == 403, (name, answer.text)
            bearing = browser.request(
                door.method, door.address, json={}, headers={"Authorization": "Bearer x"}
            )
            assert bearing.status_code == 403, (name, "with a made-up bearer and the cookie")
    assert acts(house, mark) == []


def test_a_program_that_names_no_origin_and_shows_no_secret_is_refused(house: House) -> None:
    with httpx.Client(base_url=house.running.url, trust_env=False) as program:
        for door in UNSAFE:
            assert program.request(door.method, door.address, json={}).status_code == 403, str(door)


def test_every_answer_carries_the_security_headers(nobody: httpx.Client) -> None:
    for path in ("/", "/health", "/asap/jwks.json", "/api/me", "/nowhere", "/static/nowhere"):
        headers = nobody.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'"), path
        assert headers["x-content-type-options"] == "nosniff", path
        assert "server" not in headers
