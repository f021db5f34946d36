"""What the policies are told: who asks, what for, about what, signed in how, and when."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum


class Classification(IntEnum):
    """How secret a meeting is."""

    PUBLIC = 0
    RESTRICTED = 1
    CONFIDENTIAL = 2
    SECRET = 3


class Strength(IntEnum):
    """How strongly somebody signed in; each includes the weaker ones."""

    LINK = 0
    PASSWORD = 1
    TWO_FACTOR = 2
    PHISHING_RESISTANT = 3


class Function(StrEnum):
    """What a person is in a body."""

    chair = "chair"
    vice_chair = "vice_chair"
    rapporteur = "rapporteur"
    member = "member"
    substitute = "substitute"
    clerk = "clerk"


class Duty(StrEnum):
    """What a person is in the whole appliance."""

    security_officer = "security_officer"
    administrator = "administrator"


class State(StrEnum):
    """Where a meeting is in its life: draft → convened → open ⇄ in camera → closed; or cancelled."""

    draft = "draft"
    convened = "convened"
    open = "open"
    in_camera = "in_camera"
    closed = "closed"
    cancelled = "cancelled"


class GuestKind(StrEnum):
    """Why somebody without an account was invited."""

    witness = "witness"
    expert = "expert"
    interpreter = "interpreter"
    press = "press"
    observer = "observer"


class Action(StrEnum):
    """What can be asked; the value is the action's name in the schema."""

    book = "book"
    edit = "edit"
    convene = "convene"
    cancel = "cancel"
    invite_guest = "invite_guest"
    open = "open"
    close = "close"
    move_in_camera = "move_in_camera"
    move_out_of_camera = "move_out_of_camera"
    enter = "enter"
    wait = "wait"
    moderate = "moderate"
    admit = "admit"
    remove = "remove"
    record = "record"
    broadcast = "broadcast"
    chat = "chat"
    share_files = "share_files"
    share_screen = "share_screen"
    read_meeting = "read_meeting"
    read_log = "read_log"
    manage_people = "manage_people"
    manage_policies = "manage_policies"
    manage_site = "manage_site"


@dataclass(frozen=True, slots=True)
class SignIn:
    """How somebody signed in; `zone` is "government", "parliament" or "internet"."""

    strength: Strength
    certificate: bool
    zone: str


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A person with an account.

    `functions` holds (body, function) of memberships valid now. In the meeting
    asked about, `represented_absent` says that the member whom this substitute
    replaces isn't there, `invited` that the person is named on its convocation
    in their own right. Whoever was convened as a member is not `invited`: when
    the membership ends, so must the way in.
    """

    id: str
    functions: frozenset[tuple[str, Function]]
    duties: frozenset[Duty]
    represented_absent: bool
    invited: bool


@dataclass(frozen=True, slots=True)
class GuestFacts:
    """Somebody without an account; `admitted` says that a moderator let them in, for this sitting."""

    id: str
    meeting: str
    kind: GuestKind
    admitted: bool


@dataclass(frozen=True, slots=True)
class BodyFacts:
    """A body; `kind` is cabinet, committee, chamber, ministerial_committee, class or external."""

    id: str
    kind: str
    highest: Classification


@dataclass(frozen=True, slots=True)
class MeetingFacts:
    """A meeting as it stands now; `starts` and `ends` know their zone."""

    id: str
    body: BodyFacts
    classification: Classification
    state: State
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class LogFacts:
    """The record of decisions and changes."""

    id: str


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """The appliance itself."""

    id: str


Principal = PersonFacts | GuestFacts
Resource = MeetingFacts | BodyFacts | LogFacts | SiteFacts


@dataclass(frozen=True, slots=True)
class Question:
    """May this principal do this action on this resource, signed in so, at this moment (with a zone)?"""

    principal: Principal
    action: Action
    resource: Resource
    sign_in: SignIn
    now: datetime
