"""Accounts, their passwords and their feeds, on both databases."""

from dataclasses import replace

import pytest

from control_plane.audit.entries import (
    ActionRefused,
    PasswordSet,
    PersonAdded,
    PersonChanged,
    PersonDisabled,
    SignedIn,
    SignedOut,
)
from control_plane.audit.service import latest
from control_plane.people.service import (
    AccountDisabled,
    EmailTaken,
    NoSuchPerson,
    PasswordRefused,
    Passwords,
    actor_of,
    add_person,
    begin_session,
    change_person,
    disable_person,
    end_sessions_of,
    feed_owner,
    find_person,
    give_duty,
    renew_feed,
    session_of,
    set_password,
    standings,
)
from control_plane.permission import Actor, NotPermitted, Permission
from control_plane.policy import Duty, SignIn, Strength
from control_plane.unit import Units
from tests.conftest import StandingClock
from tests.people.conftest import CONSOLE, House, person

BY_PASSWORD = SignIn(Strength.PASSWORD, certificate=False, zone="parliament")


def actor(units: Units, person_id: str, sign_in: SignIn = BY_PASSWORD) -> Actor:
    with units.read() as session:
        return actor_of(standings(session, [person_id], units.clock())[person_id], sign_in)


def administrator(units: Units, permission: Permission, house: House) -> Actor:
    person_id = house.person("admin@majlis.test")
    with units.begin() as unit:
        give_duty(unit, permission, CONSOLE, person_id=person_id, duty=Duty.administrator)
    return actor(units, person_id)


def test_an_added_person_is_found_by_address_and_by_id_and_the_leaf_holds_a_pseudonym(
    units: Units, permission: Permission, house: House, clock: StandingClock
) -> None:
    with units.begin() as unit:
        person_id = add_person(unit, permission, CONSOLE, person(email="Amina@Parlement.test"))
    with units.read() as session:
        found = find_person(session, " AMINA@parlement.test", clock.now)
        record = latest(session, limit=1)[0]
        assert found is not None
        assert found == find_person(session, person_id, clock.now)
        assert find_person(session, "nobody@parlement.test", clock.now) is None
    assert found.name_in("ar") == "أمينة التازي"
    assert found.name_in("en") == "Amina Tazi"
    assert record.entry == PersonAdded(
        at=record.entry.at, sealed=record.entry.sealed, by="console", on=found.pseudonym
    )
    assert record.readable["email"] == "amina@parlement.test"


def test_one_mailbox_is_one_account(units: Units, permission: Permission, house: House) -> None:
    house.person("amina@parlement.test")
    other = house.person("brahim@parlement.test")
    with pytest.raises(EmailTaken), units.begin() as unit:
        add_person(unit, permission, CONSOLE, person(email="AMINA@parlement.test"))
    with pytest.raises(EmailTaken), units.begin() as unit:
        change_person(unit, permission, CONSOLE, other, person(email="amina@parlement.test"))
    assert [type(entry) for entry in house.entries()] == [PersonAdded, PersonAdded]


def test_a_changed_person_leaves_the_names_of_fields_only(
    units: Units, permission: Permission, house: House
) -> None:
    with units.begin() as unit:
        person_id = add_person(unit, permission, CONSOLE, person())
    with units.begin() as unit:
        details = replace(person(), language="fr", names={**person().names, "zgh": "ⴰⵎⵉⵏⴰ"})
        assert change_person(unit, permission, CONSOLE, person_id, details) == ("language", "name_zgh")
    last = house.entries()[-1]
    assert isinstance(last, PersonChanged)
    assert last.fields == ("language", "name_zgh")
    with units.begin() as unit:
        assert change_person(unit, permission, CONSOLE, person_id, details) == ()


def test_only_an_administrator_changes_people_and_a_refusal_is_in_the_log(
    units: Units, permission: Permission, house: House
) -> None:
    admin = administrator(units, permission, house)
    member = actor(units, house.person("brahim@parlement.test"))
    with units.begin() as unit:
        add_person(unit, permission, admin, person())
    added = house.entries()[-1]
    assert isinstance(added, PersonAdded)
    assert added.by == admin.pseudonym
    assert added.policies == ("duties.manage-people-and-site",)
    assert added.policy_set == permission.policies.digest
    with pytest.raises(NotPermitted), units.begin() as unit:
        add_person(unit, permission, member, person(email="other@parlement.test"))
    refused = house.entries()[-1]
    assert isinstance(refused, ActionRefused)
    assert (refused.by, refused.action) == (member.pseudonym, "manage_people")


def test_a_disabled_person_is_out_at_once(
    units: Units, permission: Permission, house: House, clock: StandingClock
) -> None:
    person_id = house.person("amina@parlement.test")
    with units.begin() as unit:
        tokens = [begin_session(unit, person_id, BY_PASSWORD)[0] for _ in range(3)]
    with units.begin() as unit:
        disable_person(unit, permission, CONSOLE, person_id)
    with units.begin() as unit:
        disable_person(unit, permission, CONSOLE, person_id)
    with units.read() as session:
        assert [session_of(session, token, clock.now) for token in tokens] == [None, None, None]
        standing = standings(session, [person_id], clock.now)[person_id]
    assert standing.disabled
    with pytest.raises(AccountDisabled):
        actor_of(standing, BY_PASSWORD)
    with pytest.raises(AccountDisabled), units.begin() as unit:
        begin_session(unit, person_id, BY_PASSWORD)
    kinds = [type(entry) for entry in house.entries()]
    assert kinds == [PersonAdded, *[SignedIn] * 3, PersonDisabled, *[SignedOut] * 3]


def test_a_new_password_ends_what_the_old_one_began(
    units: Units, permission: Permission, house: House, passwords: Passwords, clock: StandingClock
) -> None:
    person_id = house.person("amina@parlement.test", password="trois ânes gris dorment")
    with units.begin() as unit:
        token, _ = begin_session(unit, person_id, BY_PASSWORD)
    new = passwords.prepare("quatre ânes gris dorment")
    with units.begin() as unit:
        set_password(unit, permission, CONSOLE, person_id, new)
    with units.read() as session:
        assert session_of(session, token, clock.now) is None
    ended = house.entries()[-1]
    assert isinstance(ended, SignedOut)
    assert ended.why == "password_set"
    assert isinstance(house.entries()[-2], PasswordSet)
    assert "ânes" not in repr(new)


def test_a_password_with_ones_own_name_changes_nothing(
    units: Units, permission: Permission, house: House, passwords: Passwords
) -> None:
    person_id = house.person("amina@parlement.test")
    new = passwords.prepare("vive Amina la grande")
    with pytest.raises(PasswordRefused), units.begin() as unit:
        set_password(unit, permission, CONSOLE, person_id, new)
    assert len(house.entries()) == 1


def test_an_administrator_signs_somebody_out_everywhere(
    units: Units, permission: Permission, house: House, clock: StandingClock
) -> None:
    person_id, other = house.person("amina@parlement.test"), house.person("brahim@parlement.test")
    with units.begin() as unit:
        token, _ = begin_session(unit, person_id, BY_PASSWORD)
        kept, _ = begin_session(unit, other, BY_PASSWORD)
    with units.begin() as unit:
        assert end_sessions_of(unit, permission, CONSOLE, person_id) == 1
    with units.begin() as unit:
        assert end_sessions_of(unit, permission, CONSOLE, person_id) == 0
    with units.read() as session:
        assert session_of(session, token, clock.now) is None
        assert session_of(session, kept, clock.now) is not None


def test_a_renewed_feed_address_makes_the_old_one_worthless(
    units: Units, permission: Permission, house: House, clock: StandingClock
) -> None:
    person_id = house.person("amina@parlement.test")
    with units.begin() as unit:
        first = renew_feed(unit, person_id)
    with units.begin() as unit:
        second = renew_feed(unit, person_id)
    with units.read() as session:
        assert feed_owner(session, first, clock.now) is None
        owner = feed_owner(session, second, clock.now)
        assert owner is not None
        assert owner.id == person_id
    with units.begin() as unit:
        disable_person(unit, permission, CONSOLE, person_id)
    with units.read() as session:
        assert feed_owner(session, second, clock.now) is None


def test_nothing_can_be_done_to_nobody(units: Units, permission: Permission, passwords: Passwords) -> None:
    new = passwords.prepare("trois ânes gris dorment")
    with pytest.raises(NoSuchPerson), units.begin() as unit:
        change_person(unit, permission, CONSOLE, "nobody", person())
    with pytest.raises(NoSuchPerson), units.begin() as unit:
        disable_person(unit, permission, CONSOLE, "nobody")
    with pytest.raises(NoSuchPerson), units.begin() as unit:
        set_password(unit, permission, CONSOLE, "nobody", new)
    with pytest.raises(NoSuchPerson), units.begin() as unit:
        begin_session(unit, "nobody", BY_PASSWORD)
    with pytest.raises(NoSuchPerson), units.begin() as unit:
        renew_feed(unit, "nobody")
