"""Signed-in browser sessions: begun by every way in, looked up at each request, ended at once."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import bindparam, select, update
from sqlmodel import Session, col

from control_plane.audit.entries import SignedIn, SignedOut
from control_plane.database import UtcDateTime, new_id
from control_plane.people.models import BrowserSession, Person
from control_plane.people.standing import AccountDisabled, NoSuchPerson
from control_plane.policy import SignIn, Strength
from control_plane.unit import Unit

SEEN_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts: without a request, and in all (OWASP ASVS 7.3.1 and 7.3.2)."""

    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=12)


SESSION_LIMITS = SessionLimits()


@dataclass(frozen=True, slots=True)
class LiveSession:
    """Who a request comes from; when `to_be_touched`, call touch_session in a unit of its own."""

    id: str
    person_id: str
    strength: Strength
    certificate: bool
    to_be_touched: bool

    def sign_in(self, zone: str) -> SignIn:
        """Return how they signed in, seen from the zone that this request comes from.

        The zone at sign-in doesn't last: a laptop carried home is no longer on the state's network.
        """
        return SignIn(self.strength, self.certificate, zone)


def begin_session(
    unit: Unit, person_id: str, sign_in: SignIn, limits: SessionLimits = SESSION_LIMITS, *, replaces: str = ""
) -> tuple[str, str]:
    """Return the token, never seen again, and the id of a new session (raises NoSuchPerson, AccountDisabled).

    Every way in ends here: passwords, and whatever else comes to prove who somebody is. `replaces` is the
    token the browser had before; it is worth nothing from now on, so a planted one gains nothing.
    """
    person = unit.session.get(Person, person_id)
    if person is None:
        raise NoSuchPerson(f"no person {person_id!r}")
    if person.disabled_at is not None:
        raise AccountDisabled(f"account {person.id!r} is disabled")
    if replaces:
        sign_out(unit, replaces, why="replaced")
    token, session_id = secrets.token_urlsafe(32), new_id()
    unit.session.add(
        BrowserSession(
            id=session_id,
            token_hash=_digest(token),
            person_id=person.id,
            strength=int(sign_in.strength),
            certificate=sign_in.certificate,
            zone=sign_in.zone,
            created_at=unit.now,
            seen_at=unit.now,
            expires_at=unit.now + limits.absolute,
        )
    )
    unit.record(SignedIn(by=person.pseudonym, session=session_id, strength=sign_in.strength.name.lower()))
    return token, session_id


def session_of(
    session: Session, token: str, now: datetime, limits: SessionLimits = SESSION_LIMITS
) -> LiveSession | None:
    """Return the live session of this token (one statement), or None: unknown, ended, too old or disabled."""
    row = session.execute(
        _LIVE, {"token_hash": _digest(token), "now": now, "idle_since": now - limits.idle}
    ).one_or_none()
    if row is None:
        return None
    session_id, person_id, strength, certificate, seen_at = row
    return LiveSession(
        session_id, person_id, Strength(strength), certificate, to_be_touched=now - seen_at >= SEEN_AGAIN
    )


def touch_session(unit: Unit, session_id: str) -> None:
    """Remember that the session was used now, which is no fact worth an entry."""
    unit.session.execute(
        update(BrowserSession)
        .where(col(BrowserSession.id) == session_id, col(BrowserSession.ended_at).is_(None))
        .values(seen_at=unit.now)
        .execution_options(synchronize_session=False)
    )


def sign_out(unit: Unit, token: str, *, why: str = "asked") -> None:
    """End the session of this token; nothing happens when there is none."""
    ended = unit.session.execute(
        update(BrowserSession)
        .where(col(BrowserSession.token_hash) == _digest(token), col(BrowserSession.ended_at).is_(None))
        .values(ended_at=unit.now)
        .returning(col(BrowserSession.id), col(BrowserSession.person_id))
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if ended is None:
        return
    pseudonym = unit.session.execute(
        select(col(Person.pseudonym)).where(col(Person.id) == ended.person_id)
    ).scalar_one()
    unit.record(SignedOut(by=pseudonym, on=pseudonym, session=ended.id, why=why))


def end_sessions(unit: Unit, person: Person, *, by: str, why: str, but: str = "") -> int:
    """End all sessions of an account, `but` the one with this id, an entry each; return how many there were."""
    ended = unit.session.scalars(
        update(BrowserSession)
        .where(
            col(BrowserSession.person_id) == person.id,
            col(BrowserSession.ended_at).is_(None),
            col(BrowserSession.id) != but,
        )
        .values(ended_at=unit.now)
        .returning(col(BrowserSession.id))
        .execution_options(synchronize_session=False)
    ).all()
    for session_id in ended:
        unit.record(SignedOut(by=by, on=person.pseudonym, session=session_id, why=why))
    return len(ended)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


_LIVE = (
    select(
        col(BrowserSession.id),
        col(BrowserSession.person_id),
        col(BrowserSession.strength),
        col(BrowserSession.certificate),
        col(BrowserSession.seen_at),
    )
    .join(Person, col(Person.id) == col(BrowserSession.person_id))
    .where(
        col(BrowserSession.token_hash) == bindparam("token_hash"),
        col(BrowserSession.ended_at).is_(None),
        col(BrowserSession.expires_at) > bindparam("now", type_=UtcDateTime),
        col(BrowserSession.seen_at) > bindparam("idle_since", type_=UtcDateTime),
        col(Person.disabled_at).is_(None),
    )
)
