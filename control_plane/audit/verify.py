"""Recomputing the whole log from what is stored, and naming the first thing that does not fit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from control_plane.audit.checkpoint import CheckpointInvalid, Verifier
from control_plane.audit.entries import Canonical, Entry, LeafUnreadable, seal
from control_plane.audit.models import LogCheckpoint, LogEntry, LogHead, LogReadable
from control_plane.audit.service import HEAD, microseconds
from control_plane.audit.tree import Frontier, leaf_hash

CHUNK = 5_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Sound:
    """Everything fits: `size` entries under `root`, `erased` of them without their readable part."""

    size: int
    root: bytes
    checkpoints: int
    erased: int


@dataclass(frozen=True, slots=True)
class Broken:
    """The first thing that does not fit: the entry's position (counted from 0) and what is wrong with it."""

    position: int
    what: str


@dataclass(frozen=True, slots=True)
class _Row:
    position: int
    at: datetime
    kind: int
    meeting: str | None
    leaf: bytes
    leaf_hash: bytes
    salt: bytes | None
    text: bytes | None


def verify(
    engine: Engine, verifier: Verifier, progress: Progress = lambda _done, _size: None
) -> Sound | Broken:
    """Check every entry, its readable part, every signed tree head and the end of the log.

    Memory stays flat whatever the log's size. `progress(done, size)` is called once a chunk.
    """
    with Session(engine) as session:
        head = session.execute(
            select(col(LogHead.size), col(LogHead.frontier)).where(col(LogHead.id) == HEAD)
        ).one()
        return _Verification(session, verifier, head.size, head.frontier, progress).run()


class _Unreadable(Exception):
    """The next row can't even be read."""


_ROWS = (
    select(
        col(LogEntry.position),
        col(LogEntry.at),
        col(LogEntry.kind),
        col(LogEntry.meeting),
        col(LogEntry.leaf),
        col(LogEntry.leaf_hash),
        col(LogReadable.salt),
        col(LogReadable.text),
    )
    .join(LogReadable, col(LogReadable.position) == col(LogEntry.position), isouter=True)
    .order_by(col(LogEntry.position))
)


class _Verification:
    def __init__(
        self, session: Session, verifier: Verifier, size: int, end: bytes, progress: Progress
    ) -> None:
        self.session, self.verifier, self.progress = session, verifier, progress
        self.size, self.end = size, end
        self.frontier = Frontier()
        self.checkpoints = self.erased = 0
        self.confirmed = 0  # everything before this position is under a signature that held

    def run(self) -> Sound | Broken:
        try:
            return self._run()
        except _Unreadable as error:
            return Broken(self.frontier.size, f"the entry was altered: it can't be read ({error})")

    def _run(self) -> Sound | Broken:
        notes = self._notes()
        due = next(notes, None)
        for row in self._rows():
            wrong = self._wrong_entry(row)
            if wrong:
                return Broken(self.frontier.size, wrong)
            self.frontier.append(row.leaf_hash)
            if due is not None and due[0] == self.frontier.size:
                wrong = self._wrong_checkpoint(due[1])
                if wrong:
                    return Broken(self.confirmed, wrong)
                due = next(notes, None)
        if due is not None or self.frontier.size < self.size:
            return Broken(self.frontier.size, "the entry is missing: the signed log is longer")
        if self.confirmed < self.frontier.size:
            return Broken(self.confirmed, "no signed checkpoint covers the entry")
        return self._end()

    def _end(self) -> Sound | Broken:
        if self.end != self.frontier.packed():
            return Broken(self.frontier.size, "the log's end does not fit its entries")
        # Read in one statement: others may append meanwhile.
        beyond = select(func.max(LogEntry.position)).scalar_subquery()
        size, newest = self.session.execute(
            select(col(LogHead.size), beyond).where(col(LogHead.id) == HEAD)
        ).one()
        if newest is not None and newest >= size:
            return Broken(size, "the entry was added outside the signed log")
        return Sound(self.frontier.size, self.frontier.root(), self.checkpoints, self.erased)

    def _rows(self) -> Iterator[_Row]:
        """Yield all rows in order, a chunk a query (a server-side cursor would hold a snapshot open for hours).

        Raises _Unreadable at the first row that holds something else than its columns' types, which SQLite
        lets anybody store; a chunk that can't be read is read row by row to find it.
        """
        after, chunk = -1, CHUNK
        while True:
            try:
                rows = self._chunk(after, chunk)
            except (TypeError, ValueError) as error:
                if chunk == 1:
                    raise _Unreadable(str(error)) from error
                chunk = 1
                continue
            if not rows:
                return
            yield from rows
            after = rows[-1].position
            self.progress(self.frontier.size, self.size)

    def _chunk(self, after: int, limit: int) -> list[_Row]:
        query = _ROWS.where(col(LogEntry.position) > after, col(LogEntry.position) < self.size).limit(limit)
        rows = [_Row(*row) for row in self.session.execute(query)]
        for row in rows:
            if not (
                isinstance(row.leaf, bytes)
                and isinstance(row.leaf_hash, bytes)
                and isinstance(row.at, datetime)
            ):
                raise TypeError("a column holds something else than its type")
            if not all(isinstance(part, bytes | None) for part in (row.salt, row.text)):
                raise TypeError("the readable part holds something else than bytes")
        return rows

    def _notes(self) -> Iterator[tuple[int, str]]:
        after = 0
        while True:
            query = (
                select(col(LogCheckpoint.size), col(LogCheckpoint.note))
                .where(col(LogCheckpoint.size) > after, col(LogCheckpoint.size) <= self.size)
                .order_by(col(LogCheckpoint.size))
                .limit(CHUNK)
            )
            notes = self.session.execute(query).all()
            if not notes:
                return
            yield from ((size, note) for size, note in notes)
            after = notes[-1][0]

    def _wrong_entry(self, row: _Row) -> str | None:
        if row.position != self.frontier.size:
            return f"the entry is missing: position {row.position} follows"
        if leaf_hash(row.leaf) != row.leaf_hash:
            return "the entry was altered: its bytes do not fit their hash"
        try:
            entry = Canonical.entry(row.leaf)
        except LeafUnreadable as error:
            return f"the entry can't be read: {error}"
        if (row.kind, row.meeting or "") != (
            type(entry).__struct_config__.tag,
            entry.meeting,
        ) or microseconds(row.at) != entry.at:
            return "the entry's searchable columns do not fit its bytes"
        return self._wrong_readable(row, entry)

    def _wrong_readable(self, row: _Row, entry: Entry) -> str | None:
        if row.text is None or row.salt is None:
            self.erased += bool(entry.sealed)
            return None
        if seal(row.salt, row.text) != entry.sealed:
            return "the readable part was altered: it does not fit the entry"
        return None

    def _wrong_checkpoint(self, note: str) -> str | None:
        last = self.frontier.size - 1
        try:
            checkpoint = self.verifier.open(str(note))
        except CheckpointInvalid as error:
            return f"the checkpoint over {self.frontier.size} entries is not this log's: {error}"
        if (checkpoint.size, checkpoint.root) != (self.frontier.size, self.frontier.root()):
            where = f"entries {self.confirmed} to {last}" if last > self.confirmed else f"entry {last}"
            return f"{where} altered or reordered: the signed checkpoint has another root"
        self.checkpoints += 1
        self.confirmed = self.frontier.size
        return None
