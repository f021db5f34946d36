"""Tables of people, bodies and who is signed in. Enumerated values are kept as their words or numbers."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlmodel import Field, SQLModel

from control_plane.database import UtcDateTime, new_id


class Body(SQLModel, table=True):
    """A cabinet, committee, chamber, ministerial committee, class or external organisation."""

    __tablename__ = "body"

    id: str = Field(default_factory=new_id, primary_key=True)
    kind: str
    name_ar: str
    name_fr: str
    name_en: str = ""
    name_zgh: str = ""
    zone: str  # IANA
    quorum_kind: str
    quorum_value: int
    default_classification: int
    highest_classification: int
    notice_hours: int
    capacity: int  # occupants at most


class Person(SQLModel, table=True):
    """Somebody with an account. The log knows them by `pseudonym` only, so it can forget who that was."""

    __tablename__ = "person"

    id: str = Field(default_factory=new_id, primary_key=True)
    pseudonym: str = Field(default_factory=new_id, unique=True)
    name_ar: str
    name_fr: str
    name_en: str = ""
    name_zgh: str = ""
    email: str = Field(unique=True)  # as rules.address() writes it
    language: str
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    feed_token_hash: bytes | None = Field(default=None, sa_type=LargeBinary, unique=True)


class Membership(SQLModel, table=True):
    """A function in a body from `valid_from` on, up to but without `valid_until`."""

    __tablename__ = "membership"
    __table_args__ = (
        Index("ix_membership_person", "person_id", "valid_from"),
        Index("ix_membership_body", "body_id", "valid_from"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id")
    body_id: str = Field(foreign_key="body.id")
    function: str
    substitute_for: str | None = Field(default=None, foreign_key="person.id")
    valid_from: datetime = Field(sa_type=UtcDateTime)
    valid_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DutyHeld(SQLModel, table=True):
    """A duty in the whole appliance, with the same kind of dates as a membership."""

    __tablename__ = "duty_held"
    __table_args__ = (Index("ix_duty_held_person", "person_id", "valid_from"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id")
    duty: str
    valid_from: datetime = Field(sa_type=UtcDateTime)
    valid_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Password(SQLModel, table=True):
    """An Argon2id hash, which carries its own salt and cost."""

    __tablename__ = "password"

    person_id: str = Field(primary_key=True, foreign_key="person.id")
    hash: str
    changed_at: datetime = Field(sa_type=UtcDateTime)


class BrowserSession(SQLModel, table=True):
    """A signed-in browser. Only the SHA-256 of its token is here: who reads the table can't use it."""

    __tablename__ = "browser_session"

    id: str = Field(default_factory=new_id, primary_key=True)
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    strength: int
    certificate: bool
    zone: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class KnownDevice(SQLModel, table=True):
    """A browser that once signed in as this person, so strangers' failures are not counted against it."""

    __tablename__ = "known_device"

    token_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)


class SignInAttempts(SQLModel, table=True):
    """Failures counted against one budget. `budget` is a keyed hash: no address or account in clear."""

    __tablename__ = "sign_in_attempts"

    budget: bytes = Field(sa_type=LargeBinary, primary_key=True)
    failures: int = 0
    last_at: datetime = Field(sa_type=UtcDateTime, index=True)
