"""Tables of what Jitsi is told and what it told us.

Meetings, persons and guests belong to other slices and are known here by their ids only.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index
from sqlmodel import Field, SQLModel

from control_plane.database import UtcDateTime


class Room(SQLModel, table=True):
    """The conference of a meeting: its unguessable name is known to Prosody and to whoever may join."""

    __tablename__ = "room"

    meeting_id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    locked: bool = False


class SigningKey(SQLModel, table=True):
    """A key that signs join tokens. The private half stays in the key directory."""

    __tablename__ = "signing_key"

    kid: str = Field(primary_key=True)
    public_pem: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class JoinToken(SQLModel, table=True):
    """A token that was given out: for one person or guest, one room, one use."""

    __tablename__ = "join_token"

    jti: str = Field(primary_key=True)
    meeting_id: str = Field(index=True)
    person_id: str | None = None
    guest_id: str | None = None
    strength: int
    certificate: bool
    zone: str
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Connection(SQLModel, table=True):
    """A client that showed a good token: who it is, how they signed in, and where they are now."""

    __tablename__ = "connection"
    __table_args__ = (Index("ix_connection_inside", "meeting_id", "joined_at"),)

    id: str = Field(primary_key=True)
    meeting_id: str
    person_id: str | None = None
    guest_id: str | None = None
    strength: int
    certificate: bool
    zone: str
    opened_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    waiting_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    joined_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Hold(SQLModel, table=True):
    """Somebody who was sent back to the lobby, or removed, by a moderator of this meeting."""

    __tablename__ = "hold"

    meeting_id: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    removed: bool
    since: datetime = Field(sa_type=UtcDateTime)


class NodeCursor(SQLModel, table=True):
    """How far a signalling host's events were counted: the next sequence number of its present spool."""

    __tablename__ = "node_cursor"

    node: str = Field(primary_key=True)
    epoch: str
    next_seq: int = Field(sa_type=BigInteger)


class Command(SQLModel, table=True):
    """What a signalling host must be told; kept until it answered."""

    __tablename__ = "command"
    __table_args__ = (Index("ix_command_due", "done_at", "not_before"),)

    id: str = Field(primary_key=True)
    meeting_id: str
    name: str
    arguments: dict[str, Any] = Field(sa_type=JSON)
    queued_at: datetime = Field(sa_type=UtcDateTime)
    not_before: datetime = Field(sa_type=UtcDateTime)
    attempts: int = 0
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str | None = None
