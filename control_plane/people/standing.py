"""What a person is at a moment, and what a body is: the reads that every other slice builds on.

They stand on the gate's path, so each is one prepared statement whatever the number asked for, and reads
columns, not objects.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, or_, select
from sqlmodel import Session, col

from control_plane.database import UtcDateTime
from control_plane.people.models import Body, DutyHeld, Membership, Person
from control_plane.people.rules import LANGUAGES, QuorumKind, QuorumRule, address
from control_plane.permission import Actor
from control_plane.policy import BodyFacts, Classification, Duty, Function, PersonFacts, SignIn


class AccountDisabled(Exception):
    """The account may do nothing any more."""


class NoSuchPerson(Exception):
    """Nobody has this id."""


class NoSuchBody(Exception):
    """No body has this id."""


_Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """A person as they stand at one moment.

    `functions` holds (body id, function), `substitutes_for` the member they replace by body id; `names` has
    ar and fr always, en and zgh when known. Whoever lets people in must look at `disabled`.
    """

    id: str
    pseudonym: str
    names: Mapping[str, str]
    email: str
    language: str
    disabled: bool
    functions: frozenset[tuple[str, Function]]
    duties: frozenset[Duty]
    substitutes_for: Mapping[str, str]

    def name_in(self, language: str) -> str:
        """Return the name in that language, else in Latin letters as in French."""
        return self.names.get(language) or self.names["fr"]


@dataclass(frozen=True, slots=True)
class Seat:
    """A function that somebody holds in a body; `substitute_for` is the person a substitute replaces."""

    person_id: str
    function: Function
    substitute_for: str | None


@dataclass(frozen=True, slots=True)
class BodyView:
    """A body's names and rules; `notice_hours` before a sitting, `capacity` occupants at most."""

    id: str
    kind: str
    names: Mapping[str, str]
    zone: str
    quorum: QuorumRule
    default: Classification
    highest: Classification
    notice_hours: int
    capacity: int

    def facts(self) -> BodyFacts:
        """Return what the policies may know of it."""
        return BodyFacts(self.id, self.kind, self.highest)

    def name_in(self, language: str) -> str:
        """Return the name in that language, else in French."""
        return self.names.get(language) or self.names["fr"]


def standings(session: Session, person_ids: Collection[str], at: datetime) -> dict[str, Standing]:
    """Return what these people are at that moment (one statement); unknown ids are left out."""
    if not person_ids:
        return {}
    rows = session.execute(_STANDINGS, {"ids": list(person_ids), "at": at})
    return _gather(rows.all())


def everybody(session: Session, at: datetime) -> list[Standing]:
    """Return what all people with an account are at that moment, by their French names (one statement)."""
    people = _gather(session.execute(_EVERYBODY, {"at": at}).all())
    return sorted(people.values(), key=lambda person: person.names["fr"].casefold())


def find_person(session: Session, who: str, at: datetime) -> Standing | None:
    """Return the person with this e-mail address or id, as they stand at that moment."""
    # PostgreSQL takes no NUL in a text, and no id holds anything that an address couldn't.
    rows = session.execute(_WHO, {"email": address(who), "id": address(who), "at": at})
    return next(iter(_gather(rows.all()).values()), None)


def names_of_pseudonyms(session: Session, pseudonyms: Collection[str]) -> dict[str, Mapping[str, str]]:
    """Return the names, by language, of those whom the log calls so; unknown ones are left out (one statement)."""
    if not pseudonyms:
        return {}
    rows = session.execute(_NAMES, {"pseudonyms": list(pseudonyms)})
    return {pseudonym: _names(names) for pseudonym, *names in rows}


def members_of(session: Session, body_ids: Collection[str], at: datetime) -> dict[str, list[Seat]]:
    """Return who holds which function in these bodies at that moment, clerks and disabled accounts included.

    One statement; every body asked for has a key. Ordered by person, so that a list compares.
    """
    seats: dict[str, list[Seat]] = {body_id: [] for body_id in body_ids}
    if body_ids:
        rows = session.execute(_MEMBERS, {"ids": list(body_ids), "at": at})
        for body_id, person_id, function, substitute_for in rows:
            seats[body_id].append(Seat(person_id, Function(function), substitute_for))
    return seats


def bodies(session: Session, ids: Collection[str] | None = None) -> dict[str, BodyView]:
    """Return these bodies, or all of them, by id (one statement); unknown ids are left out."""
    rows = session.execute(_BODIES, {"ids": list(ids)}) if ids is not None else session.execute(_ALL_BODIES)
    return {row[0]: _body(row) for row in rows}


def body(session: Session, body_id: str) -> BodyView:
    """Return this body (raises NoSuchBody)."""
    found = bodies(session, [body_id])
    if not found:
        raise NoSuchBody(f"no body {body_id!r}")
    return found[body_id]


def actor_of(standing: Standing, sign_in: SignIn) -> Actor:
    """Return who asks, in no particular meeting (raises AccountDisabled)."""
    if standing.disabled:
        raise AccountDisabled(f"account {standing.id!r} is disabled")
    facts = PersonFacts(
        standing.id, standing.functions, standing.duties, represented_absent=False, invited=False
    )
    return Actor(standing.pseudonym, facts, sign_in, standing.language)


def _valid(table: type[Membership] | type[DutyHeld]) -> Any:
    until = col(table.valid_until)
    return (col(table.valid_from) <= _AT) & (until.is_(None) | (until > _AT))


_AT: BindParameter[datetime] = bindparam("at", type_=UtcDateTime)
_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)


def _standings() -> Select[*tuple[Any, ...]]:
    # A person holds a handful of functions and one duty, so joining both multiplies next to nothing and
    # saves the gate two round trips.
    return (
        select(
            col(Person.id),
            col(Person.pseudonym),
            col(Person.name_ar),
            col(Person.name_fr),
            col(Person.name_en),
            col(Person.name_zgh),
            col(Person.email),
            col(Person.language),
            col(Person.disabled_at),
            col(Membership.body_id),
            col(Membership.function),
            col(Membership.substitute_for),
            col(DutyHeld.duty),
        )
        .join(Membership, (col(Membership.person_id) == col(Person.id)) & _valid(Membership), isouter=True)
        .join(DutyHeld, (col(DutyHeld.person_id) == col(Person.id)) & _valid(DutyHeld), isouter=True)
    )


_STANDINGS = _standings().where(col(Person.id).in_(_IDS))
_EVERYBODY = _standings()
_WHO = _standings().where(or_(col(Person.email) == bindparam("email"), col(Person.id) == bindparam("id")))
_NAMES: Select[*tuple[Any, ...]] = select(
    col(Person.pseudonym), col(Person.name_ar), col(Person.name_fr), col(Person.name_en), col(Person.name_zgh)
).where(col(Person.pseudonym).in_(bindparam("pseudonyms", expanding=True)))
_MEMBERS = (
    select(
        col(Membership.body_id),
        col(Membership.person_id),
        col(Membership.function),
        col(Membership.substitute_for),
    )
    .where(col(Membership.body_id).in_(_IDS), _valid(Membership))
    .order_by(col(Membership.body_id), col(Membership.person_id), col(Membership.function))
)
_ALL_BODIES = select(
    col(Body.id),
    col(Body.kind),
    col(Body.name_ar),
    col(Body.name_fr),
    col(Body.name_en),
    col(Body.name_zgh),
    col(Body.zone),
    col(Body.quorum_kind),
    col(Body.quorum_value),
    col(Body.default_classification),
    col(Body.highest_classification),
    col(Body.notice_hours),
    col(Body.capacity),
).order_by(col(Body.name_fr))
_BODIES = _ALL_BODIES.where(col(Body.id).in_(_IDS))


def _gather(rows: Sequence[_Row]) -> dict[str, Standing]:
    by_person: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        by_person[row[0]].append(row)
    return {person_id: _standing(group) for person_id, group in by_person.items()}


def _standing(rows: list[_Row]) -> Standing:
    first = rows[0]
    return Standing(
        id=first[0],
        pseudonym=first[1],
        names=_names(first[2:6]),
        email=first[6],
        language=first[7],
        disabled=first[8] is not None,
        functions=frozenset((row[9], Function(row[10])) for row in rows if row[9] is not None),
        duties=frozenset(Duty(row[12]) for row in rows if row[12] is not None),
        substitutes_for={row[9]: row[11] for row in rows if row[11] is not None},
    )


def _body(row: _Row) -> BodyView:
    return BodyView(
        id=row[0],
        kind=row[1],
        names=_names(row[2:6]),
        zone=row[6],
        quorum=QuorumRule(QuorumKind(row[7]), row[8]),
        default=Classification(row[9]),
        highest=Classification(row[10]),
        notice_hours=row[11],
        capacity=row[12],
    )


def _names(columns: Sequence[str]) -> dict[str, str]:
    return {language: name for language, name in zip(LANGUAGES, columns, strict=True) if name}
