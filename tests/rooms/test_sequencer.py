"""Decisions share commits, never spoil each other, and are refused when too many wait."""

import asyncio
import logging
import threading
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import text

from control_plane.audit.entries import PolicySetLoaded
from control_plane.audit.service import newest_checkpoint
from control_plane.rooms import sequencer as module
from control_plane.rooms.service import Overloaded, Sequencer
from control_plane.unit import Unit, Units


@pytest.fixture
def sequencer(units: Units) -> Iterator[Sequencer]:
    sequencer = Sequencer(units)
    sequencer.start()
    yield sequencer
    sequencer.stop()


def record(unit: Unit, asks: Sequence[str]) -> list[str]:
    """Record each ask; refuse to go on at a bad one."""
    for ask in asks:
        unit.record(PolicySetLoaded(policy_set=ask))
    if "bad" in asks:
        raise LookupError("bad")
    return [f"answer to {ask}" for ask in asks]


def test_requests_that_wait_share_one_commit(sequencer: Sequencer, units: Units) -> None:
    first_is_in, go_on = threading.Event(), threading.Event()

    def slow(unit: Unit, asks: Sequence[str]) -> list[str]:
        first_is_in.set()
        go_on.wait(5)
        return record(unit, asks)

    async def many() -> list[str]:
        first = asyncio.create_task(sequencer.decide(slow, "first"))
        await asyncio.to_thread(first_is_in.wait, 5)
        rest = [asyncio.create_task(sequencer.decide(record, str(number))) for number in range(20)]
        await asyncio.sleep(0.05)
        go_on.set()
        return [await task for task in (first, *rest)]

    answers = asyncio.run(many())
    assert answers == ["answer to first", *(f"answer to {number}" for number in range(20))]
    with units.read() as session:
        assert session.execute(text("SELECT count(*) FROM log_checkpoint")).scalar_one() == 2


def test_one_bad_request_does_not_refuse_its_neighbours(
    sequencer: Sequencer, units: Units, caplog: pytest.LogCaptureFixture
) -> None:
    async def many() -> list[str | BaseException]:
        asks = ["a", "bad", "b", "c"]
        return await asyncio.gather(*(sequencer.decide(record, ask) for ask in asks), return_exceptions=True)

    with caplog.at_level(logging.CRITICAL, "control_plane"):
        answers = asyncio.run(many())
    assert isinstance(answers[1], LookupError)
    assert [answers[0], *answers[2:]] == ["answer to a", "answer to b", "answer to c"]
    with units.read() as session:
        checkpoint = newest_checkpoint(session)
    assert checkpoint is not None
    assert checkpoint.size == 3, "nothing of the bad request stands in the log, and nothing twice"


def test_an_answer_is_durable_before_it_is_given(sequencer: Sequencer, units: Units) -> None:
    async def one() -> int:
        await sequencer.decide(record, "a")
        with units.read() as session:
            return int(session.execute(text("SELECT size FROM log_head")).scalar_one())

    assert asyncio.run(one()) == 1


def test_when_too_many_wait_the_next_is_refused_at_once(
    units: Units, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    stopped = Sequencer(units)  # nobody decides

    async def many() -> None:
        waiting = [asyncio.create_task(stopped.decide(record, "a")) for _ in range(3)]
        await asyncio.sleep(0.01)
        with pytest.raises(Overloaded):
            await stopped.decide(record, "one too many")
        for task in waiting:
            task.cancel()

    asyncio.run(many())


def test_a_client_that_went_away_changes_nothing_for_the_others(sequencer: Sequencer) -> None:
    async def many() -> str:
        gone = asyncio.create_task(sequencer.decide(record, "gone"))
        await asyncio.sleep(0)
        gone.cancel()
        return await sequencer.decide(record, "here")

    assert asyncio.run(many()) == "answer to here"


def test_stopping_decides_what_waits(units: Units) -> None:
    sequencer = Sequencer(units)

    async def many() -> list[str]:
        waiting = [asyncio.create_task(sequencer.decide(record, str(number))) for number in range(5)]
        await asyncio.sleep(0.01)
        sequencer.start()
        await asyncio.to_thread(sequencer.stop)
        return list(await asyncio.gather(*waiting))

    assert len(asyncio.run(many())) == 5
