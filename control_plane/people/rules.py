"""What holds for people, bodies and passwords, whatever stores them."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from ipaddress import IPv4Address, ip_address, ip_network

from control_plane.policy import Classification, Duty, Function

LANGUAGES = ("ar", "fr", "en", "zgh")
#: as the locked tz database has them, whatever the host's own copy knows
ZONES = frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
SEATS = frozenset(Function) - {Function.clerk}
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256


class BodyKind(StrEnum):
    """What sort of body it is."""

    cabinet = "cabinet"
    committee = "committee"
    chamber = "chamber"
    ministerial_committee = "ministerial_committee"
    class_ = "class"
    external = "external"


class QuorumKind(StrEnum):
    """How a quorum is counted."""

    number = "number"
    percent = "percent"


class DetailsInvalid(Exception):
    """What was given for a body or a person can't be used; `field` says which, `why` is one word."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


class PasswordRefused(Exception):
    """The password is too easily guessed; `why` is too_short, too_long, well_known, repeats or holds_name."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the password is refused: {why}")
        self.why = why


class DutiesIncompatible(Exception):
    """One person may not hold both, `held` and `wanted`."""

    def __init__(self, held: str, wanted: str) -> None:
        super().__init__(f"nobody may be {wanted} and {held} at the same time")
        self.held = held
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class QuorumRule:
    """How many members must be there: a number of them, or a share in percent."""

    kind: QuorumKind
    value: int


@dataclass(frozen=True, slots=True)
class BodyDetails:
    """Everything about a body that its administrators decide; names by language, ar and fr at least."""

    kind: BodyKind
    names: Mapping[str, str]
    zone: str
    quorum: QuorumRule
    default: Classification
    highest: Classification
    notice_hours: int
    capacity: int

    def check(self) -> None:
        """Raise DetailsInvalid unless these details can be used."""
        check_names(self.names)
        if self.zone not in ZONES:
            raise DetailsInvalid("zone", "unknown")
        if self.quorum.value < 1 or (self.quorum.kind is QuorumKind.percent and self.quorum.value > 100):
            raise DetailsInvalid("quorum", "out_of_range")
        if self.default > self.highest:
            raise DetailsInvalid("default", "above_highest")
        if not 0 <= self.notice_hours <= 366 * 24:
            raise DetailsInvalid("notice_hours", "out_of_range")
        if not 2 <= self.capacity <= 10_000:
            raise DetailsInvalid("capacity", "out_of_range")


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """What is known of somebody with an account; names by language, ar and fr at least."""

    names: Mapping[str, str]
    email: str
    language: str

    def check(self) -> None:
        """Raise DetailsInvalid unless these details can be used."""
        check_names(self.names)
        if self.language not in LANGUAGES:
            raise DetailsInvalid("language", "unknown")
        local, at, domain = address(self.email).rpartition("@")
        if not (local and at and domain) or any(mark in self.email for mark in " ,;<>\"'"):
            raise DetailsInvalid("email", "not_an_address")


def check_names(names: Mapping[str, str]) -> None:
    """Raise DetailsInvalid unless there is a name in ar and fr, and each is one printable line."""
    for language, name in names.items():
        if language not in LANGUAGES:
            raise DetailsInvalid("names", "unknown_language")
        if len(name) > 200 or not name.isprintable():
            raise DetailsInvalid(f"name_{language}", "not_one_line")
    for language in ("ar", "fr"):
        if not names.get(language, "").strip():
            raise DetailsInvalid(f"name_{language}", "missing")


def address(email: str) -> str:
    """Return the one way an e-mail address is written here, so that one mailbox is one account.

    Empty for what can't be an address (RFC 5321, 4.5.3.1.3: 254 characters), which names no account.
    """
    written = unicodedata.normalize("NFKC", email[:1_000]).strip().casefold()
    return written if len(written) <= 254 and written.isprintable() else ""


def valid_at(valid_from: datetime, valid_until: datetime | None, at: datetime) -> bool:
    """Tell whether `at` lies in [valid_from, valid_until)."""
    return valid_from <= at and (valid_until is None or at < valid_until)


def overlap(first: tuple[datetime, datetime | None], second: tuple[datetime, datetime | None]) -> bool:
    """Tell whether two half-open stretches of time share a moment; None has no end."""
    return (second[1] is None or first[0] < second[1]) and (first[1] is None or second[0] < first[1])


def check_duty(wanted: Duty, duties: Collection[Duty], functions: Collection[Function]) -> None:
    """Raise DutiesIncompatible when what is held at the same time forbids the duty.

    Who could rewrite must not be who would notice: a security officer holds no other duty and clerks
    nothing; an administrator clerks nothing.
    """
    others = sorted(set(duties) - {wanted})
    if Duty.security_officer in (wanted, *others) and others:
        raise DutiesIncompatible(held=others[0], wanted=wanted)
    if Function.clerk in functions:
        raise DutiesIncompatible(held=Function.clerk, wanted=wanted)


def check_function(wanted: Function, duties: Collection[Duty]) -> None:
    """Raise DutiesIncompatible when a duty held at the same time forbids the function."""
    if wanted is Function.clerk and duties:
        raise DutiesIncompatible(held=min(duties), wanted=wanted)


def quorum_needed(rule: QuorumRule, members: int) -> int:
    """Return how many of `members` must be there: a share is rounded up, and it is never nobody."""
    if rule.kind is QuorumKind.number:
        return rule.value
    return max(1, -(-members * rule.value // 100))


def waiting_time(failures: int, *, free: int, longest: timedelta) -> timedelta:
    """Return how long to wait after the last failure: nothing for `free` of them, then 1 s, 2 s, 4 s …"""
    if failures < free:
        return timedelta(0)
    return min(longest, timedelta(seconds=2 ** min(failures - free, 30)))


def network_of(client: str) -> str:
    """Return whom to count a client address as: an IPv4 address, an IPv6 /56 (what one customer is given)."""
    try:
        ip = ip_address(client)
    except ValueError:
        return client
    if isinstance(ip, IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, 56), strict=False))


def password_text(password: str) -> str:
    """Return the form that is hashed, so that the same keys typed elsewhere give the same password.

    NIST SP 800-63B-4, 3.1.1.2: normalise (NFKC) before hashing, since an accent can be typed in two ways.
    """
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, personal: Iterable[str]) -> None:
    """Raise PasswordRefused for what is guessed first (NIST SP 800-63B: length and a list, no composition).

    `personal` holds names and addresses of whom it is for.
    """
    text = password_text(password)
    if len(text) < SHORTEST_PASSWORD:
        raise PasswordRefused("too_short")
    if len(text) > LONGEST_PASSWORD:
        raise PasswordRefused("too_long")
    folded = "".join(mark for mark in text.casefold() if mark.isalnum())
    if len(set(folded)) < 5:
        raise PasswordRefused("repeats")
    own = folded
    for known in WELL_KNOWN:
        own = own.replace(known, "")
    if own != folded and len(own) < 7:
        raise PasswordRefused("well_known")
    if any(part in folded for part in _parts(personal)):
        raise PasswordRefused("holds_name")


def _parts(personal: Iterable[str]) -> set[str]:
    """Names split into words; shorter than four letters would forbid too much."""
    words = "".join(mark if mark.isalnum() else " " for text in personal for mark in f"{text.casefold()} ")
    return {word for word in words.split() if len(word) >= 4}


# The words that lead the published lists and reach twelve characters with a little beside them, and ours.
WELL_KNOWN = (
    "password",
    "motdepasse",
    "123456789",
    "987654321",
    "qwertyuiop",
    "azertyuiop",
    "qwerty",
    "azerty",
    "abcdefgh",
    "letmein",
    "iloveyou",
    "welcome",
    "bienvenue",
    "administrator",
    "administrateur",
    "changeme",
    "majlis",
    "parlement",
    "gouvernement",
    "كلمةالسر",
    "كلمةالمرور",
)
