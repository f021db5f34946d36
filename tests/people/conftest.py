"""A small parliament to try things on, passwords that are quick to check, and a log that can't be written."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from control_plane.audit.checkpoint import Signer
from control_plane.audit.entries import Entry
from control_plane.audit.service import latest
from control_plane.people.service import (
    Argon2Cost,
    AttemptLimits,
    Authority,
    BodyDetails,
    BodyKind,
    Entrance,
    Passwords,
    PersonDetails,
    QuorumKind,
    QuorumRule,
    SessionLimits,
    add_person,
    create_body,
    set_password,
)
from control_plane.permission import Permission
from control_plane.policy import Classification, PolicyEngine
from control_plane.unit import Units

POLICIES = Path(__file__).parents[2] / "policies"
PASSWORD = "trois ânes gris dorment"
CONSOLE: Authority = None


class KeyLost(Exception):
    """The log's key is not there: no entry can be written."""


class LostKey(Signer):
    """A signer whose key is gone."""

    def __init__(self, signer: Signer) -> None:
        self.origin, self.verifier = signer.origin, signer.verifier

    def sign(self, size: int, root: bytes) -> str:
        raise KeyLost


@dataclass(frozen=True, slots=True)
class House:
    """Adds people and bodies as the operator at the console."""

    units: Units
    permission: Permission
    passwords: Passwords

    def person(self, email: str, *, password: str = "") -> str:
        """Add an account, with a password when one is given."""
        name = email.partition("@")[0]
        with self.units.begin() as unit:
            person_id = add_person(unit, self.permission, CONSOLE, person(email=email, fr=name))
        if password:
            new = self.passwords.prepare(password)
            with self.units.begin() as unit:
                set_password(unit, self.permission, CONSOLE, person_id, new)
        return person_id

    def body(self, name: str = "Commission des finances") -> str:
        """Add a committee."""
        with self.units.begin() as unit:
            return create_body(unit, self.permission, CONSOLE, committee(name))

    def entries(self) -> list[Entry]:
        """Return the log, oldest first."""
        with self.units.read() as session:
            return [record.entry for record in reversed(latest(session, limit=1_000))]


def person(
    email: str = "amina@parlement.test", fr: str = "Amina Tazi", language: str = "ar"
) -> PersonDetails:
    return PersonDetails(names={"ar": "أمينة التازي", "fr": fr}, email=email, language=language)


def committee(name: str = "Commission des finances", capacity: int = 40) -> BodyDetails:
    return BodyDetails(
        kind=BodyKind.committee,
        names={"ar": "لجنة المالية", "fr": name},
        zone="Africa/Casablanca",
        quorum=QuorumRule(QuorumKind.percent, 50),
        default=Classification.RESTRICTED,
        highest=Classification.CONFIDENTIAL,
        notice_hours=48,
        capacity=capacity,
    )


@pytest.fixture(scope="session")
def permission() -> Permission:
    return Permission(PolicyEngine.load(POLICIES))


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    return Passwords(Argon2Cost(passes=1, memory_kib=64, lanes=1), at_once=8, waiting=64)


@pytest.fixture
def entrance(passwords: Passwords) -> Entrance:
    limits = SessionLimits(idle=timedelta(minutes=30), absolute=timedelta(hours=12))
    return Entrance(passwords, limits, AttemptLimits(key=bytes(32)))


@pytest.fixture
def house(units: Units, permission: Permission, passwords: Passwords) -> House:
    return House(units, permission, passwords)


@pytest.fixture
def mute_units(units: Units) -> Units:
    """The same database, but no entry can be written."""
    return Units(units.engine, LostKey(units.signer), units.clock)
