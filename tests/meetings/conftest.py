"""A parliament that sits: bodies, people in them, and what the use cases of meetings need beside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from control_plane.audit.entries import Entry
from control_plane.audit.service import latest
from control_plane.meetings.models import Mail
from control_plane.meetings.service import Booking, Letterhead, MeetingView, book, convene, open_meeting
from control_plane.people.service import (
    BodyDetails,
    BodyKind,
    PersonDetails,
    QuorumKind,
    QuorumRule,
    actor_of,
    add_person,
    begin_membership,
    create_body,
    standings,
)
from control_plane.permission import Actor, Permission
from control_plane.policy import Classification, Function, PolicyEngine, SignIn, Strength
from control_plane.unit import Units
from tests.conftest import StandingClock

LETTERHEAD = Letterhead("https://majlis.parlement.test", "Majlis", "majlis@parlement.test")
STRONG = SignIn(Strength.PHISHING_RESISTANT, certificate=True, zone="government")
MORNING = datetime(2026, 12, 1, 10, 0)  # wall time, a week after the standing clock  # noqa: DTZ001


@dataclass(slots=True)
class Parliament:
    """Acts as whom a test names; `actor` gives them as they stand now, strongly signed in."""

    units: Units
    permission: Permission
    clock: StandingClock
    people: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def body(
        self,
        name: str = "Commission des finances",
        *,
        notice_hours: int = 48,
        capacity: int = 400,
        highest: Classification = Classification.SECRET,
        default: Classification = Classification.PUBLIC,
        kind: BodyKind = BodyKind.committee,
    ) -> str:
        """Create a body in Rabat."""
        details = BodyDetails(
            kind=kind,
            names={"ar": f"ال{name}", "fr": name},
            zone="Africa/Casablanca",
            quorum=QuorumRule(QuorumKind.percent, 50),
            default=default,
            highest=highest,
            notice_hours=notice_hours,
            capacity=capacity,
        )
        with self.units.begin() as unit:
            return create_body(unit, self.permission, None, details)

    def person(self, name: str, language: str = "fr") -> str:
        """Return the id of the person of that name, who has an account from now on."""
        if name not in self.people:
            email = f"p{next(self.numbers)}@parlement.test"
            with self.units.begin() as unit:
                self.people[name] = add_person(
                    unit,
                    self.permission,
                    None,
                    PersonDetails({"ar": f"ع {name}", "fr": name}, email, language),
                )
        return self.people[name]

    def seat(self, body_id: str, name: str, function: Function = Function.member) -> str:
        """Give somebody a function in a body and return their id."""
        person_id = self.person(name)
        with self.units.begin() as unit:
            begin_membership(
                unit, self.permission, None, person_id=person_id, body_id=body_id, function=function
            )
        return person_id

    def committee(self, name: str = "Commission des finances", *, members: int = 2, **of: Any) -> str:
        """Create a body with a chair, a clerk and members, named after it."""
        body_id = self.body(name, **of)
        self.seat(body_id, f"président de {name}", Function.chair)
        self.seat(body_id, f"greffier de {name}", Function.clerk)
        for number in range(members):
            self.seat(body_id, f"membre {number} de {name}")
        return body_id

    def actor(self, name: str, sign_in: SignIn = STRONG) -> Actor:
        """Return somebody who is signed in."""
        with self.units.read() as session:
            person_id = self.people[name]
            return actor_of(standings(session, [person_id], self.units.clock())[person_id], sign_in)

    def chair(self, name: str = "Commission des finances") -> Actor:
        return self.actor(f"président de {name}")

    def clerk(self, name: str = "Commission des finances") -> Actor:
        return self.actor(f"greffier de {name}")

    def book(self, body_id: str, **how: Any) -> MeetingView:
        """Book a sitting as the operator at the console; conflicts are accepted unless said otherwise."""
        accept = how.pop("accept_conflicts", True)
        with self.units.begin() as unit:
            return book(unit, self.permission, None, booking(body_id, **how), accept_conflicts=accept)

    def convened(self, body_id: str, **how: Any) -> MeetingView:
        """Book and convene a sitting."""
        meeting = self.book(body_id, **how)
        with self.units.begin() as unit:
            return convene(
                unit, self.permission, None, LETTERHEAD, meeting.id, reason="urgent", accept_conflicts=True
            )

    def opened(self, body_id: str, **how: Any) -> MeetingView:
        """Book, convene and open a sitting."""
        meeting = self.convened(body_id, **how)
        with self.units.begin() as unit:
            return open_meeting(unit, self.permission, None, meeting.id)

    def entries(self) -> list[Entry]:
        """Return the log, oldest first."""
        with self.units.read() as session:
            return [record.entry for record in reversed(latest(session, limit=5_000))]

    def last(self) -> tuple[Entry, dict[str, Any]]:
        """Return the newest entry with its readable part."""
        with self.units.read() as session:
            (record,) = latest(session, limit=1)
            return record.entry, record.readable

    def mails(self) -> list[Mail]:
        """Return the outbox, by address and then in the order written."""
        with self.units.read() as session:
            query = select(Mail).order_by(col(Mail.address), col(Mail.not_before), col(Mail.dedupe))
            return list(session.scalars(query))


def booking(
    body_id: str,
    *,
    title: str = "Budget 2027",
    at: datetime = MORNING,
    hours: float = 2,
    **more: Any,
) -> Booking:
    return Booking(body_id, title, at, at + timedelta(hours=hours), **more)


def wall(text: str) -> datetime:
    """Return a naive wall time from ISO 8601."""
    return datetime.fromisoformat(text)


def moment(text: str) -> datetime:
    """Return an aware moment from ISO 8601 without zone, meaning UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def kinds(entries: Sequence[Entry]) -> list[str]:
    return [type(entry).__name__ for entry in entries]


@pytest.fixture(scope="session")
def permission() -> Permission:
    return Permission(PolicyEngine.load(Path(__file__).parents[2] / "policies"))


@pytest.fixture
def house(units: Units, permission: Permission, clock: StandingClock) -> Parliament:
    return Parliament(units, permission, clock)
