"""How long a session lasts, and how it ends."""

import pytest

from control_plane.audit.entries import SignedOut
from control_plane.people.service import (
    SessionLimits,
    begin_session,
    session_of,
    sign_out,
    touch_session,
)
from control_plane.policy import SignIn, Strength
from control_plane.unit import Units
from tests.conftest import StandingClock
from tests.people.conftest import House

BY_KEY = SignIn(Strength.PHISHING_RESISTANT, certificate=True, zone="government")
LIMITS = SessionLimits()


@pytest.fixture
def token(units: Units, house: House) -> str:
    person_id = house.person("amina@parlement.test")
    with units.begin() as unit:
        return begin_session(unit, person_id, BY_KEY, LIMITS)[0]


def live(units: Units, token: str) -> bool:
    with units.read() as session:
        return session_of(session, token, units.clock(), LIMITS) is not None


def touch(units: Units, token: str) -> bool:
    """Use the session as a request does; tell whether its last use was written down."""
    with units.read() as session:
        found = session_of(session, token, units.clock(), LIMITS)
    assert found is not None
    if found.to_be_touched:
        with units.begin() as unit:
            touch_session(unit, found.id)
    return found.to_be_touched


def test_every_way_in_keeps_the_strength_it_proved(units: Units, clock: StandingClock, token: str) -> None:
    with units.read() as session:
        found = session_of(session, token, clock.now, LIMITS)
    assert found is not None
    assert found.sign_in("government") == BY_KEY


def test_the_zone_is_where_the_request_comes_from_and_not_where_one_signed_in(
    units: Units, clock: StandingClock, token: str
) -> None:
    with units.read() as session:
        found = session_of(session, token, clock.now, LIMITS)
    assert found is not None
    assert found.sign_in("internet").zone == "internet"


def test_an_idle_session_is_over_after_half_an_hour(units: Units, clock: StandingClock, token: str) -> None:
    clock.advance(minutes=29, seconds=59)
    assert live(units, token)
    clock.advance(seconds=1)
    assert not live(units, token)


def test_a_used_session_lives_on_but_not_past_twelve_hours(
    units: Units, clock: StandingClock, token: str
) -> None:
    for _ in range(35):
        clock.advance(minutes=20)
        assert touch(units, token)
    clock.advance(minutes=19, seconds=59)
    assert touch(units, token)
    clock.advance(seconds=1)
    assert not live(units, token)


def test_the_last_use_is_written_at_most_once_a_minute(
    units: Units, house: House, clock: StandingClock, token: str
) -> None:
    size = len(house.entries())
    assert not touch(units, token)
    clock.advance(seconds=59)
    assert not touch(units, token)
    clock.advance(seconds=1)
    assert touch(units, token)
    assert not touch(units, token)
    assert len(house.entries()) == size


def test_signing_out_ends_the_session_once(units: Units, house: House, token: str) -> None:
    for _ in range(2):
        with units.begin() as unit:
            sign_out(unit, token)
    assert not live(units, token)
    assert [entry.why for entry in house.entries() if isinstance(entry, SignedOut)] == ["asked"]


@pytest.mark.parametrize("token_shown", ["", "x", "x" * 100_000, "\x00", "ﷺ"])
def test_a_token_nobody_was_given_is_no_session(units: Units, token: str, token_shown: str) -> None:
    assert not live(units, token_shown)
    assert not live(units, token + token_shown) or not token_shown


def test_looking_a_session_up_is_one_statement(
    units: Units, clock: StandingClock, token: str, statements: list[str]
) -> None:
    statements.clear()
    with units.read() as session:
        session_of(session, token, clock.now, LIMITS)
    assert len(statements) == 1
