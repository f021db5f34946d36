"""The tables of sittings, of who is called to them, and of the mail that calls them.

Bodies and persons belong to the people slice and are known here by their ids only: nothing of them is ever
deleted, and a foreign key would tie the two slices' migrations together.
"""

from datetime import datetime

from sqlalchemy import DateTime, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from control_plane.database import UtcDateTime


class Series(SQLModel, table=True):
    """A recurring sitting: each occurrence is a Meeting of its own, this row is what they have in common.

    `rrule` is RFC 5545's, with UNTIL in UTC; `first_wall` is wall time in `zone`.
    """

    __tablename__ = "series"

    id: str = Field(primary_key=True)
    body_id: str = Field(index=True)
    rrule: str
    uid: str = Field(unique=True)
    zone: str
    first_wall: datetime = Field(sa_type=DateTime)
    duration_seconds: int
    sequence: int = 0
    created_by: str


class Meeting(SQLModel, table=True):
    """A booked sitting. What people agreed on is the wall time and the zone; the moments are derived from them.

    `version` rises with every change of the row, `sequence` with every change that invited people must hear
    of. `occurrence_wall` is where the series had put it first, which is its RECURRENCE-ID.
    """

    __tablename__ = "meeting"
    __table_args__ = (
        Index("ix_meeting_starts_at", "starts_at"),
        Index("ix_meeting_body_starts_at", "body_id", "starts_at"),
        UniqueConstraint("series_id", "occurrence_wall", name="uq_meeting_occurrence"),
    )

    id: str = Field(primary_key=True)
    body_id: str
    title: str
    classification: int
    state: str
    starts_wall: datetime = Field(sa_type=DateTime)
    ends_wall: datetime = Field(sa_type=DateTime)
    zone: str
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1
    uid: str = Field(index=True)
    sequence: int = 0
    series_id: str | None = Field(default=None, foreign_key="series.id")
    occurrence_wall: datetime | None = Field(default=None, sa_type=DateTime)
    short_notice_reason: str | None = None
    created_by: str
    changed_at: datetime = Field(sa_type=UtcDateTime)
    convened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class MeetingEdit(SQLModel, table=True):
    """Who made a meeting's `version`, and which fields they changed: what the loser of a race is told.

    `by` is a person's id, or "console"; `fields` are words parted by commas.
    """

    __tablename__ = "meeting_edit"

    meeting_id: str = Field(primary_key=True, foreign_key="meeting.id")
    version: int = Field(primary_key=True)
    by: str
    at: datetime = Field(sa_type=UtcDateTime)
    fields: str


class AgendaItem(SQLModel, table=True):
    """A point of the agenda; one that is not public is dealt with in camera."""

    __tablename__ = "agenda_item"
    __table_args__ = (UniqueConstraint("meeting_id", "position", name="uq_agenda_position"),)

    id: str = Field(primary_key=True)
    meeting_id: str = Field(foreign_key="meeting.id")
    position: int
    title: str
    public: bool


class Invitation(SQLModel, table=True):
    """Somebody with an account who was convened, in the function they had in the body when that was.

    An official of another body, who is named on the convocation all the same, has no function.
    """

    __tablename__ = "invitation"
    __table_args__ = (Index("ix_invitation_person", "person_id", "meeting_id"),)

    meeting_id: str = Field(primary_key=True, foreign_key="meeting.id")
    person_id: str = Field(primary_key=True)
    function: str | None = None


class Guest(SQLModel, table=True):
    """Somebody without account who may come to one meeting. Of their link only the SHA-256 is kept.

    Where it goes `by_mail`, the link is made when the letter leaves, so that no queue ever holds it.
    """

    __tablename__ = "guest"

    id: str = Field(primary_key=True)
    pseudonym: str = Field(unique=True)
    meeting_id: str = Field(foreign_key="meeting.id", index=True)
    kind: str
    name: str
    email: str
    organisation: str
    language: str
    by_mail: bool = False
    link_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    link_expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    admitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Mail(SQLModel, table=True):
    """A message on its way out: queued, sending, sent, failed or unknown (nobody knows if the relay took it).

    A worker claims a queued message by moving `not_before` to the end of its lease. `dedupe` says what the
    message is about, so that it can't be queued twice; `recipient` is the pseudonym the log knows.
    """

    __tablename__ = "mail"
    __table_args__ = (Index("ix_mail_due", "state", "not_before"),)

    id: str = Field(primary_key=True)
    dedupe: str = Field(unique=True)
    meeting_id: str | None = Field(default=None, foreign_key="meeting.id", index=True)
    guest_id: str | None = Field(default=None, foreign_key="guest.id")
    recipient: str
    sender: str
    address: str
    subject: str
    message: bytes = Field(sa_type=LargeBinary)
    state: str = "queued"
    attempts: int = 0
    not_before: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_answer: str = ""


class GuestDevice(SQLModel, table=True):
    """The one browser that used a guest's link; of its cookie only the SHA-256 is kept."""

    __tablename__ = "guest_device"

    guest_id: str = Field(primary_key=True, foreign_key="guest.id")
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    expires_at: datetime = Field(sa_type=UtcDateTime)
