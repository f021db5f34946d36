"""What the JSON of people and bodies holds, to and fro."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from control_plane.people.service import (
    BodyDetails,
    BodyKind,
    BodyView,
    Holding,
    PersonDetails,
    QuorumKind,
    QuorumRule,
    Standing,
    Term,
)
from control_plane.policy import Classification, Duty, Function

Language = Literal["ar", "fr", "en", "zgh"]
Level = Literal["public", "restricted", "confidential", "secret"]
#: as new_id() makes them; anything else is not worth asking the database about
Id = Annotated[str, Field(pattern=r"^[a-z2-7]{16}$")]
#: years that every database and calendar can hold
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(1990, 1, 1, tzinfo=UTC), le=datetime(2199, 12, 31, tzinfo=UTC))
]
Name = Annotated[str, Field(max_length=200)]
Secret = Annotated[str, Field(max_length=1_000)]


class Payload(BaseModel):
    """JSON that holds what it should and nothing more."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Credentials(Payload):
    """What somebody signs in with."""

    email: Annotated[str, Field(max_length=1_000)]
    password: Secret


class OwnPassword(Payload):
    """The present password and the one to come."""

    current: Secret
    new: Secret


class GivenPassword(Payload):
    """A password that an administrator gives."""

    password: Secret


class Quorum(Payload):
    """A number of members, or a share of them in percent."""

    kind: QuorumKind
    value: Annotated[int, Field(ge=1, le=10_000)]


class BodyPayload(Payload):
    """A body's names and rules; `notice_hours` before a sitting, `capacity` occupants at most."""

    kind: BodyKind
    names: dict[Language, Name]
    zone: Annotated[str, Field(max_length=64)]
    quorum: Quorum
    default: Level
    highest: Level
    notice_hours: Annotated[int, Field(ge=0, le=366 * 24)]
    capacity: Annotated[int, Field(ge=2, le=10_000)]

    def details(self) -> BodyDetails:
        """Return what the use cases take."""
        return BodyDetails(
            kind=self.kind,
            names={str(language): name for language, name in self.names.items()},
            zone=self.zone,
            quorum=QuorumRule(self.quorum.kind, self.quorum.value),
            default=Classification[self.default.upper()],
            highest=Classification[self.highest.upper()],
            notice_hours=self.notice_hours,
            capacity=self.capacity,
        )


class BodyShown(BodyPayload):
    """A body with its id."""

    id: str

    @classmethod
    def of(cls, body: BodyView) -> "BodyShown":
        """Return how a body is shown."""
        return cls(
            id=body.id,
            kind=BodyKind(body.kind),
            names=_names(body.names),
            zone=body.zone,
            quorum=Quorum(kind=body.quorum.kind, value=body.quorum.value),
            default=_level(body.default),
            highest=_level(body.highest),
            notice_hours=body.notice_hours,
            capacity=body.capacity,
        )


class PersonPayload(Payload):
    """What is known of somebody with an account."""

    names: dict[Language, Name]
    email: Annotated[str, Field(max_length=254)]
    language: Language

    def details(self) -> PersonDetails:
        """Return what the use cases take."""
        return PersonDetails(
            names={str(language): name for language, name in self.names.items()},
            email=self.email,
            language=self.language,
        )


class FunctionShown(Payload):
    """What somebody is in a body."""

    body: str
    function: Function


class PersonShown(PersonPayload):
    """Somebody as they stand now."""

    id: str
    disabled: bool
    functions: list[FunctionShown]
    duties: list[Duty]

    @classmethod
    def of(cls, standing: Standing) -> "PersonShown":
        """Return how a person is shown."""
        return cls(
            id=standing.id,
            names=_names(standing.names),
            email=standing.email,
            language=_language(standing.language),
            disabled=standing.disabled,
            functions=[FunctionShown(body=body, function=held) for body, held in sorted(standing.functions)],
            duties=sorted(standing.duties),
        )


class MembershipPayload(Payload):
    """A function in a body; without dates it begins now and has no end."""

    person_id: Id
    function: Function
    substitute_for: Id | None = None
    begins: Moment | None = None
    ends: Moment | None = None

    def term(self, now: datetime) -> Term:
        """Return the dates."""
        return Term(self.begins or now, self.ends)


class MembershipShown(Payload):
    """A membership with its dates."""

    id: str
    person_id: str
    function: Function
    substitute_for: str | None
    begins: datetime
    ends: datetime | None

    @classmethod
    def of(cls, holding: Holding) -> "MembershipShown":
        """Return how a membership is shown."""
        return cls(
            id=holding.id,
            person_id=holding.person_id,
            function=holding.function,
            substitute_for=holding.substitute_for,
            begins=holding.begins,
            ends=holding.ends,
        )


class EndPayload(Payload):
    """When a membership ends; now if it doesn't say."""

    at: Moment | None = None


class Created(Payload):
    """The id of what was made."""

    id: str


class Changed(Payload):
    """The names of the fields that are different now."""

    fields: list[str]


class Ended(Payload):
    """How many sessions were ended."""

    sessions: int


class Refusal(Payload):
    """Why nobody was signed in: `credentials`, or `wait` for so many seconds."""

    why: Literal["credentials", "wait"]
    seconds: int = 0

    @classmethod
    def after(cls, wait: timedelta) -> "Refusal":
        """Return what to say to whoever was turned away."""
        if not wait:
            return cls(why="credentials")
        return cls(why="wait", seconds=-(-wait // timedelta(seconds=1)))


def _names(names: Mapping[str, str]) -> dict[Language, str]:
    return {_language(language): name for language, name in names.items()}


def _language(language: str) -> Language:
    languages: dict[str, Language] = {"ar": "ar", "fr": "fr", "en": "en", "zgh": "zgh"}
    return languages[language]


def _level(classification: Classification) -> Level:
    levels: tuple[Level, ...] = ("public", "restricted", "confidential", "secret")
    return levels[classification]


class CalendarAddress(BaseModel):
    """The secret address of a person's calendar, shown this once."""

    address: str
