"""Memberships and duties in time, on both databases."""

from datetime import datetime, timedelta
from itertools import product

import pytest

from control_plane.audit.entries import DutyGiven, DutyTaken, MembershipBegan, MembershipEnded
from control_plane.people.service import (
    DatesInvalid,
    DutiesIncompatible,
    DutyHeldAlready,
    DutyNotHeld,
    NoSuchBody,
    NoSuchMembership,
    NoSuchPerson,
    Seat,
    SeatHeldAlready,
    SubstituteForNobody,
    Term,
    begin_membership,
    end_membership,
    give_duty,
    members_of,
    standings,
    take_duty,
)
from control_plane.permission import Permission
from control_plane.policy import Duty, Function
from control_plane.unit import Units
from tests.conftest import StandingClock
from tests.people.conftest import CONSOLE, House

DAY = timedelta(days=1)


class Chamber:
    """A body with Amina, Brahim and Chama around, changed from the console."""

    def __init__(self, units: Units, permission: Permission, house: House) -> None:
        self.units, self.permission, self.house = units, permission, house
        self.body = house.body()
        self.amina, self.brahim, self.chama = (
            house.person(f"{name}@parlement.test") for name in ("amina", "brahim", "chama")
        )

    def begin(
        self,
        person_id: str,
        function: Function = Function.member,
        *,
        instead_of: str | None = None,
        term: Term | None = None,
        body_id: str = "",
    ) -> str:
        with self.units.begin() as unit:
            return begin_membership(
                unit,
                self.permission,
                CONSOLE,
                person_id=person_id,
                body_id=body_id or self.body,
                function=function,
                substitute_for=instead_of,
                term=term,
            )

    def end(self, membership_id: str, at: datetime | None = None) -> None:
        with self.units.begin() as unit:
            end_membership(unit, self.permission, CONSOLE, membership_id, at=at)

    def give(self, person_id: str, duty: Duty) -> None:
        with self.units.begin() as unit:
            give_duty(unit, self.permission, CONSOLE, person_id=person_id, duty=duty)

    def take(self, person_id: str, duty: Duty) -> None:
        with self.units.begin() as unit:
            take_duty(unit, self.permission, CONSOLE, person_id=person_id, duty=duty)

    def functions(self, person_id: str, at: datetime) -> set[Function]:
        with self.units.read() as session:
            standing = standings(session, [person_id], at)[person_id]
        return {function for _, function in standing.functions}

    def seats(self, at: datetime) -> list[Seat]:
        with self.units.read() as session:
            return members_of(session, [self.body], at)[self.body]


@pytest.fixture
def chamber(units: Units, permission: Permission, house: House) -> Chamber:
    return Chamber(units, permission, house)


def test_a_function_counts_from_its_beginning_to_just_before_its_end(
    chamber: Chamber, clock: StandingClock
) -> None:
    begins, ends = clock.now + DAY, clock.now + 3 * DAY
    chamber.begin(chamber.amina, Function.chair, term=Term(begins, ends))
    instant = timedelta(microseconds=1)
    for at, functions in [
        (clock.now, set()),
        (begins - instant, set()),
        (begins, {Function.chair}),
        (ends - instant, {Function.chair}),
        (ends, set()),
        (ends + DAY, set()),
    ]:
        assert chamber.functions(chamber.amina, at) == functions
        assert [seat.function for seat in chamber.seats(at)] == list(functions)


def test_a_function_without_dates_begins_now_and_ends_when_told(
    chamber: Chamber, clock: StandingClock
) -> None:
    membership = chamber.begin(chamber.amina)
    assert chamber.functions(chamber.amina, clock.now) == {Function.member}
    clock.advance(hours=1)
    chamber.end(membership)
    assert chamber.functions(chamber.amina, clock.now) == set()
    assert chamber.functions(chamber.amina, clock.now - timedelta(minutes=1)) == {Function.member}
    began, ended = chamber.house.entries()[-2:]
    assert isinstance(began, MembershipBegan)
    assert isinstance(ended, MembershipEnded)
    assert (began.body, began.function) == (ended.body, ended.function) == (chamber.body, "member")


def test_an_end_can_be_arranged_and_moved_earlier_but_never_later(
    chamber: Chamber, clock: StandingClock
) -> None:
    membership = chamber.begin(chamber.amina)
    chamber.end(membership, clock.now + 9 * DAY)
    assert chamber.functions(chamber.amina, clock.now + 8 * DAY) == {Function.member}
    chamber.end(membership, clock.now + 5 * DAY)
    assert chamber.functions(chamber.amina, clock.now + 8 * DAY) == set()
    with pytest.raises(DatesInvalid):
        chamber.end(membership, clock.now + 6 * DAY)
    with pytest.raises(DatesInvalid):
        chamber.end(membership, clock.now - DAY)
    chamber.end(membership)
    with pytest.raises(NoSuchMembership):
        chamber.end(membership)


def test_a_membership_that_has_not_begun_can_be_called_off(chamber: Chamber, clock: StandingClock) -> None:
    membership = chamber.begin(chamber.amina, term=Term(clock.now + DAY))
    chamber.end(membership)
    assert chamber.functions(chamber.amina, clock.now + 2 * DAY) == set()


def test_a_term_that_ends_before_it_begins_is_refused(chamber: Chamber, clock: StandingClock) -> None:
    with pytest.raises(DatesInvalid):
        chamber.begin(chamber.amina, term=Term(clock.now, clock.now))


SEATS = [Function.chair, Function.vice_chair, Function.rapporteur, Function.member]


def test_one_person_has_one_seat_in_a_body(chamber: Chamber) -> None:
    for number, (first, second) in enumerate(product(SEATS, SEATS)):
        person_id = chamber.house.person(f"member-{number}@parlement.test")
        chamber.begin(person_id, first)
        with pytest.raises(SeatHeldAlready, match=first):
            chamber.begin(person_id, second)


def test_seats_may_follow_one_another_and_a_clerk_may_have_one(
    chamber: Chamber, clock: StandingClock
) -> None:
    chamber.begin(chamber.amina, Function.member, term=Term(clock.now, clock.now + DAY))
    chamber.begin(chamber.amina, Function.chair, term=Term(clock.now + DAY))
    chamber.begin(chamber.amina, Function.clerk)
    with pytest.raises(SeatHeldAlready, match="clerk"):
        chamber.begin(chamber.amina, Function.clerk)
    assert chamber.functions(chamber.amina, clock.now + 2 * DAY) == {Function.chair, Function.clerk}


def test_seats_in_two_bodies_do_not_exclude_each_other(chamber: Chamber, clock: StandingClock) -> None:
    other = chamber.house.body("Commission de la justice")
    chamber.begin(chamber.amina, Function.chair)
    chamber.begin(chamber.amina, Function.member, body_id=other)
    with chamber.units.read() as session:
        standing = standings(session, [chamber.amina], clock.now)[chamber.amina]
    assert standing.functions == {(chamber.body, Function.chair), (other, Function.member)}


def test_a_substitute_stands_for_a_member_of_the_same_body(chamber: Chamber, clock: StandingClock) -> None:
    chamber.begin(chamber.amina)
    chamber.begin(chamber.brahim, Function.substitute, instead_of=chamber.amina)
    with chamber.units.read() as session:
        found = standings(session, [chamber.amina, chamber.brahim], clock.now)
    assert found[chamber.brahim].substitutes_for == {chamber.body: chamber.amina}
    began = chamber.house.entries()[-1]
    assert isinstance(began, MembershipBegan)
    assert began.instead_of == found[chamber.amina].pseudonym
    assert Seat(chamber.brahim, Function.substitute, chamber.amina) in chamber.seats(clock.now)


def test_a_substitute_for_nobody_is_refused(chamber: Chamber) -> None:
    chamber.begin(chamber.amina)
    chamber.begin(chamber.chama, Function.clerk)
    for function, instead_of in [
        (Function.substitute, None),
        (Function.substitute, chamber.brahim),
        (Function.substitute, chamber.chama),
        (Function.member, chamber.amina),
    ]:
        with pytest.raises(SubstituteForNobody):
            chamber.begin(chamber.brahim, function, instead_of=instead_of)
    chamber.begin(chamber.brahim, Function.substitute, instead_of=chamber.amina)
    with pytest.raises(SubstituteForNobody):
        chamber.begin(chamber.chama, Function.substitute, instead_of=chamber.brahim)


def test_a_substitute_goes_with_the_member_they_stand_for(chamber: Chamber, clock: StandingClock) -> None:
    seat = chamber.begin(chamber.amina)
    chamber.begin(chamber.brahim, Function.substitute, instead_of=chamber.amina)
    chamber.end(seat)
    assert chamber.seats(clock.now) == []
    assert [type(entry) for entry in chamber.house.entries()[-2:]] == [MembershipEnded] * 2


@pytest.mark.parametrize(
    ("first", "second"),
    [(Duty.security_officer, Duty.administrator), (Duty.administrator, Duty.security_officer)],
)
def test_a_security_officer_holds_no_other_duty(chamber: Chamber, first: Duty, second: Duty) -> None:
    chamber.give(chamber.amina, first)
    with pytest.raises(DutiesIncompatible, match=f"{second} and {first}"):
        chamber.give(chamber.amina, second)
    chamber.take(chamber.amina, first)
    chamber.give(chamber.amina, second)


@pytest.mark.parametrize("duty", list(Duty))
def test_who_clerks_a_body_gets_no_duty_and_the_other_way_round(
    chamber: Chamber, clock: StandingClock, duty: Duty
) -> None:
    clerk = chamber.begin(chamber.amina, Function.clerk)
    with pytest.raises(DutiesIncompatible, match=f"{duty} and clerk"):
        chamber.give(chamber.amina, duty)
    chamber.give(chamber.brahim, duty)
    with pytest.raises(DutiesIncompatible, match=f"clerk and {duty}"):
        chamber.begin(chamber.brahim, Function.clerk)
    with pytest.raises(DutiesIncompatible):
        chamber.begin(chamber.brahim, Function.clerk, term=Term(clock.now + 9 * DAY))
    chamber.end(clerk, clock.now + DAY)
    with pytest.raises(DutiesIncompatible):
        chamber.give(chamber.amina, duty)
    clock.advance(days=1)
    chamber.give(chamber.amina, duty)


def test_a_clerkship_arranged_for_later_excludes_a_duty_now(chamber: Chamber, clock: StandingClock) -> None:
    chamber.begin(chamber.amina, Function.clerk, term=Term(clock.now + 30 * DAY))
    with pytest.raises(DutiesIncompatible):
        chamber.give(chamber.amina, Duty.administrator)


def test_duties_are_held_from_when_they_are_given_until_they_are_taken(
    chamber: Chamber, clock: StandingClock
) -> None:
    before = clock.now - timedelta(seconds=1)
    chamber.give(chamber.amina, Duty.security_officer)
    given = clock.now
    clock.advance(hours=1)
    with pytest.raises(DutyHeldAlready):
        chamber.give(chamber.amina, Duty.security_officer)
    with pytest.raises(DutyNotHeld):
        chamber.take(chamber.amina, Duty.administrator)
    chamber.take(chamber.amina, Duty.security_officer)
    with pytest.raises(DutyNotHeld):
        chamber.take(chamber.amina, Duty.security_officer)
    with chamber.units.read() as session:
        for at, duties in [(before, set()), (given, {Duty.security_officer}), (clock.now, set())]:
            assert standings(session, [chamber.amina], at)[chamber.amina].duties == duties
    assert [type(entry) for entry in chamber.house.entries()[-2:]] == [DutyGiven, DutyTaken]


def test_nobody_and_nowhere_are_named(chamber: Chamber) -> None:
    with pytest.raises(NoSuchPerson):
        chamber.begin("nobody")
    with pytest.raises(NoSuchBody):
        chamber.begin(chamber.amina, body_id="nowhere")
    with pytest.raises(NoSuchPerson):
        chamber.give("nobody", Duty.administrator)
    with pytest.raises(NoSuchMembership):
        chamber.end("nothing")
