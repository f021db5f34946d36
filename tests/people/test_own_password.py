"""Replacing one's own password."""

from dataclasses import replace
from datetime import timedelta

import pytest

from control_plane.audit.entries import PasswordSet, SignedIn, SignedOut
from control_plane.people.service import (
    Argon2Cost,
    Caller,
    Entrance,
    NewPassword,
    NoSuchPerson,
    PasswordRefused,
    Passwords,
    SessionOver,
    TurnedAway,
    replace_password,
    session_of,
    set_password,
    sign_in,
)
from control_plane.people.service import SignedIn as Inside
from control_plane.permission import Permission
from control_plane.unit import Units
from tests.conftest import StandingClock
from tests.people.conftest import CONSOLE, PASSWORD, House

AMINA = "amina@parlement.test"
NEW = "quatre ânes gris dorment"
HERE = Caller("10.2.0.7", "parliament")


@pytest.fixture
def amina(house: House) -> str:
    return house.person(AMINA, password=PASSWORD)


def enter(units: Units, entrance: Entrance, password: str = PASSWORD, caller: Caller = HERE) -> Inside:
    outcome = sign_in(units, entrance, AMINA, password, caller)
    assert isinstance(outcome, Inside)
    return outcome


def test_a_replaced_password_leaves_only_this_browser_signed_in(
    units: Units, entrance: Entrance, house: House, clock: StandingClock, amina: str
) -> None:
    here, elsewhere = enter(units, entrance), enter(units, entrance)
    caller = replace(HERE, session=here.token, device=here.device)
    now = replace_password(units, entrance, amina, PASSWORD, NEW, caller)
    assert isinstance(now, Inside)
    assert now.device == here.device
    with units.read() as session:
        alive = [session_of(session, one.token, clock.now) is not None for one in (here, elsewhere, now)]
    assert alive == [False, False, True]
    kinds = [type(entry) for entry in house.entries()[-4:]]
    assert kinds == [SignedOut, SignedIn, PasswordSet, SignedOut]
    assert isinstance(sign_in(units, entrance, AMINA, PASSWORD, HERE), TurnedAway)
    enter(units, entrance, NEW)


def test_a_stolen_session_guesses_the_present_password_no_faster_than_the_door_lets(
    units: Units, entrance: Entrance, amina: str
) -> None:
    stolen = replace(HERE, session=enter(units, entrance).token)
    for _ in range(5):
        assert replace_password(units, entrance, amina, "wrong", NEW, stolen) == TurnedAway(timedelta(0))
    assert replace_password(units, entrance, amina, PASSWORD, NEW, stolen) == TurnedAway(timedelta(seconds=1))


def test_a_weak_new_password_is_refused_before_anything_is_tried(
    units: Units, entrance: Entrance, house: House, amina: str
) -> None:
    before = house.entries()
    with pytest.raises(PasswordRefused):
        replace_password(units, entrance, amina, PASSWORD, "vive amina la grande", HERE)
    with pytest.raises(NoSuchPerson):
        replace_password(units, entrance, "nobody", PASSWORD, NEW, HERE)
    assert house.entries() == before


class Interrupted(Passwords):
    """An administrator sets the password while the person's new one is being hashed."""

    def __init__(self, units: Units, permission: Permission, person_id: str, given: NewPassword) -> None:
        super().__init__(Argon2Cost(passes=1, memory_kib=64, lanes=1))
        self.units, self.permission, self.person_id, self.given = units, permission, person_id, given

    def prepare(self, password: str) -> NewPassword:
        with self.units.begin() as unit:
            set_password(unit, self.permission, CONSOLE, self.person_id, self.given)
        return super().prepare(password)


def test_who_knew_the_old_password_cannot_undo_what_an_administrator_just_set(
    units: Units, permission: Permission, entrance: Entrance, amina: str, passwords: Passwords
) -> None:
    given = passwords.prepare("cinq ânes gris dorment")
    racing = replace(entrance, passwords=Interrupted(units, permission, amina, given))
    with pytest.raises(SessionOver):
        replace_password(units, racing, amina, PASSWORD, NEW, HERE)
    enter(units, entrance, "cinq ânes gris dorment")
