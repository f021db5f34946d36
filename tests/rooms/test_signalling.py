"""Commands reach Prosody at least once, whatever is down meanwhile, and what came of them is recorded."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import select

from control_plane.audit.entries import Commanded
from control_plane.rooms.models import Command
from control_plane.rooms.service import Signalling
from control_plane.rooms.signalling import tell
from tests.rooms.conftest import DOMAIN, Sitting

Answer = Callable[[httpx.Request], httpx.Response]


def _deliver(sitting: Sitting, answer: Answer, hosts: int = 1) -> list[httpx.Request]:
    """Deliver what is due to hosts that answer like this, and return what they were asked."""
    asked: list[httpx.Request] = []

    def host(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    async def once() -> None:
        async with httpx.AsyncClient(
            transport=httpx.MockTransport(host), headers={"Authorization": "Bearer secret"}
        ) as client:
            names = {f"n{number}": f"http://n{number}:5280" for number in range(hosts)}
            await Signalling(sitting.units, names, DOMAIN, client).deliver_due()

    asyncio.run(once())
    return asked


def _queued(sitting: Sitting) -> list[Command]:
    with sitting.units.read() as session:
        return list(session.scalars(select(Command).order_by(Command.queued_at, Command.id)))  # type: ignore[arg-type]


def _tell(sitting: Sitting, name: str = "lobby") -> None:
    with sitting.units.begin() as unit:
        tell(unit, sitting.id, name, connection="c1", reason="شكرا")


def test_a_command_is_posted_with_the_room_and_recorded_without(sitting: Sitting) -> None:
    _tell(sitting)
    asked = _deliver(sitting, lambda _: httpx.Response(200, json={"done": True}))
    assert [str(request.url) for request in asked] == ["http://n0:5280/majlis/control/lobby"]
    assert json.loads(asked[0].content) == {"room": sitting.room, "connection": "c1", "reason": "شكرا"}
    assert asked[0].headers["host"] == f"conference.{DOMAIN}"
    entry = sitting.entries()[0]
    assert isinstance(entry, Commanded)
    assert (entry.command, entry.outcome, entry.connection) == ("lobby", "done", "c1")
    assert _deliver(sitting, lambda _: httpx.Response(200)) == []


def _down(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("down", request=request)


FAULTS: dict[str, Answer] = {
    "down": _down,
    "a fault": lambda _: httpx.Response(500),
    "a wrong secret": lambda _: httpx.Response(401),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_host_that_does_not_obey_is_asked_again_later(sitting: Sitting, fault: Answer) -> None:
    _tell(sitting)
    before = sitting.records(1)[0].position
    _deliver(sitting, fault)
    assert [command.done_at for command in _queued(sitting)] == [None]
    assert sitting.records(1)[0].position == before, "nothing is claimed"
    assert _deliver(sitting, fault) == [], "not before its time"
    sitting.clock.advance(seconds=1)
    assert len(_deliver(sitting, lambda _: httpx.Response(200))) == 1
    assert [command.outcome for command in _queued(sitting)] == ["done"]


def test_nobody_there_is_an_outcome_too(sitting: Sitting) -> None:
    _tell(sitting)
    _deliver(sitting, lambda _: httpx.Response(404, json={"error": "room_not_found"}))
    assert [command.outcome for command in _queued(sitting)] == ["nobody_there"]


def test_of_several_hosts_all_must_answer_and_one_must_have_done_it(sitting: Sitting) -> None:
    _tell(sitting)

    def one_of_two(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if request.url.host == "n1" else 404)

    def one_down(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200) if request.url.host == "n1" else _down(request)

    _deliver(sitting, one_down, hosts=2)
    assert [command.done_at for command in _queued(sitting)] == [None]
    sitting.clock.advance(seconds=1)
    _deliver(sitting, one_of_two, hosts=2)
    assert [command.outcome for command in _queued(sitting)] == ["done"]


def test_commands_keep_their_order(sitting: Sitting) -> None:
    for name in ("lock", "lobby", "end"):
        _tell(sitting, name)
        sitting.clock.advance(seconds=1)
    asked = _deliver(sitting, lambda _: httpx.Response(200))
    assert [request.url.path.rsplit("/", 1)[1] for request in asked] == ["lock", "lobby", "end"]


def test_a_command_of_a_change_that_did_not_happen_is_never_sent(sitting: Sitting) -> None:
    def fails() -> None:
        with sitting.units.begin() as unit:
            tell(unit, sitting.id, "end")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert _queued(sitting) == []
