"""Telling Prosody what to do: queued with the change that asks for it, delivered until Prosody answers."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select
from sqlmodel import col

from control_plane.audit.entries import Commanded
from control_plane.database import new_id
from control_plane.rooms.models import Command, Room
from control_plane.unit import Unit, Units

ANSWER_SECONDS = 5.0
CLAIM_SECONDS = 20.0  # longer than an answer may take, so that nobody delivers what is under way
RETRY_SECONDS = (0.5, 1, 2, 5, 10, 30)
BATCH = 50
NOBODY_THERE = "nobody_there"
logger = logging.getLogger(__name__)


def tell(unit: Unit, meeting_id: str, name: str, **arguments: Any) -> None:
    """Have every signalling host told `name` about this meeting's conference, once this unit commits.

    Commands are idempotent at the host, so one may be delivered twice but none is lost.
    """
    unit.session.add(
        Command(
            id=new_id(),
            meeting_id=meeting_id,
            name=name,
            arguments=arguments,
            queued_at=unit.now,
            not_before=unit.now,
        )
    )


@dataclass(frozen=True, slots=True)
class _Due:
    id: str
    meeting_id: str
    name: str
    arguments: Mapping[str, Any]
    room: str
    attempts: int


@dataclass(slots=True)
class Signalling:
    """The hosts that run Prosody, by name, and the worker that talks to them."""

    units: Units
    hosts: Mapping[str, str]
    domain: str
    client: httpx.AsyncClient
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _rounds: asyncio.Condition = field(default_factory=asyncio.Condition)
    _round: int = 0

    def wake(self) -> None:
        """Deliver now rather than at the next look."""
        self._woken.set()

    async def settled(self, within_seconds: float) -> None:
        """Return once everything queued so far was tried, or after this time."""
        async with self._rounds:
            # The round under way may have begun before the command was queued.
            goal = self._round + 2
            with suppress(TimeoutError):
                async with asyncio.timeout(within_seconds):
                    while self._round < goal:
                        self.wake()
                        await self._rounds.wait()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._woken.clear()
            await self.deliver_due()
            async with self._rounds:
                self._round += 1
                self._rounds.notify_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._woken.wait()

    async def deliver_due(self) -> None:
        """Try each command that is due, once, in the order they were queued."""
        for due in await asyncio.to_thread(self._due):
            answers = await asyncio.gather(*(self._post(url, due) for url in self.hosts.values()))
            await asyncio.to_thread(self._note, due, [answer for answer in answers if answer])

    def _due(self) -> list[_Due]:
        """Claim what is due: whoever else delivers (another worker, another control plane) passes over it."""
        with self.units.begin() as unit:
            query = (
                select(Command, col(Room.name))
                .join(Room, col(Room.meeting_id) == col(Command.meeting_id))
                .where(col(Command.done_at).is_(None), col(Command.not_before) <= unit.now)
                .order_by(col(Command.queued_at), col(Command.id))
                .limit(BATCH)
                .with_for_update(of=Command, skip_locked=True)
            )
            due = []
            for command, room in unit.session.execute(query):
                command.not_before = unit.now + timedelta(seconds=CLAIM_SECONDS)
                due.append(
                    _Due(
                        command.id,
                        command.meeting_id,
                        command.name,
                        command.arguments,
                        room,
                        command.attempts,
                    )
                )
            return due

    async def _post(self, url: str, due: _Due) -> str:
        """Return the outcome, or nothing when the host could not be asked."""
        try:
            response = await self.client.post(
                f"{url.rstrip('/')}/majlis/control/{due.name}",
                json={"room": due.room, **due.arguments},
                headers={"Host": f"conference.{self.domain}"},
                timeout=ANSWER_SECONDS,
            )
        except httpx.HTTPError as error:
            logger.warning("signalling host %s: %s: %s", url, due.name, type(error).__name__)
            return ""
        if response.status_code == httpx.codes.OK:
            return "done"
        if response.status_code == httpx.codes.NOT_FOUND:
            return NOBODY_THERE
        logger.error("signalling host %s answered %s to %s", url, response.status_code, due.name)
        return ""

    def _note(self, due: _Due, answers: Sequence[str]) -> None:
        """Record the outcome when every host answered, else try again later."""
        with self.units.begin() as unit:
            command = unit.session.get(Command, due.id)
            if command is None or command.done_at is not None:
                return
            command.attempts += 1
            if len(answers) < len(self.hosts) or not self.hosts:
                wait = RETRY_SECONDS[min(due.attempts, len(RETRY_SECONDS) - 1)]
                command.not_before = unit.now + timedelta(seconds=wait)
                return
            command.done_at = unit.now
            command.outcome = "done" if "done" in answers else NOBODY_THERE
            unit.record(
                Commanded(
                    meeting=due.meeting_id,
                    command=due.name,
                    outcome=command.outcome,
                    connection=str(due.arguments.get("connection", "")),
                )
            )
