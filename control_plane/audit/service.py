"""Appending to the log and reading it back."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import structs
from sqlalchemy import insert, select, update
from sqlmodel import Session, SQLModel, col

from control_plane.audit.checkpoint import Signer
from control_plane.audit.entries import Canonical, Entry, Readable, seal
from control_plane.audit.models import LogCheckpoint, LogEntry, LogHead, LogReadable
from control_plane.audit.tree import Frontier, leaf_hash

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HEAD = 1
SALT_BYTES = 16


class LogNotStarted(Exception):
    """The database has no log head: its schema was never brought up to date with `majlis setup`."""


@dataclass(frozen=True, slots=True)
class Record:
    """An entry as it stands in the log, with what may be read beside it (empty once destroyed)."""

    position: int
    at: datetime
    entry: Entry
    readable: dict[str, Any]


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970 UTC, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def append(
    session: Session, signer: Signer, now: datetime, entries: Sequence[tuple[Entry, Readable | None]]
) -> int:
    """Add entries at the end of the log, sign the new tree head, and return the log's new size.

    Belongs to the caller's transaction and locks the head until it ends; everybody else who appends
    waits. Raises LeafTooLarge, LogNotStarted.
    """
    head = session.execute(_HEAD).one_or_none()
    if head is None:
        raise LogNotStarted("no log head in the database; run `majlis setup`")
    frontier = Frontier.parse(*head)
    leaves, readables = [], []
    for entry, readable in entries:
        leaf, kept = _leaf(entry, readable, now)
        digest = leaf_hash(leaf)
        if kept is not None:
            readables.append({"position": frontier.size, **kept})
        leaves.append(
            {
                "position": frontier.size,
                "at": now,
                "kind": type(entry).__struct_config__.tag,
                "meeting": entry.meeting or None,
                "leaf": leaf,
                "leaf_hash": digest,
            }
        )
        frontier.append(digest)
    session.execute(_INSERT_ENTRIES, leaves)
    if readables:
        session.execute(_INSERT_READABLES, readables)
    note = signer.sign(frontier.size, frontier.root())
    session.execute(_INSERT_CHECKPOINT, {"size": frontier.size, "at": now, "note": note})
    session.execute(_MOVE_HEAD, {"size": frontier.size, "frontier": frontier.packed()})
    return frontier.size


# Core statements on the tables: the ORM's bulk insert took a twelfth of the gate's time.
_TABLES = SQLModel.metadata.tables
_HEAD = select(col(LogHead.size), col(LogHead.frontier)).where(col(LogHead.id) == HEAD).with_for_update()
_MOVE_HEAD = update(_TABLES["log_head"]).where(col(LogHead.id) == HEAD)
_INSERT_ENTRIES = insert(_TABLES["log_entry"])
_INSERT_READABLES = insert(_TABLES["log_readable"])
_INSERT_CHECKPOINT = insert(_TABLES["log_checkpoint"])


def _leaf(entry: Entry, readable: Readable | None, now: datetime) -> tuple[bytes, dict[str, bytes] | None]:
    if not readable:
        return Canonical.leaf(structs.replace(entry, at=microseconds(now))), None
    salt, text = secrets.token_bytes(SALT_BYTES), Canonical.readable(readable)
    return Canonical.leaf(structs.replace(entry, at=microseconds(now), sealed=seal(salt, text))), {
        "salt": salt,
        "text": text,
    }


def latest(
    session: Session, *, limit: int, meeting: str | None = None, before: int | None = None
) -> list[Record]:
    """Return the newest records first, of one meeting or of all, older than position `before` when given."""
    query = (
        select(col(LogEntry.position), col(LogEntry.at), col(LogEntry.leaf), col(LogReadable.text))
        .join(LogReadable, col(LogReadable.position) == col(LogEntry.position), isouter=True)
        .order_by(col(LogEntry.position).desc())
        .limit(limit)
    )
    if meeting is not None:
        query = query.where(col(LogEntry.meeting) == meeting)
    if before is not None:
        query = query.where(col(LogEntry.position) < before)
    return [
        Record(position, at, Canonical.entry(leaf), json.loads(text) if text else {})
        for position, at, leaf, text in session.execute(query)
    ]


def newest_checkpoint(session: Session) -> LogCheckpoint | None:
    """Return the last signed tree head, or None while the log is empty."""
    return session.scalars(select(LogCheckpoint).order_by(col(LogCheckpoint.size).desc()).limit(1)).first()
