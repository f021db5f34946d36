"""A pool serves some classifications and no others: at the token, at the room's making, and at the gate."""

from dataclasses import replace

import pytest

from control_plane.audit.entries import RoomRefused
from control_plane.policy import Classification
from control_plane.rooms.pools import Pool, Pools
from control_plane.rooms.service import (
    Admit,
    NotAdmittedHere,
    Reservation,
    TurnAway,
    Unreserved,
    Wanted,
    answer_creations,
    answer_reservations,
)
from tests.rooms.conftest import Sitting

OPEN = Pool(frozenset({Classification.PUBLIC, Classification.RESTRICTED}), frozenset({"n1"}), "wss://open/ws")
CLOSED = Pool(frozenset({Classification.CONFIDENTIAL}), frozenset({"n2"}), "wss://closed/ws")
SITE = Pools({"open": OPEN, "closed": CLOSED})

TABLE = [
    ("n1", Classification.PUBLIC, ""),
    ("n1", Classification.RESTRICTED, ""),
    ("n1", Classification.CONFIDENTIAL, "wrong_pool"),
    ("n2", Classification.CONFIDENTIAL, ""),
    ("n2", Classification.PUBLIC, "wrong_pool"),
    ("n3", Classification.PUBLIC, "wrong_pool"),
    ("", Classification.PUBLIC, "wrong_pool"),
    ("n1", Classification.SECRET, "no_pool"),
    ("n2", Classification.SECRET, "no_pool"),
]


@pytest.mark.parametrize(("host", "classification", "why"), TABLE)
def test_a_host_carries_what_its_pool_serves(host: str, classification: Classification, why: str) -> None:
    assert SITE.why_not(host, classification) == why


@pytest.mark.parametrize("classification", Classification)
def test_a_site_without_pools_lets_every_host_carry_everything(classification: Classification) -> None:
    assert Pools({}).why_not("anything", classification) == ""


@pytest.fixture
def pooled(sitting: Sitting) -> Sitting:
    return replace(sitting, office=replace(sitting.office, pools=SITE))


def test_a_member_enters_on_a_host_of_the_meeting_s_pool(pooled: Sitting) -> None:
    connection = pooled.connect(pooled.actor("driss"))
    assert isinstance(pooled.ask(connection, host="n1"), Admit)


def test_a_member_is_turned_away_on_a_host_of_another_pool(pooled: Sitting) -> None:
    connection = pooled.connect(pooled.actor("driss"))
    answer = pooled.ask(connection, host="n2")
    assert isinstance(answer, TurnAway)
    assert pooled.newest()["why"] == "wrong_pool"


def test_a_token_names_the_websocket_of_the_pool(pooled: Sitting) -> None:
    assert pooled.ticket(pooled.actor("driss")).websocket_url == "wss://open/ws"


def test_no_token_is_given_out_for_a_meeting_that_no_pool_serves(sitting: Sitting) -> None:
    nowhere = replace(sitting, office=replace(sitting.office, pools=Pools({"closed": CLOSED})))
    with pytest.raises(NotAdmittedHere):
        nowhere.ticket(nowhere.actor("driss"))


def test_a_conference_is_made_on_a_host_of_its_pool_only(pooled: Sitting) -> None:
    with pooled.units.begin() as unit:
        here, elsewhere = answer_creations(SITE, unit, [Wanted(pooled.room, "n1"), Wanted(pooled.room, "n2")])
    assert isinstance(here, Reservation)
    assert elsewhere == Unreserved("wrong_pool")
    refusal = pooled.newest()
    assert isinstance(pooled.entries()[0], RoomRefused)
    assert (refusal["node"], refusal["why"]) == ("n2", "wrong_pool")


def test_upstream_s_reservation_obeys_pools_too(pooled: Sitting) -> None:
    with pooled.units.begin() as unit:
        answers = answer_reservations(SITE, unit, [Wanted(pooled.room, "n2")])
    assert answers == [Unreserved("wrong_pool")]
