"""What Prosody says over HTTP: the shapes of its questions, checked as they are read.

Unknown fields are passed over: a host may be a release ahead.
"""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct

Word = Annotated[str, Meta(max_length=256)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class ConnectQuestion(Struct, frozen=True):
    """A client connects with this token; `oversized` bytes were too many to send on."""

    token: Annotated[str, Meta(max_length=16_384)]
    address: Word = ""
    oversized: Count = 0


class RoomQuestion(Struct, frozen=True):
    """Somebody (or the focus) is about to create this conference."""

    room: Word


class JoinQuestion(Struct, frozen=True):
    """An occupant is about to join the conference or, with `lobby`, its lobby."""

    connection: Word | None
    room: Word
    lobby: bool = False


class EventShape(Struct, frozen=True):
    """One thing that happened; `at` is milliseconds since 1970 UTC by the host's clock, at most the year 3000."""

    seq: Annotated[int, Meta(ge=1, le=2**53)]
    at: Annotated[int, Meta(ge=0, le=32_503_680_000_000)]
    kind: Word
    room: Word = ""
    connection: Word = ""
    role: Word = ""
    reason: Annotated[str, Meta(max_length=4_096)] = ""

    def moment(self) -> datetime:
        """Return when it happened, in UTC."""
        return datetime.fromtimestamp(self.at / 1000, UTC)


class EventsQuestion(Struct, frozen=True):
    """Events of one spool, in order."""

    node: Word
    epoch: Word
    events: Annotated[list[EventShape], Meta(max_length=1_000)]
