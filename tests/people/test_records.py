"""No entry, no change: each use case writes its entry, and does nothing when the log can't be written."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import SQLModel, select

from control_plane.audit.entries import (
    BodyChanged,
    BodyCreated,
    DutyGiven,
    DutyTaken,
    Entry,
    MembershipBegan,
    MembershipEnded,
    PasswordSet,
    PersonAdded,
    PersonChanged,
    PersonDisabled,
    SignedIn,
    SignedOut,
    SignInRefused,
)
from control_plane.people.models import (
    Body,
    BrowserSession,
    DutyHeld,
    KnownDevice,
    Membership,
    Password,
    Person,
)
from control_plane.people.service import (
    Caller,
    Entrance,
    add_person,
    begin_membership,
    begin_session,
    change_body,
    change_person,
    create_body,
    disable_person,
    end_membership,
    end_sessions_of,
    give_duty,
    renew_feed,
    set_password,
    sign_in,
    sign_out,
    take_duty,
)
from control_plane.permission import Permission
from control_plane.policy import Duty, Function, SignIn, Strength
from control_plane.unit import Units
from tests.people.conftest import CONSOLE, PASSWORD, House, KeyLost, committee, person

TABLES: list[type[SQLModel]] = [Body, Person, Membership, DutyHeld, Password, BrowserSession, KnownDevice]
BY_PASSWORD = SignIn(Strength.PASSWORD, certificate=False, zone="parliament")


class Scene:
    """A chair, a clerk and an administrator, ready for one more change."""

    def __init__(self, units: Units, permission: Permission, house: House, entrance: Entrance) -> None:
        self.permission, self.entrance = permission, entrance
        self.body = house.body()
        self.amina = house.person("amina@parlement.test", password=PASSWORD)
        self.officer = house.person("officer@majlis.test")
        self.new = entrance.passwords.prepare("quatre ânes gris dorment")
        with units.begin() as unit:
            self.membership = self.seat(unit, self.amina, Function.chair)
            give_duty(unit, permission, CONSOLE, person_id=self.officer, duty=Duty.security_officer)
            self.token = begin_session(unit, self.amina, BY_PASSWORD)[0]

    def seat(self, unit: Any, person_id: str, function: Function) -> str:
        return begin_membership(
            unit, self.permission, CONSOLE, person_id=person_id, body_id=self.body, function=function
        )


@pytest.fixture
def scene(units: Units, permission: Permission, house: House, entrance: Entrance) -> Scene:
    return Scene(units, permission, house, entrance)


Act = Callable[[Scene, Any], object]
ACTS: dict[str, tuple[Act, type[Entry]]] = {
    "create a body": (
        lambda scene, unit: create_body(unit, scene.permission, CONSOLE, committee("Autre")),
        BodyCreated,
    ),
    "change a body": (
        lambda scene, unit: change_body(unit, scene.permission, CONSOLE, scene.body, committee(capacity=9)),
        BodyChanged,
    ),
    "add a person": (
        lambda scene, unit: add_person(unit, scene.permission, CONSOLE, person(email="new@x.test")),
        PersonAdded,
    ),
    "change a person": (
        lambda scene, unit: change_person(
            unit, scene.permission, CONSOLE, scene.amina, replace(person(), language="zgh")
        ),
        PersonChanged,
    ),
    "disable a person": (
        lambda scene, unit: disable_person(unit, scene.permission, CONSOLE, scene.amina),
        PersonDisabled,
    ),
    "begin a membership": (
        lambda scene, unit: scene.seat(unit, scene.officer, Function.member),
        MembershipBegan,
    ),
    "end a membership": (
        lambda scene, unit: end_membership(unit, scene.permission, CONSOLE, scene.membership),
        MembershipEnded,
    ),
    "give a duty": (
        lambda scene, unit: give_duty(
            unit, scene.permission, CONSOLE, person_id=scene.amina, duty=Duty.administrator
        ),
        DutyGiven,
    ),
    "take a duty": (
        lambda scene, unit: take_duty(
            unit, scene.permission, CONSOLE, person_id=scene.officer, duty=Duty.security_officer
        ),
        DutyTaken,
    ),
    "set a password": (
        lambda scene, unit: set_password(unit, scene.permission, CONSOLE, scene.amina, scene.new),
        PasswordSet,
    ),
    "renew a feed address": (lambda scene, unit: renew_feed(unit, scene.amina), PersonChanged),
    "begin a session": (lambda scene, unit: begin_session(unit, scene.amina, BY_PASSWORD), SignedIn),
    "sign out": (lambda scene, unit: sign_out(unit, scene.token), SignedOut),
    "sign out everywhere": (
        lambda scene, unit: end_sessions_of(unit, scene.permission, CONSOLE, scene.amina),
        SignedOut,
    ),
}


def kept(units: Units) -> list[list[str]]:
    """Return every row of the slice as text."""
    with units.read() as session:
        return [
            sorted(repr(row.model_dump()) for row in session.exec(select(table)).all()) for table in TABLES
        ]


@pytest.mark.parametrize("name", ACTS)
def test_a_change_writes_its_entry(units: Units, house: House, scene: Scene, name: str) -> None:
    act, kind = ACTS[name]
    before, size = kept(units), len(house.entries())
    with units.begin() as unit:
        act(scene, unit)
    written = house.entries()[size:]
    assert written
    assert type(written[0]) is kind
    assert kept(units) != before


@pytest.mark.parametrize("name", ACTS)
def test_a_change_whose_entry_cannot_be_written_did_not_happen(
    units: Units, mute_units: Units, house: House, scene: Scene, name: str
) -> None:
    act, _ = ACTS[name]
    before, entries = kept(units), house.entries()
    with pytest.raises(KeyLost), mute_units.begin() as unit:
        act(scene, unit)
    assert kept(units) == before
    assert house.entries() == entries


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_nobody_signs_in_unless_it_can_be_written_down(
    units: Units, mute_units: Units, house: House, scene: Scene, password: str
) -> None:
    before, entries = kept(units), house.entries()
    with pytest.raises(KeyLost):
        sign_in(
            mute_units,
            scene.entrance,
            "amina@parlement.test",
            password,
            Caller("192.0.2.1", "internet"),
        )
    assert kept(units) == before
    assert house.entries() == entries


def test_no_entry_holds_a_name_an_address_or_an_id_of_a_person(
    units: Units, house: House, scene: Scene
) -> None:
    for name, (act, _) in ACTS.items():
        if name != "begin a session":  # the account is disabled by then
            with units.begin() as unit:
                act(scene, unit)
    sign_in(units, scene.entrance, "amina@parlement.test", "wrong", Caller("192.0.2.1", "internet"))
    entries = house.entries()
    assert isinstance(entries[-1], SignInRefused)
    said = " ".join(repr(entry) for entry in entries)
    for secret in (scene.amina, scene.officer, "amina@", "192.0.2.1", "Amina", "أمينة", "finances", "trois"):
        assert secret not in said
