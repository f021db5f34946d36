"""Signing in with a password, and floods that must not keep anybody else out."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from statistics import median

import pytest
from sqlmodel import select

from control_plane.audit.entries import SignedIn as SignedInEntry
from control_plane.audit.entries import SignedOut, SignInRefused
from control_plane.audit.service import latest
from control_plane.people.models import BrowserSession, KnownDevice, Password, SignInAttempts
from control_plane.people.service import (
    Argon2Cost,
    AttemptLimits,
    Budget,
    Caller,
    Entrance,
    Passwords,
    PasswordsBusy,
    SessionLimits,
    SignedIn,
    TurnedAway,
    disable_person,
    session_of,
    set_password,
    sign_in,
)
from control_plane.permission import Permission
from control_plane.policy import SignIn, Strength
from control_plane.unit import Units
from tests.conftest import StandingClock
from tests.people.conftest import CONSOLE, PASSWORD, House

AMINA = "amina@parlement.test"
AT_HOME = Caller("198.51.100.7", "internet")
AT_WORK = Caller("10.2.0.7", "parliament")
MANY_NETWORKS = [Caller(f"203.0.113.{number}", "internet") for number in range(110)]

Try = Callable[..., SignedIn | TurnedAway]


@pytest.fixture
def amina(house: House) -> str:
    return house.person(AMINA, password=PASSWORD)


@pytest.fixture
def attempt(units: Units, entrance: Entrance) -> Try:
    def signing_in(
        password: str = PASSWORD, caller: Caller = AT_HOME, email: str = AMINA
    ) -> SignedIn | TurnedAway:
        return sign_in(units, entrance, email, password, caller)

    return signing_in


def let_in(outcome: SignedIn | TurnedAway) -> SignedIn:
    assert isinstance(outcome, SignedIn)
    return outcome


def why(house: House) -> list[str]:
    return [entry.why for entry in house.entries() if isinstance(entry, SignInRefused)]


def test_the_right_password_begins_a_session_that_knows_how_it_began(
    units: Units, house: House, clock: StandingClock, amina: str, attempt: Try
) -> None:
    signed_in = let_in(attempt(email=" AMINA@Parlement.test ", caller=replace(AT_WORK, certificate=True)))
    with units.read() as session:
        live = session_of(session, signed_in.token, clock.now)
    assert live is not None
    assert (live.id, live.person_id) == (signed_in.session_id, amina)
    assert live.sign_in("internet") == SignIn(Strength.PASSWORD, certificate=True, zone="internet")
    entry = house.entries()[-1]
    assert isinstance(entry, SignedInEntry)
    assert (entry.session, entry.strength) == (signed_in.session_id, "password")


def test_neither_token_is_kept_anywhere(units: Units, amina: str, attempt: Try) -> None:
    signed_in = let_in(attempt())
    with units.read() as session:
        rows = [*session.exec(select(BrowserSession)), *session.exec(select(KnownDevice))]
    assert len(rows) == 2
    for row in rows:
        assert signed_in.token not in repr(row)
        assert signed_in.device not in repr(row)


@pytest.mark.parametrize(
    ("email", "password", "reason"),
    [
        (AMINA, "trois ânes gris dormenT", "password"),
        (AMINA, "", "password"),
        (AMINA, PASSWORD + " ", "password"),
        (AMINA, PASSWORD * 50, "password"),
        (AMINA, "\ud800" * 12, "password"),
        ("brahim@parlement.test", PASSWORD, "password"),
        ("nobody@parlement.test", PASSWORD, "unknown"),
        ("", "", "unknown"),
        ("' OR 1=1 --", PASSWORD, "unknown"),
        ("amina@parlement.test\x00", PASSWORD, "unknown"),
        ("\ud800@parlement.test", PASSWORD, "unknown"),
    ],
)
def test_anything_else_is_turned_away_alike_and_recorded(
    house: House, amina: str, attempt: Try, email: str, password: str, reason: str
) -> None:
    house.person("brahim@parlement.test")
    assert attempt(password, email=email) == TurnedAway(timedelta(0))
    assert why(house) == [reason]


def test_a_password_typed_into_the_wrong_field_is_kept_nowhere(
    units: Units, house: House, amina: str, attempt: Try
) -> None:
    attempt("amina@parlement.test", email=PASSWORD)
    with units.read() as session:
        record = latest(session, limit=1)[0]
        sizes = [len(row.budget) for row in session.exec(select(SignInAttempts))]
    assert record.readable == {"address": AT_HOME.address}
    assert sizes == [32, 32, 32]


def test_a_disabled_account_is_turned_away_like_a_wrong_password(
    units: Units, permission: Permission, house: House, amina: str, attempt: Try
) -> None:
    with units.begin() as unit:
        disable_person(unit, permission, CONSOLE, amina)
    assert attempt() == TurnedAway(timedelta(0))
    assert why(house) == ["disabled"]


def test_an_unknown_account_takes_as_long_as_a_wrong_password(
    units: Units, permission: Permission, house: House, clock: StandingClock
) -> None:
    slow = Passwords(Argon2Cost(passes=2, memory_kib=16_384, lanes=1))
    never = AttemptLimits(
        key=bytes(32),
        account_and_network=Budget(1_000, timedelta(0)),
        network=Budget(1_000, timedelta(0)),
        account_and_zone=Budget(1_000, timedelta(0)),
    )
    entrance = Entrance(slow, SessionLimits(), never)
    person_id = house.person(AMINA)
    new = slow.prepare(PASSWORD)
    with units.begin() as unit:
        set_password(unit, permission, CONSOLE, person_id, new)
    house.person("without@parlement.test")

    def took(email: str) -> float:
        began = time.perf_counter()
        assert isinstance(sign_in(units, entrance, email, "not the password", AT_HOME), TurnedAway)
        return time.perf_counter() - began

    known = median(took(AMINA) for _ in range(7))
    for email in ("nobody@parlement.test", "without@parlement.test"):
        assert 0.5 < median(took(email) for _ in range(7)) / known < 2


def test_a_hash_of_another_cost_is_made_anew_at_the_next_sign_in(
    units: Units, entrance: Entrance, amina: str
) -> None:
    dearer = replace(entrance, passwords=Passwords(Argon2Cost(passes=2, memory_kib=128, lanes=1)))
    for _ in range(2):
        let_in(sign_in(units, dearer, AMINA, PASSWORD, AT_HOME))
        with units.read() as session:
            stored = session.get_one(Password, amina).hash
        assert "m=128,t=2,p=1" in stored


def test_every_sign_in_gives_a_new_token_and_ends_the_one_shown(
    units: Units, house: House, clock: StandingClock, amina: str, attempt: Try
) -> None:
    first = let_in(attempt())
    second = let_in(attempt(caller=replace(AT_HOME, session=first.token)))
    planted = let_in(attempt(caller=replace(AT_HOME, session="planted")))
    assert len({first.token, second.token, planted.token, "planted"}) == 4
    with units.read() as session:
        assert session_of(session, first.token, clock.now) is None
        assert session_of(session, second.token, clock.now) is not None
        assert session_of(session, "planted", clock.now) is None
    assert [entry.why for entry in house.entries() if isinstance(entry, SignedOut)] == ["replaced"]


def test_guessing_from_one_network_costs_more_and_more_time(
    house: House, clock: StandingClock, amina: str, attempt: Try
) -> None:
    for _ in range(5):
        assert attempt("wrong") == TurnedAway(timedelta(0))
    assert attempt(PASSWORD) == TurnedAway(timedelta(seconds=1))
    clock.advance(seconds=1)
    assert attempt("wrong") == TurnedAway(timedelta(0))
    assert attempt(PASSWORD) == TurnedAway(timedelta(seconds=2))
    clock.advance(seconds=2)
    let_in(attempt(PASSWORD))
    assert attempt("wrong") == TurnedAway(timedelta(0))
    assert why(house) == [*["password"] * 5, "too_many", "password", "too_many", "password"]


def test_the_wait_never_passes_a_quarter_of_an_hour_and_is_forgotten_after_a_day(
    clock: StandingClock, amina: str, attempt: Try
) -> None:
    for _ in range(40):
        attempt("wrong")
        clock.advance(minutes=15)
    assert attempt("wrong") == TurnedAway(timedelta(0))
    assert attempt(PASSWORD) == TurnedAway(timedelta(minutes=15))
    clock.advance(hours=24)
    for _ in range(5):
        assert attempt("wrong") == TurnedAway(timedelta(0))


def test_attempts_of_long_ago_are_deleted(
    units: Units, clock: StandingClock, amina: str, attempt: Try
) -> None:
    for caller in MANY_NETWORKS[:3]:
        attempt("wrong", caller)
    clock.advance(hours=25)
    attempt("wrong")
    with units.read() as session:
        assert len(session.exec(select(SignInAttempts)).all()) == 3


def test_an_attempt_that_was_overtaken_by_a_later_one_does_not_wait(
    clock: StandingClock, amina: str, attempt: Try
) -> None:
    assert attempt("wrong") == TurnedAway(timedelta(0))
    clock.advance(milliseconds=-5)
    let_in(attempt())


def test_an_unknown_account_waits_like_a_known_one(clock: StandingClock, amina: str, attempt: Try) -> None:
    for _ in range(5):
        attempt("wrong", email="nobody@parlement.test")
    assert attempt(email="nobody@parlement.test") == TurnedAway(timedelta(seconds=1))


def test_a_flood_from_one_network_makes_nobody_elsewhere_wait(amina: str, attempt: Try) -> None:
    for _ in range(60):
        attempt("wrong", MANY_NETWORKS[0])
    let_in(attempt())


def test_a_flood_from_many_networks_makes_no_known_device_wait(
    house: House, amina: str, attempt: Try
) -> None:
    mine = replace(AT_HOME, device=let_in(attempt()).device)
    for caller in MANY_NETWORKS:
        attempt("wrong", caller)
    stranger = attempt(PASSWORD, Caller("192.0.2.99", "internet"))
    assert isinstance(stranger, TurnedAway)
    assert stranger.wait > timedelta(0)
    assert let_in(attempt(caller=mine)).device == mine.device


def test_a_flood_from_the_internet_makes_nobody_wait_on_the_states_own_networks(
    amina: str, attempt: Try
) -> None:
    for caller in MANY_NETWORKS:
        attempt("wrong", caller)
    let_in(attempt(caller=AT_WORK))


def test_a_known_device_on_a_flooding_network_does_not_wait_either(amina: str, attempt: Try) -> None:
    mine = replace(AT_HOME, device=let_in(attempt()).device)
    for _ in range(80):
        attempt("wrong", AT_HOME)
    let_in(attempt(caller=mine))


def test_a_known_device_has_a_budget_too(amina: str, attempt: Try) -> None:
    stolen = replace(AT_HOME, device=let_in(attempt()).device)
    for _ in range(10):
        assert attempt("wrong", stolen) == TurnedAway(timedelta(0))
    assert attempt(PASSWORD, stolen) == TurnedAway(timedelta(seconds=1))
    let_in(attempt())


@pytest.mark.parametrize("device", ["", "made up", "x" * 5_000])
def test_a_made_up_device_is_a_stranger(amina: str, attempt: Try, device: str) -> None:
    caller = replace(AT_HOME, device=device)
    for _ in range(5):
        attempt("wrong", caller)
    assert attempt(PASSWORD, caller) == TurnedAway(timedelta(seconds=1))


def test_a_device_is_known_to_its_own_account_only(house: House, amina: str, attempt: Try) -> None:
    house.person("brahim@parlement.test", password=PASSWORD)
    brahims = replace(AT_HOME, device=let_in(attempt(email="brahim@parlement.test")).device)
    for _ in range(5):
        attempt("wrong", brahims)
    assert attempt(PASSWORD, brahims) == TurnedAway(timedelta(seconds=1))


def test_an_account_of_ones_own_does_not_clear_the_network(house: House, amina: str, attempt: Try) -> None:
    house.person("mallory@parlement.test", password=PASSWORD)
    for number in range(50):
        assert attempt("wrong", email=f"victim-{number}@parlement.test") == TurnedAway(timedelta(0))
        if number % 10 == 0:
            let_in(attempt(email="mallory@parlement.test"))
    assert attempt("wrong", email="victim-50@parlement.test") == TurnedAway(timedelta(seconds=1))


def test_many_attempts_at_once_are_no_better_than_one_after_the_other(
    house: House, amina: str, attempt: Try
) -> None:
    with ThreadPoolExecutor(12) as crowd:
        outcomes = list(crowd.map(attempt, [f"guess {number}" for number in range(24)]))
    judged = [outcome for outcome in outcomes if outcome == TurnedAway(timedelta(0))]
    assert len(judged) == 5
    assert sorted(why(house)) == [*["password"] * 5, *["too_many"] * 19]


def test_a_crowd_of_people_who_know_their_passwords_gets_in(house: House, attempt: Try) -> None:
    emails = [f"member-{number}@parlement.test" for number in range(20)]
    for email in emails:
        house.person(email, password=PASSWORD)
    with ThreadPoolExecutor(8) as crowd:
        outcomes = list(crowd.map(lambda email: attempt(email=email), emails))
    assert {type(outcome) for outcome in outcomes} == {SignedIn}


def test_one_account_may_sign_in_many_times_at_once(
    units: Units, entrance: Entrance, clock: StandingClock, amina: str
) -> None:
    patient = replace(entrance.attempts, account_and_network=Budget(1_000, timedelta(0)))
    for round_ in range(3):
        clock.advance(hours=25 * round_)
        with ThreadPoolExecutor(12) as crowd:
            outcomes = list(
                crowd.map(
                    lambda password: sign_in(
                        units, replace(entrance, attempts=patient), AMINA, password, AT_HOME
                    ),
                    [PASSWORD, PASSWORD, "wrong"] * 8,
                )
            )
        assert [isinstance(outcome, SignedIn) for outcome in outcomes] == [True, True, False] * 8


def test_a_full_queue_says_so_at_once_and_counts_nothing(
    units: Units, entrance: Entrance, house: House, amina: str
) -> None:
    full = Passwords(Argon2Cost(passes=1, memory_kib=64, lanes=1), at_once=1, waiting=0)
    with full.place(), pytest.raises(PasswordsBusy):
        sign_in(units, replace(entrance, passwords=full), AMINA, PASSWORD, AT_HOME)
    let_in(sign_in(units, replace(entrance, passwords=full), AMINA, PASSWORD, AT_HOME))
    assert why(house) == []


class ChangedMeanwhile(Passwords):
    """Does something else while a password is being checked."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__(Argon2Cost(passes=1, memory_kib=64, lanes=1))
        self.meanwhile = meanwhile

    def matches(self, stored: str | None, password: str) -> bool:
        self.meanwhile()
        return super().matches(stored, password)


def test_a_password_replaced_or_an_account_disabled_while_it_is_checked_lets_nobody_in(
    units: Units, permission: Permission, entrance: Entrance, house: House, amina: str, passwords: Passwords
) -> None:
    new = passwords.prepare("quatre ânes gris dorment")

    def replaced() -> None:
        with units.begin() as unit:
            set_password(unit, permission, CONSOLE, amina, new)

    def disabled() -> None:
        with units.begin() as unit:
            disable_person(unit, permission, CONSOLE, amina)

    for meanwhile, password in [(replaced, PASSWORD), (disabled, "quatre ânes gris dorment")]:
        racing = replace(entrance, passwords=ChangedMeanwhile(meanwhile))
        assert isinstance(sign_in(units, racing, AMINA, password, AT_HOME), TurnedAway)
    assert why(house) == ["password", "disabled"]


def test_nobody_waits_for_the_log_while_a_password_is_checked(
    units: Units, entrance: Entrance, house: House, amina: str
) -> None:
    done = []

    def another() -> None:
        done.append(house.person("brahim@parlement.test"))

    let_in(sign_in(units, replace(entrance, passwords=ChangedMeanwhile(another)), AMINA, PASSWORD, AT_HOME))
    assert len(done) == 1
