"""Tokens that anybody forged, kept, copied or made up, shown to Prosody over its WebSocket: each try is an entry."""

from collections.abc import Callable

import jwt
import pytest

from control_plane.audit.entries import ConnectionAccepted, Refused, RoomCreated
from control_plane.audit.entries import ConnectionRefused as RefusedEntry
from demo.players import ConnectionRefused, Joined, PlayerFailed, TurnedAway
from tests.loop.house import House, Sitting
from tests.rooms.forging import FORGERIES, Forge

KIB = 1024


@pytest.fixture(scope="module")
def shown(house: House) -> Sitting:
    """Give one open sitting for all tokens of this module."""
    return house.sitting()


def forge(sitting: Sitting) -> Forge:
    """Return a good token together with the appliance's own signing key: the strongest forger there can be."""
    house = sitting.house
    with house.desk.units.read() as session:
        kid, key = house.desk.keys.signing(session)
    return Forge(sitting.ticket("driss")["token"], kid, key)


def try_token(house: House, token: str) -> ConnectionRefused:
    house.remember("token", token)
    with pytest.raises(ConnectionRefused) as refused:
        house.stage.connect(f"forger-{house.size()}-{len(token)}", token=token)
    return refused.value


@pytest.mark.parametrize(("forgery", "why"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_bad_token_connects_nobody_and_is_an_entry(
    shown: Sitting, forgery: Callable[[Forge], str], why: str
) -> None:
    house = shown.house
    token, mark = forgery(forge(shown)), house.size()
    refused = try_token(house, token)
    assert refused.condition == "not-authorized"
    assert refused.text
    [entry] = house.wait_for(mark, RefusedEntry)
    assert (entry.why, entry.node) == (why, "node-1")
    assert house.entries(mark, ConnectionAccepted) == []


def test_no_token_at_all_connects_nobody_and_is_an_entry(house: House) -> None:
    mark = house.size()
    with pytest.raises(ConnectionRefused) as refused:
        house.stage.connect("nobody")
    assert "Entrez par la page de la séance." in refused.value.text
    assert [entry.why for entry in house.wait_for(mark, RefusedEntry)] == ["token_missing"]


@pytest.mark.parametrize("kibibytes", [64, 1024])
def test_a_token_that_is_longer_than_any_request_is_cut_off_and_is_an_entry(
    house: House, kibibytes: int
) -> None:
    mark = house.size()
    with pytest.raises(PlayerFailed, match="414"):
        house.stage.connect(f"huge-{kibibytes}", token="x" * kibibytes * KIB)
    assert [entry.why for entry in house.wait_for(mark, RefusedEntry)] == ["token_oversized"]


def test_an_untouched_token_connects_so_that_the_table_above_means_something(shown: Sitting) -> None:
    mark = shown.house.size()
    token = forge(shown).changed()
    shown.house.connect("driss", {"token": token}).disconnect()
    [entry] = shown.house.wait_for(mark, ConnectionAccepted)
    assert entry.by == shown.house.pseudonym("driss")


def test_a_token_is_good_once_whoever_shows_it(each_house: House) -> None:
    sitting = each_house.sitting()
    ticket = sitting.ticket("driss")
    each_house.connect("driss", ticket)
    refused = try_token(each_house, ticket["token"])
    assert refused.text == "Ce lien a déjà servi. Rouvrez la page de la séance."
    [entry] = sitting.wait_for(RefusedEntry)
    assert (entry.why, entry.by) == ("token_used", each_house.pseudonym("driss"))


def test_of_two_who_show_the_same_token_at_once_one_connects(each_house: House) -> None:
    sitting = each_house.sitting()
    ticket = sitting.ticket("driss")
    attempts = [each_house.begin_connect("twin", ticket) for _ in range(6)]
    refused = 0
    for attempt in attempts:
        try:
            attempt(15)
        except ConnectionRefused:
            refused += 1
    assert refused == 5
    assert len(sitting.entries(ConnectionAccepted)) == 1
    assert [entry.why for entry in sitting.entries(RefusedEntry)] == ["token_used"] * 5


def test_a_token_of_one_meeting_opens_no_other(each_house: House) -> None:
    here, there = each_house.sitting(), each_house.sitting()
    there.enter("amina")
    stranger = here.connect("driss")
    outcome = stranger.join(there.room)
    assert isinstance(outcome, TurnedAway)
    assert outcome.text == "Ce n’est pas la séance à laquelle vous êtes convié."
    [entry] = there.wait_for(Refused)
    assert (entry.why, entry.by) == ("wrong_room", each_house.pseudonym("driss"))
    assert isinstance(stranger.join(here.room), Joined)


def test_a_token_of_one_meeting_makes_no_other_room(house: House) -> None:
    here, there = house.sitting(), house.sitting()
    there.ticket("amina")
    outcome = here.connect("driss").join(there.room)
    assert isinstance(outcome, TurnedAway)
    assert [entry.why for entry in there.wait_for(Refused)] == ["wrong_room"]
    assert there.entries(RoomCreated) == [] or house.roster(there.room) is None


def test_a_token_says_nothing_that_the_log_must_not_hold(shown: Sitting) -> None:
    claims = jwt.decode(shown.ticket("driss")["token"], options={"verify_signature": False})
    assert claims["room"] == shown.room
    assert claims["context"]["user"]["id"] == shown.house.pseudonym("driss")
    assert "email" not in claims["context"]["user"]
