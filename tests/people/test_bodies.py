"""Creating bodies and changing their rules, on both databases."""

from dataclasses import replace

import pytest

from control_plane.audit.entries import BodyChanged, BodyCreated
from control_plane.audit.service import latest
from control_plane.people.service import (
    DetailsInvalid,
    NoSuchBody,
    bodies,
    body,
    change_body,
    create_body,
)
from control_plane.permission import Permission
from control_plane.policy import BodyFacts, Classification
from control_plane.unit import Units
from tests.people.conftest import CONSOLE, House, committee


def test_a_created_body_reads_back_as_it_was_given(units: Units, house: House) -> None:
    body_id = house.body()
    with units.read() as session:
        found = body(session, body_id)
    wanted = committee()
    assert (found.kind, found.names, found.zone, found.quorum) == (
        wanted.kind,
        wanted.names,
        wanted.zone,
        wanted.quorum,
    )
    assert (found.default, found.highest) == (wanted.default, wanted.highest)
    assert (found.notice_hours, found.capacity) == (48, 40)
    assert found.facts() == BodyFacts(body_id, "committee", Classification.CONFIDENTIAL)
    assert found.name_in("ar") == "لجنة المالية"
    assert found.name_in("zgh") == "Commission des finances"
    assert house.entries()[-1].body == body_id
    assert isinstance(house.entries()[-1], BodyCreated)


def test_a_change_names_its_fields_in_the_entry_and_its_words_beside_it(
    units: Units, permission: Permission, house: House
) -> None:
    body_id = house.body()
    details = replace(committee("Commission du budget"), capacity=60)
    with units.begin() as unit:
        assert change_body(unit, permission, CONSOLE, body_id, details) == ("capacity", "name_fr")
    with units.read() as session:
        assert body(session, body_id).names["fr"] == "Commission du budget"
        record = latest(session, limit=1)[0]
    assert isinstance(record.entry, BodyChanged)
    assert record.entry.fields == ("capacity", "name_fr")
    assert record.readable == {
        "before": {"capacity": 40, "name_fr": "Commission des finances"},
        "after": {"capacity": 60, "name_fr": "Commission du budget"},
    }


def test_a_change_to_what_it_is_already_leaves_no_entry(
    units: Units, permission: Permission, house: House
) -> None:
    body_id = house.body()
    with units.begin() as unit:
        assert change_body(unit, permission, CONSOLE, body_id, committee()) == ()
    assert len(house.entries()) == 1


def test_a_body_that_makes_no_sense_is_not_created(
    units: Units, permission: Permission, house: House
) -> None:
    with pytest.raises(DetailsInvalid), units.begin() as unit:
        create_body(unit, permission, CONSOLE, replace(committee(), zone="Mars/Olympus"))
    with units.read() as session:
        assert bodies(session) == {}
    assert house.entries() == []


def test_what_does_not_exist_can_be_neither_read_nor_changed(
    units: Units, permission: Permission, house: House
) -> None:
    with pytest.raises(NoSuchBody), units.begin() as unit:
        change_body(unit, permission, CONSOLE, "nowhere", committee())
    with units.read() as session:
        assert bodies(session, ["nowhere"]) == {}
        with pytest.raises(NoSuchBody):
            body(session, "nowhere")
