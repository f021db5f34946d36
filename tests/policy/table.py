"""Reads decisions.txt: the words of its columns, and nothing else, become facts."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from control_plane.policy import (
    Action,
    BodyFacts,
    Classification,
    Duty,
    Function,
    GuestFacts,
    GuestKind,
    LogFacts,
    MeetingFacts,
    PersonFacts,
    Principal,
    Question,
    Resource,
    SignIn,
    SiteFacts,
    State,
    Strength,
)

TABLE = Path(__file__).with_name("decisions.txt")
STARTS = datetime(2026, 11, 24, 10, tzinfo=UTC)
ENDS = STARTS + timedelta(hours=2)
HERE, ELSEWHERE = "the-body", "another-body"
UNDECIDED = "could not be decided"

Facts = Callable[[PersonFacts], PersonFacts]
STRENGTHS = {
    "link": Strength.LINK,
    "password": Strength.PASSWORD,
    "two-factor": Strength.TWO_FACTOR,
    "passkey": Strength.PHISHING_RESISTANT,
}
NOBODY = PersonFacts("somebody", frozenset(), frozenset(), False, False)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    line: int
    who: str
    action: str
    what: str
    when: str
    sign_in: str
    verdict: str
    policies: str

    @property
    def name(self) -> str:
        """Return the line as a sentence."""
        return f"{self.line}: {self.who}, {self.action}, {self.what}, {self.when}, {self.sign_in}"

    def question(self) -> Question:
        """Return what the line asks (raises KeyError or ValueError for a word that isn't known)."""
        return Question(
            principal(self.who),
            Action(self.action),
            resource(self.what),
            sign_in(self.sign_in),
            moment(self.when),
        )


def rows() -> list[Row]:
    """Return the rows of the table in order."""
    lines = TABLE.read_text().splitlines()
    cells = [(number, line.split("|")) for number, line in enumerate(lines, 1) if "|" in line]
    found = [Row(number, *(cell.strip() for cell in row)) for number, row in cells]
    return found[1:]  # the first is the heading


def principal(who: str) -> Principal:
    """Return the facts of "chair", "substitute for an absent member", "witness waiting", "invited official"…"""
    kind, _, rest = who.partition(" ")
    if kind in set(GuestKind):
        meeting = "another-meeting" if rest == "of another meeting" else "the-meeting"
        return GuestFacts("guest", meeting, GuestKind(kind), rest != "waiting")
    person = NOBODY
    for part in re.split(r" and |, ", who):
        person = PEOPLE[part](person)
    return person


def _function(function: Function, body: str = HERE) -> Facts:
    return lambda person: replace(person, functions=person.functions | {(body, function)})


def _duty(duty: Duty) -> Facts:
    return lambda person: replace(person, duties=person.duties | {duty})


def _substitute(*, absent: bool) -> Facts:
    return lambda person: replace(_function(Function.substitute)(person), represented_absent=absent)


def _invited(person: PersonFacts) -> PersonFacts:
    return replace(person, invited=True)


PEOPLE: dict[str, Facts] = {
    **{function.value.replace("_", "-"): _function(function) for function in Function},
    **{f"{function.value} of another body": _function(function, ELSEWHERE) for function in Function},
    "substitute for an absent member": _substitute(absent=True),
    "substitute for a present member": _substitute(absent=False),
    "security officer": _duty(Duty.security_officer),
    "administrator": _duty(Duty.administrator),
    "official": lambda person: person,
    # What a mistaken caller might say of somebody who is no substitute.
    "replacing an absent member": lambda person: replace(person, represented_absent=True),
    "invited": _invited,
    "invited official": _invited,
    "invited security officer": lambda person: _invited(_duty(Duty.security_officer)(person)),
}


def resource(what: str) -> Resource:
    """Return "the log", "the site", "the body committee" or "restricted committee open[, highest public]"."""
    if what == "the log":
        return LogFacts("log")
    if what == "the site":
        return SiteFacts("site")
    if what.startswith("the body "):
        return BodyFacts(HERE, what.removeprefix("the body "), Classification.SECRET)
    named, _, highest = what.partition(", highest ")
    classification, kind, state = named.split()
    body = BodyFacts(HERE, kind, Classification[(highest or "secret").upper()])
    return MeetingFacts(
        "the-meeting", body, Classification[classification.upper()], State(state), STARTS, ENDS
    )


def sign_in(how: str) -> SignIn:
    """Return "password government" or "passkey certificate internet"."""
    strength, *certificate, zone = how.split()
    if certificate not in ([], ["certificate"]):
        raise ValueError(how)
    return SignIn(STRENGTHS[strength], bool(certificate), zone)


def moment(when: str) -> datetime:
    """Return "start", "start-31m", "end+4h1m" or "start-9d"."""
    found = re.fullmatch(r"(start|end)(?:([+-])(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?)?", when)
    if found is None:
        raise ValueError(when)
    begin, sign, days, hours, minutes = found.groups()
    offset = timedelta(days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0))
    return (STARTS if begin == "start" else ENDS) + (-offset if sign == "-" else offset)
