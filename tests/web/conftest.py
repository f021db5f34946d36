"""The pages of the real application, with the sample parliament in its database and browsers in front."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import Client, Response
from pydantic import SecretStr
from sqlalchemy import Engine

from control_plane.app import create_app
from control_plane.audit.entries import Entry
from control_plane.audit.keys import make_log_key
from control_plane.audit.service import latest
from control_plane.desk import Desk
from control_plane.meetings.service import (
    Booking,
    GuestDetails,
    GuestInvitation,
    Item,
    Letterhead,
    MeetingView,
    book,
    convene,
    invite_guest,
)
from control_plane.people.service import Argon2Cost, AttemptLimits, Entrance, Passwords, SessionLimits
from control_plane.permission import Permission
from control_plane.policy import GuestKind
from control_plane.settings import Settings
from demo.parliament import Parliament, email, found
from tests.browser import browser
from tests.conftest import StandingClock

POLICIES = Path(__file__).parents[2] / "policies"
PASSWORD = "trois ânes gris dorment"
LETTERHEAD = Letterhead("https://majlis.test", "Majlis", "majlis@majlis.test")
CHEAP = Passwords(Argon2Cost(passes=1, memory_kib=64, lanes=1), at_once=8, waiting=64)
MORNING = datetime(2026, 11, 24, 10, 0)  # wall time, an hour after the standing clock  # noqa: DTZ001
AGENDA = (Item("Recettes"), Item("Audition du témoin", public=False))


@dataclass(slots=True)
class House:
    """The application, its sample parliament, and what a test puts into it."""

    app: FastAPI
    desk: Desk
    clock: StandingClock
    parliament: Parliament

    def browser(self, language: str = "fr") -> Client:
        """Return a browser on the parliament's network with which nobody has signed in."""
        return browser(self.app, language)

    def signed_in(self, who: str, language: str = "fr") -> Client:
        """Return a browser in which somebody of the sample parliament is signed in and chose a language."""
        opened = self.browser()
        assert sign_in(opened, email(who)).status_code == 303
        assert opened.get("/language", params={"to": language}).status_code == 303
        return opened

    def book(self, body: str = "finance", title: str = "Budget 2027", **more: Any) -> MeetingView:
        """Book a meeting as the operator at the console; at ten in the morning unless it says otherwise."""
        at = more.pop("at", MORNING)
        ends = more.pop("ends", at + timedelta(hours=2))
        booking = Booking(self.parliament.bodies[body], title, at, ends, agenda=AGENDA, **more)
        with self.desk.units.begin() as unit:
            return book(unit, self.permission, None, booking, accept_conflicts=True)

    def convened(self, body: str = "finance", title: str = "Budget 2027", **more: Any) -> MeetingView:
        """Book and convene a meeting."""
        meeting = self.book(body, title, **more)
        with self.desk.units.begin() as unit:
            return convene(
                unit, self.permission, None, LETTERHEAD, meeting.id, reason="urgence", accept_conflicts=True
            )

    def witness(self, meeting: MeetingView, name: str = "Yasmine Haddad") -> GuestInvitation:
        """Invite a witness, who gets their link on paper."""
        with self.desk.units.begin() as unit:
            details = GuestDetails(GuestKind.witness, name)
            return invite_guest(unit, self.permission, None, LETTERHEAD, meeting.id, details)

    def entries(self) -> list[Entry]:
        """Return the log, newest first."""
        with self.desk.units.read() as session:
            return [record.entry for record in latest(session, limit=5_000)]

    @property
    def permission(self) -> Permission:
        return Permission(self.desk.policies.engine)


def sign_in(at: Client, address: str, password: str = PASSWORD) -> Response:
    return at.post("/sign-in", data={"email": address, "password": password})


def settings_for(database_url: str, keys: Path, **more: Any) -> Settings:
    """Return settings with a signing key of the log made in `keys`."""
    make_log_key(keys)
    given: dict[str, Any] = {
        "database_url": SecretStr(database_url),
        "policies": POLICIES,
        "keys": keys,
        "gate_secret": SecretStr("g" * 32),
        "control_secret": SecretStr("c" * 32),
        "zones": {"parliament": ["10.1.0.0/16"]},
        "secure_cookies": False,
    }
    return Settings(**{**given, **more})


@pytest.fixture
def house(database_url: str, tmp_path: Path, clock: StandingClock) -> Iterator[House]:
    app = create_app(settings_for(database_url, tmp_path / "keys"), clock)
    limits = AttemptLimits(key=bytes(32))
    desk = replace(app.state.desk, entrance=Entrance(CHEAP, SessionLimits(), limits))
    app.state.desk = desk
    with desk.units.begin() as unit:
        parliament = found(unit, Permission(desk.policies.engine), CHEAP.prepare(PASSWORD))
    yield House(app, desk, clock, parliament)
    desk.units.engine.dispose()


@pytest.fixture
def engine(house: House) -> Engine:
    return house.desk.units.engine
