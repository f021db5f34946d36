"""Many requests, one transaction: what waits while a commit is under way shares the next one.

Every answer is durable before it is given, so a commit a request would make the disk the bottleneck. The
sequencer is the one thread that decides; batches form by themselves, no request ever waits for company.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from control_plane.unit import Unit, Units

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")
Decide = Callable[[Unit, Sequence[Ask]], Sequence[Answer]]

MAX_BATCH = 64
MAX_WAITING = 2_000
LINGER_SECONDS = 0.002
logger = logging.getLogger(__name__)


class Overloaded(Exception):
    """So many requests wait already that this one would time out; the gate refuses it."""


class _Item(NamedTuple):
    decide: Decide[Any, Any]
    ask: Any
    answer: "asyncio.Future[Any]"


class Sequencer:
    """Runs decisions in batches on one thread, each batch in one unit of work."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._waiting: SimpleQueue[_Item | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)

    def start(self) -> None:
        """Begin to decide."""
        self._thread.start()

    def stop(self) -> None:
        """Decide what waits already, then end."""
        self._waiting.put(None)
        self._thread.join()

    async def decide(self, decide: Decide[Ask, Answer], ask: Ask) -> Answer:
        """Return this request's answer once it is durable (raises Overloaded, or what deciding raised)."""
        if self._waiting.qsize() >= MAX_WAITING:
            raise Overloaded(f"{MAX_WAITING} decisions wait already")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.put(_Item(decide, ask, future))
        return await future

    def _run(self) -> None:
        size = 1
        while True:
            batch = [self._waiting.get()]
            if size > 1:
                # Those just answered ask again within moments; starting with the first of them alone would
                # make every second commit one of a single request.
                time.sleep(LINGER_SECONDS)
            try:
                while len(batch) < MAX_BATCH and batch[-1] is not None:
                    batch.append(self._waiting.get_nowait())
            except Empty:
                pass  # nobody else waits: decide what is there
            size = len(batch)
            kinds: dict[Decide[Any, Any], list[_Item]] = {}
            for item in batch:
                if item is not None:
                    kinds.setdefault(item.decide, []).append(item)
            for decide, items in kinds.items():
                self._settle(decide, items)
            if batch[-1] is None:
                return

    def _settle(self, decide: Decide[Any, Any], items: list[_Item]) -> None:
        try:
            with self._units.begin() as unit:
                answers = decide(unit, [item.ask for item in items])
        except Exception as error:
            if len(items) > 1:
                # One bad request must not refuse its neighbours.
                for item in items:
                    self._settle(decide, [item])
                return
            logger.exception("a decision failed and was refused")
            _tell(items, [error])
            return
        _tell(items, answers)


def _tell(items: Sequence[_Item], answers: Sequence[Any]) -> None:
    """Wake the requests of each event loop with one call."""
    pairs = list(zip(items, answers, strict=True))
    for loop in {item.answer.get_loop() for item in items}:
        loop.call_soon_threadsafe(_resolve, [pair for pair in pairs if pair[0].answer.get_loop() is loop])


def _resolve(pairs: Sequence[tuple[_Item, Any]]) -> None:
    for item, answer in pairs:
        if item.answer.done():
            continue  # the client has gone; what was decided stands in the log
        if isinstance(answer, Exception):
            item.answer.set_exception(answer)
        else:
            item.answer.set_result(answer)
