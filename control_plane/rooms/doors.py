"""What Prosody says and hears over HTTP: the shapes of the gate's questions and answers."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Word = Annotated[str, Field(max_length=256)]
Count = Annotated[int, Field(ge=0, le=2**53)]


class Question(BaseModel):
    """Unknown fields are passed over: a host may be a release ahead."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ConnectQuestion(Question):
    """A client connects with this token; `oversized` bytes were too many to send on."""

    token: Annotated[str, Field(max_length=16_384)]
    address: Word = ""
    oversized: Count = 0


class ConnectAnswer(BaseModel):
    """The connection to name when it joins, and the session fields that upstream's modules read."""

    connection: str
    username: str
    session: dict[str, Any]


class Refusal(BaseModel):
    """A word for programs, a sentence for the person."""

    code: str
    reason: str


class RoomQuestion(Question):
    """Somebody (or the focus) is about to create this conference."""

    room: Word
    jid: Annotated[str, Field(max_length=3_071)] = ""  # RFC 7622: three parts of 1,023 octets


class RoomAnswer(BaseModel):
    """The conference may be created; guests of it wait in the lobby, as the policies say."""

    lobby: bool


class JoinQuestion(Question):
    """An occupant is about to join the conference, or its lobby."""

    connection: Word | None = None
    room: Word
    lobby: bool = False


class JoinAnswer(BaseModel):
    """The verdict; `affiliation`, `role`, `name` and `seat` with admit, `reason` with the others."""

    verdict: Literal["admit", "lobby", "refuse"]
    affiliation: Literal["owner", "member"] | None = None
    role: Literal["moderator", "participant"] | None = None
    name: str | None = None
    seat: str | None = None
    reason: str | None = None
    policy: str | None = None


class EventShape(Question):
    """One thing that happened; `at` is milliseconds since 1970 UTC by the host's clock."""

    seq: Annotated[int, Field(ge=1, le=2**53)]
    at: Annotated[int, Field(ge=0, le=32_503_680_000_000)]
    kind: Word
    room: Word = ""
    connection: Word = ""
    role: Word = ""
    reason: Annotated[str, Field(max_length=4_096)] = ""

    def moment(self) -> datetime:
        """Return when it happened, in UTC."""
        return datetime.fromtimestamp(self.at / 1000, UTC)


class EventsQuestion(Question):
    """Events of one spool, in order."""

    node: Word
    epoch: Word
    events: Annotated[list[EventShape], Field(max_length=1_000)]


class EventsAnswer(BaseModel):
    """The sequence number to send next."""

    next: int
