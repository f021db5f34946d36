"""The reads that the gate lives on: right at the moment asked, and one statement whatever the number."""

import pytest
from sqlmodel import Session

from control_plane.people.models import Body, DutyHeld, Membership, Person
from control_plane.people.service import (
    bodies,
    everybody,
    find_person,
    members_of,
    standings,
)
from control_plane.policy import Duty, Function
from control_plane.unit import Units
from tests.conftest import StandingClock


@pytest.fixture
def crowd(units: Units, clock: StandingClock) -> tuple[list[str], list[str]]:
    """Put 500 people in ten bodies, each in two of them, and return the ids of both."""
    with units.begin() as unit:
        houses = [_body(number) for number in range(10)]
        people = [_person(number) for number in range(500)]
        unit.session.add_all([*houses, *people])
        unit.session.flush()
        for number, one in enumerate(people):
            _seat(unit.session, one, houses[number % 10], "member", clock)
            _seat(unit.session, one, houses[(number + 1) % 10], "rapporteur", clock)
        unit.session.add(DutyHeld(person_id=people[0].id, duty="administrator", valid_from=clock.now))
        return [one.id for one in people], [one.id for one in houses]


def _body(number: int) -> Body:
    return Body(
        kind="committee",
        name_ar=f"لجنة {number}",
        name_fr=f"Commission {number}",
        zone="Africa/Casablanca",
        quorum_kind="percent",
        quorum_value=50,
        default_classification=0,
        highest_classification=1,
        notice_hours=0,
        capacity=50,
    )


def _person(number: int) -> Person:
    return Person(name_ar="ع", name_fr=f"Député {number:03}", email=f"{number}@parlement.test", language="ar")


def _seat(session: Session, one: Person, house: Body, function: str, clock: StandingClock) -> None:
    session.add(Membership(person_id=one.id, body_id=house.id, function=function, valid_from=clock.now))


@pytest.mark.parametrize("number", [1, 5, 500])
def test_standings_are_one_statement_whatever_the_number(
    units: Units,
    clock: StandingClock,
    crowd: tuple[list[str], list[str]],
    statements: list[str],
    number: int,
) -> None:
    people, houses = crowd
    statements.clear()
    with units.read() as session:
        found = standings(session, people[:number], clock.now)
    assert len(statements) == 1
    assert len(found) == number
    first = found[people[0]]
    assert first.functions == {(houses[0], Function.member), (houses[1], Function.rapporteur)}
    assert first.duties == {Duty.administrator}
    assert sum(len(standing.functions) for standing in found.values()) == 2 * number


@pytest.mark.parametrize("number", [1, 5, 10])
def test_members_are_one_statement_whatever_the_number(
    units: Units,
    clock: StandingClock,
    crowd: tuple[list[str], list[str]],
    statements: list[str],
    number: int,
) -> None:
    _, houses = crowd
    statements.clear()
    with units.read() as session:
        seats = members_of(session, houses[:number], clock.now)
    assert len(statements) == 1
    assert [len(held) for held in seats.values()] == [100] * number


def test_the_other_reads_are_one_statement_each(
    units: Units, clock: StandingClock, crowd: tuple[list[str], list[str]], statements: list[str]
) -> None:
    _, houses = crowd
    statements.clear()
    with units.read() as session:
        assert len(bodies(session)) == 10
        assert list(bodies(session, houses[:3])) == sorted(houses[:3], key=houses.index)
        assert [one.names["fr"] for one in everybody(session, clock.now)][:2] == ["Député 000", "Député 001"]
        assert find_person(session, "7@parlement.test", clock.now) is not None
    assert len(statements) == 4


def test_asking_about_nobody_asks_nothing(units: Units, clock: StandingClock, statements: list[str]) -> None:
    with units.read() as session:
        assert standings(session, [], clock.now) == {}
        assert members_of(session, [], clock.now) == {}
    assert statements == []


def test_who_does_not_exist_is_left_out_and_a_body_without_members_is_not(
    units: Units, clock: StandingClock
) -> None:
    with units.read() as session:
        assert standings(session, ["nobody"], clock.now) == {}
        assert members_of(session, ["nowhere"], clock.now) == {"nowhere": []}
