"""Who does not lead a sitting moderates nothing, and each try is an entry."""

from collections.abc import Callable
from typing import Any

import pytest

from control_plane.audit.entries import ActionRefused
from demo.people import Refused as NotServed
from demo.players import Player
from tests.loop.house import House, Sitting
from tests.loop.test_moderation import seat

MODERATION: dict[str, Callable[[Sitting, str, str], Any]] = {
    "let-in": lambda sitting, connection, by: sitting.order(connection, "let-in", by=by),
    "send-back": lambda sitting, connection, by: sitting.order(connection, "send-back", by=by),
    "remove": lambda sitting, connection, by: sitting.order(connection, "remove", by=by),
    "mute": lambda sitting, connection, by: sitting.order(connection, "mute", {"media": "audio"}, by=by),
    "in-camera": lambda sitting, _, by: sitting.run("in-camera", by=by),
    "close": lambda sitting, _, by: sitting.run("close", by=by),
    "present": lambda sitting, _, by: sitting.house.person(by).ask(
        "GET", f"/api/meetings/{sitting.id}/present"
    ),
}


@pytest.fixture(scope="module")
def busy(house: House) -> tuple[Sitting, Player, Player, str]:
    """Give a sitting with a member inside and a guest in the lobby."""
    sitting = house.sitting()
    member, _ = seat(sitting, "ghita")
    guest, connection = sitting.wait_in_lobby(sitting.guest())
    return sitting, member, guest, connection


@pytest.mark.parametrize("by", ["driss", "rachid", "leila", "said", "simo"])
@pytest.mark.parametrize(("verb", "attempt"), MODERATION.items(), ids=MODERATION.keys())
def test_whoever_does_not_lead_the_sitting_moderates_nothing(
    busy: tuple[Sitting, Player, Player, str],
    verb: str,
    attempt: Callable[[Sitting, str, str], Any],
    by: str,
) -> None:
    sitting, member, guest, connection = busy
    mark = sitting.house.size()
    with pytest.raises(NotServed) as refused:
        attempt(sitting, connection, by)
    assert refused.value.status == 403
    assert refused.value.sentence
    [record] = sitting.house.records(mark, sitting.id)
    assert isinstance(record.entry, ActionRefused)
    assert record.entry.by == sitting.house.pseudonym(by)
    for player in (member, guest):
        assert not any(player.happened(kind) for kind in ("kicked", "invited", "muted", "destroyed"))


def test_a_guests_browser_moderates_nothing(busy: tuple[Sitting, Player, Player, str]) -> None:
    sitting, _, _, connection = busy
    guest = sitting.guest("Dr Ali Berrada", "expert")
    for verb in ("let-in", "send-back", "remove"):
        with pytest.raises(NotServed) as refused:
            guest.ask("POST", f"/api/connections/{connection}/{verb}", {})
        assert refused.value.status in {401, 403}


def test_the_clerk_and_the_vice_chair_see_who_is_there_too(busy: tuple[Sitting, Player, Player, str]) -> None:
    sitting = busy[0]
    for by in ("omar", "brahim"):
        there = sitting.house.person(by).ask("GET", f"/api/meetings/{sitting.id}/present")
        assert [(p["where"], p["guest"]) for p in there] == [("room", False), ("lobby", True)]


def test_an_order_about_a_connection_that_never_was_is_not_found(house: House) -> None:
    with pytest.raises(NotServed) as refused:
        house.person("amina").ask("POST", "/api/connections/nowhere/let-in", {})
    assert refused.value.status == 404
