"""What the doors of the meetings take and give as JSON. Wall times are naive and mean `zone`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime

from control_plane.meetings.service import (
    AgendaView,
    Booking,
    Changes,
    Conflict,
    GuestDetails,
    GuestInvitation,
    GuestView,
    Item,
    MeetingView,
)
from control_plane.policy import Classification, GuestKind

Text = Annotated[str, Field(max_length=500)]
ClassificationWord = Literal["public", "restricted", "confidential", "secret"]
Language = Literal["ar", "fr", "en", "zgh"]


def _to_the_second(wall: datetime) -> datetime:
    if wall.microsecond:
        raise ValueError("a wall time is given to the second")
    return wall


Wall = Annotated[NaiveDatetime, AfterValidator(_to_the_second)]


class Given(BaseModel):
    """What somebody sends us: unknown fields are refused, so that a misspelt one isn't lost."""

    model_config = ConfigDict(extra="forbid")


class ItemShape(Given):
    """A point of the agenda."""

    title: Text
    public: bool = True

    def item(self) -> Item:
        return Item(self.title, self.public)


class BookingShape(Given):
    """A sitting, or with `rrule` a series of them; zone and classification are the body's when not given."""

    body_id: Text
    title: Text
    starts_wall: Wall
    ends_wall: Wall
    zone: Text = ""
    classification: ClassificationWord | None = None
    agenda: list[ItemShape] = []
    rrule: Text = ""
    accept_conflicts: bool = False

    def booking(self) -> Booking:
        return Booking(
            self.body_id,
            self.title,
            self.starts_wall,
            self.ends_wall,
            self.zone,
            _classification(self.classification),
            [item.item() for item in self.agenda],
        )


class ChangesShape(Given):
    """What is to be different; what isn't given stays."""

    title: Text | None = None
    starts_wall: Wall | None = None
    ends_wall: Wall | None = None
    zone: Text | None = None
    classification: ClassificationWord | None = None
    agenda: list[ItemShape] | None = None
    reason: Text = ""
    accept_conflicts: bool = False

    def changes(self) -> Changes:
        agenda = None if self.agenda is None else [item.item() for item in self.agenda]
        return Changes(
            self.title,
            self.starts_wall,
            self.ends_wall,
            self.zone,
            _classification(self.classification),
            agenda,
        )


class ConveneShape(Given):
    """Why the notice is short, where it is, and whether conflicts are accepted."""

    reason: Text = ""
    accept_conflicts: bool = False


class CancelShape(Given):
    """Why the sitting won't take place."""

    reason: Text = ""


class GuestGiven(Given):
    """A guest to be invited."""

    kind: GuestKind
    name: Text
    email: Text = ""
    organisation: Text = ""
    language: Language = "fr"
    by_mail: bool = False
    expires_at: AwareDatetime | None = None

    def details(self) -> GuestDetails:
        return GuestDetails(self.kind, self.name, self.email, self.organisation, self.language)


class PersonGiven(Given):
    """An official to be named on the convocation."""

    person_id: Text


class LinkGiven(Given):
    """The secret of a guest's link."""

    token: Text


class MeetingShape(BaseModel):
    """A meeting."""

    id: str
    body_id: str
    title: str
    classification: ClassificationWord
    state: str
    starts_wall: datetime
    ends_wall: datetime
    zone: str
    starts_at: datetime
    ends_at: datetime
    version: int
    series_id: str | None

    @classmethod
    def of(cls, meeting: MeetingView) -> Self:
        fields = {name: getattr(meeting, name) for name in cls.model_fields}
        return cls(**{**fields, "classification": meeting.classification.name.lower()})


class MeetingInFull(MeetingShape):
    """A meeting with its agenda."""

    agenda: list[AgendaView] = []


class GuestShape(BaseModel):
    """A guest, as those who prepare the meeting see them."""

    id: str
    kind: GuestKind
    name: str
    language: str
    used: bool
    revoked: bool
    admitted: bool
    removed: bool

    @classmethod
    def of(cls, guest: GuestView) -> Self:
        return cls(**{name: getattr(guest, name) for name in cls.model_fields})


class InvitationShape(BaseModel):
    """A guest and, this once, their link; none where it goes to them by mail."""

    guest: GuestShape
    link: str | None

    @classmethod
    def of(cls, invitation: GuestInvitation, link: str | None) -> Self:
        return cls(guest=GuestShape.of(invitation.guest), link=link)


class PreviewShape(BaseModel):
    """What booking would make."""

    starts_at: Sequence[datetime]
    conflicts: Sequence[Conflict]


class SeriesShape(BaseModel):
    """A series and its sittings."""

    series_id: str
    meetings: list[MeetingShape]


class ArrivedShape(BaseModel):
    """The meeting that a guest's link leads to, and what they are called there."""

    meeting_id: str
    name: str
    language: str


def _classification(word: ClassificationWord | None) -> Classification | None:
    return None if word is None else Classification[word.upper()]
