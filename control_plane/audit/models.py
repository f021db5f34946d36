"""The log's tables: only ever appended to, but for the one row that says where the log ends."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlmodel import Field, SQLModel

from control_plane.database import UtcDateTime


class LogEntry(SQLModel, table=True):
    """One leaf. What stands beside `leaf` repeats it for searching, and verification compares both."""

    __tablename__ = "log_entry"
    __table_args__ = (Index("ix_log_entry_meeting", "meeting", "position"),)

    position: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UtcDateTime)
    kind: int
    meeting: str | None = None
    leaf: bytes = Field(sa_type=LargeBinary)
    leaf_hash: bytes = Field(sa_type=LargeBinary)


class LogReadable(SQLModel, table=True):
    """The readable part of an entry, outside the leaf so that it can be destroyed."""

    __tablename__ = "log_readable"

    position: int = Field(
        primary_key=True,
        foreign_key="log_entry.position",
        sa_type=BigInteger,
        sa_column_kwargs={"autoincrement": False},
    )
    salt: bytes = Field(sa_type=LargeBinary)
    text: bytes = Field(sa_type=LargeBinary)


class LogCheckpoint(SQLModel, table=True):
    """The signed tree head after each commit."""

    __tablename__ = "log_checkpoint"

    size: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UtcDateTime)
    note: str


class LogHead(SQLModel, table=True):
    """Where the log ends. Whoever appends holds this row until their commit, so order is decided once."""

    __tablename__ = "log_head"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    size: int = Field(sa_type=BigInteger)
    frontier: bytes = Field(sa_type=LargeBinary)
