"""The unit of work: a change and its entries are one transaction, or nothing happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from control_plane.audit.checkpoint import Signer
from control_plane.audit.entries import Entry, Readable
from control_plane.audit.service import append
from control_plane.database import WRITES, Clock


class RecordedRefusal(Exception):
    """A refusal that is itself a fact: what the unit changed is dropped, and `entry` is recorded all the same."""

    def __init__(self, message: str, entry: Entry, readable: Readable | None = None) -> None:
        super().__init__(message)
        self.entry = entry
        self.readable = readable


@dataclass(slots=True)
class Unit:
    """One transaction under way: its session, its moment (aware, UTC), and what it will have recorded."""

    session: Session
    now: datetime
    entries: list[tuple[Entry, Readable | None]] = field(default_factory=list)

    def record(self, entry: Entry, readable: Readable | None = None) -> None:
        """Have the log say `entry` if, and only if, this unit commits.

        `readable` holds what a person may read but the leaf must not hold: names, titles, reasons, addresses.
        """
        self.entries.append((entry, readable))


class Units:
    """Begins units of work on one database and one log."""

    def __init__(self, engine: Engine, signer: Signer, clock: Clock) -> None:
        self.engine = engine
        self.signer = signer
        self.clock = clock
        self._writing = engine.execution_options(**WRITES)

    @contextmanager
    def begin(self) -> Iterator[Unit]:
        """Commit the changes and their entries together at the end, or nothing when anything raises.

        After a RecordedRefusal nothing is changed, the refusal is in the log, and it is raised again.
        """
        try:
            with self._transaction() as unit:
                yield unit
        except RecordedRefusal as refusal:
            with self._transaction() as unit:
                unit.record(refusal.entry, refusal.readable)
            raise

    @contextmanager
    def _transaction(self) -> Iterator[Unit]:
        with Session(self._writing, expire_on_commit=False) as session, session.begin():
            unit = Unit(session, self.clock())
            yield unit
            if unit.entries:
                session.flush()
                append(session, self.signer, unit.now, unit.entries)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that reads only; whatever is changed in it is dropped."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session
