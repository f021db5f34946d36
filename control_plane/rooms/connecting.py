"""A client shows its join token: good once, for one room, and then it is a connection."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from control_plane.audit.entries import ConnectionAccepted, ConnectionRefused
from control_plane.database import new_id
from control_plane.meetings.service import guests
from control_plane.people.service import standings
from control_plane.rooms.keys import verifying
from control_plane.rooms.models import Connection, JoinToken, Room
from control_plane.rooms.reasons import REASONS, sentence
from control_plane.rooms.tokens import BadToken, Claims, read
from control_plane.unit import Unit


@dataclass(frozen=True, slots=True)
class Show:
    """A token as Prosody caught it; `oversized` bytes were not even sent on."""

    token: str
    domain: str
    node: str
    address: str
    oversized: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """The connection that the gate will ask about, and what upstream's modules read in the session."""

    connection: str
    room: str
    domain: str
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """Why not: a word for programs, a sentence for the person."""

    code: str
    reason: str


def answer_shows(unit: Unit, shows: Sequence[Show]) -> list[Accepted | NotAccepted]:
    """Take each token that is good, once, and record the outcome of each; three to eight statements a batch."""
    keys = verifying(unit.session, unit.now)
    reads = [
        BadToken("token_oversized") if show.oversized else read(show.token, keys, show.domain, unit.now)
        for show in shows
    ]
    given = _given_out(unit.session, [claims.jti for claims in reads if claims.jti])
    outcomes = _take(unit, reads, given)
    who = _who(unit.session, given.values(), unit.now)
    return [_record(unit, show, outcome, who) for show, outcome in zip(shows, outcomes, strict=True)]


@dataclass(frozen=True, slots=True)
class _Given:
    token: JoinToken
    room: str


@dataclass(frozen=True, slots=True)
class _Outcome:
    why: str
    given: _Given | None = None
    claims: Claims | None = None
    connection: str = ""


def _given_out(session: Session, jtis: Sequence[str]) -> dict[str, _Given]:
    if not jtis:
        return {}
    # Locked, so that a token shown to two control planes at once is taken by one of them.
    query = (
        select(JoinToken, col(Room.name))
        .join(Room, col(Room.meeting_id) == col(JoinToken.meeting_id))
        .where(col(JoinToken.jti).in_(jtis))
        .order_by(col(JoinToken.jti))
        .with_for_update(of=JoinToken)
    )
    return {token.jti: _Given(token, room) for token, room in session.execute(query)}


def _take(unit: Unit, reads: Sequence[Claims | BadToken], given: Mapping[str, _Given]) -> list[_Outcome]:
    taken: set[str] = set()
    outcomes = []
    for claims in reads:
        outcome = _judge(claims, given, taken)
        if not outcome.why and outcome.claims:
            taken.add(outcome.claims.jti)
        outcomes.append(outcome)
    if taken:
        unit.session.execute(update(JoinToken).where(col(JoinToken.jti).in_(taken)).values(used_at=unit.now))
        unit.session.execute(
            insert(Connection), [_row(outcome, unit.now) for outcome in outcomes if not outcome.why]
        )
    return outcomes


def _judge(claims: Claims | BadToken, given: Mapping[str, _Given], taken: set[str]) -> _Outcome:
    if isinstance(claims, BadToken):
        return _Outcome(claims.why, given.get(claims.jti))
    found = given.get(claims.jti)
    if found is None:
        return _Outcome("token_unknown")
    if found.token.used_at is not None or claims.jti in taken:
        return _Outcome("token_used", found)
    if found.token.revoked_at is not None:
        return _Outcome("token_revoked", found)
    if found.room != claims.room:
        return _Outcome("token_room", found)
    return _Outcome("", found, claims, new_id())


def _row(outcome: _Outcome, now: datetime) -> dict[str, Any]:
    if outcome.given is None:
        raise ValueError("only a token that was given out becomes a connection")
    token = outcome.given.token
    return {
        "id": outcome.connection,
        "meeting_id": token.meeting_id,
        "person_id": token.person_id,
        "guest_id": token.guest_id,
        "strength": token.strength,
        "certificate": token.certificate,
        "zone": token.zone,
        "opened_at": now,
    }


@dataclass(frozen=True, slots=True)
class _Known:
    pseudonym: str
    language: str


def _who(session: Session, given: Iterable[_Given], now: datetime) -> dict[str, _Known]:
    tokens = [found.token for found in given]
    people = standings(session, {token.person_id for token in tokens if token.person_id}, now)
    invited = guests(session, {token.guest_id for token in tokens if token.guest_id})
    return {
        **{person.id: _Known(person.pseudonym, person.language) for person in people.values()},
        **{guest.id: _Known(guest.pseudonym, guest.language) for guest in invited.values()},
    }


def _record(unit: Unit, show: Show, outcome: _Outcome, who: Mapping[str, _Known]) -> Accepted | NotAccepted:
    token = outcome.given.token if outcome.given else None
    known = who.get((token.person_id or token.guest_id or "") if token else "")
    by, meeting = (known.pseudonym if known else ""), (token.meeting_id if token else "")
    where = {"address": show.address} if show.address else None
    if outcome.why or outcome.claims is None:
        unit.record(ConnectionRefused(by=by, meeting=meeting, why=outcome.why, node=show.node), where)
        return NotAccepted(outcome.why, sentence(REASONS[outcome.why], known.language if known else None))
    unit.record(ConnectionAccepted(by=by, meeting=meeting, connection=outcome.connection), where)
    return Accepted(outcome.connection, outcome.claims.room, outcome.claims.domain, outcome.claims.context)
