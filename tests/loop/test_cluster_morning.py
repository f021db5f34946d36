"""The morning as it is played against a cluster: an administrator and an address are all that it is given."""

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

import demo.appliance
from control_plane.people.service import NewPassword, add_person, give_duty, set_password
from control_plane.permission import Permission
from control_plane.policy import Duty
from control_plane.unit import Unit
from demo.appliance import Appliance, appliance
from demo.cluster import ClusterAway, cluster_morning
from demo.loading import load
from demo.parliament import BODIES, PEOPLE, Parliament, email, memberships, person_details
from demo.people import Visitor

FIRST = "said"
WORD = "sample-one-two-three"


def only_an_administrator(unit: Unit, permission: Permission, password: NewPassword | None) -> Parliament:
    person = add_person(unit, permission, None, person_details(FIRST))
    give_duty(unit, permission, None, person_id=person, duty=Duty.administrator)
    assert password is not None
    set_password(unit, permission, None, person, password)
    return Parliament({}, {FIRST: person})


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Appliance]:
    monkeypatch.setattr(demo.appliance, "found", only_an_administrator)
    with appliance(tmp_path) as running:
        yield running


def test_the_sample_is_loaded_once_however_often_it_is_asked_for(empty: Appliance) -> None:
    with closing(Visitor("first", empty.url)) as administrator:
        first = load(administrator.sign_in(email(FIRST), empty.password), WORD)
    with closing(
        Visitor("again", empty.url)
    ) as administrator:  # the sample holds the first administrator too
        assert load(administrator.sign_in(email(FIRST), WORD), WORD) == first
    with closing(Visitor("third", empty.url)) as administrator:
        people = administrator.sign_in(email(FIRST), WORD).ask("GET", "/api/people")
        assert len(administrator.ask("GET", "/api/bodies")) == len(BODIES) == 6
    assert len(people) == len(PEOPLE) >= 30
    assert sum(len(person["functions"]) for person in people) == len(list(memberships()))
    assert {duty for person in people for duty in person["duties"]} == {"administrator", "security_officer"}


def test_the_morning_goes_as_planned_with_nothing_but_an_address(empty: Appliance) -> None:
    console = Console(file=io.StringIO(), width=140)
    planned = cluster_morning(console, empty.url, None, email(FIRST), empty.password)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert planned, shown
    assert "closes the session" in shown


def test_a_cluster_that_is_away_or_refuses_is_named(empty: Appliance) -> None:
    console = Console(file=io.StringIO())
    with pytest.raises(ClusterAway, match="does not answer"):
        cluster_morning(console, "http://127.0.0.1:9", None, email(FIRST), empty.password)
    with pytest.raises(ClusterAway, match="does not let"):
        cluster_morning(console, empty.url, None, email(FIRST), "not the password")
