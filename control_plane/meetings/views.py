"""What others may know of meetings, invitations and guests: frozen values, read in batches.

The gate asks these more than a thousand times a second: columns instead of rows of the session, and one
statement whatever the number asked for.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, select, tuple_
from sqlmodel import Session, col

from control_plane.meetings.models import AgendaItem, Guest, Invitation, Meeting
from control_plane.people.service import BodyView
from control_plane.policy import Classification, Function, GuestFacts, GuestKind, MeetingFacts, State


@dataclass(frozen=True, slots=True)
class MeetingView:
    """A meeting as it stood when it was read; the wall times are naive and mean `zone`."""

    id: str
    body_id: str
    title: str
    classification: Classification
    state: State
    starts_at: datetime
    ends_at: datetime
    starts_wall: datetime
    ends_wall: datetime
    zone: str
    version: int
    series_id: str | None

    def facts(self, body: BodyView) -> MeetingFacts:
        """Return what the policies may know of this meeting of `body`."""
        return MeetingFacts(
            self.id, body.facts(), self.classification, self.state, self.starts_at, self.ends_at
        )


@dataclass(frozen=True, slots=True)
class GuestView:
    """A guest; `revoked`, `admitted`, `removed` and `used` are whether, not when."""

    id: str
    pseudonym: str
    meeting_id: str
    kind: GuestKind
    name: str
    language: str
    used: bool
    revoked: bool
    admitted: bool
    removed: bool

    def facts(self) -> GuestFacts:
        """Return what the policies may know of this guest."""
        return GuestFacts(self.id, self.meeting_id, self.kind, self.admitted)


@dataclass(frozen=True, slots=True)
class AgendaView:
    """A point of the agenda; one that is not public is dealt with in camera."""

    position: int
    title: str
    public: bool


def meetings(session: Session, ids: Collection[str]) -> dict[str, MeetingView]:
    """Return the meetings of these ids that exist, by id."""
    if not ids:
        return {}
    return {row[0]: _meeting(row) for row in session.execute(_MEETINGS, {"ids": list(ids)})}


def invited(session: Session, pairs: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of the pairs (meeting id, person id) that are named on a convocation in their own right.

    Whoever was convened as a member is not: when the membership ends, so must the way in.
    """
    if not pairs:
        return set()
    rows = session.execute(_INVITED, {"pairs": list(pairs)})
    return {(meeting_id, person_id) for meeting_id, person_id in rows}


def guests(session: Session, ids: Collection[str]) -> dict[str, GuestView]:
    """Return the guests of these ids that exist, by id."""
    if not ids:
        return {}
    return {row[0]: _guest(row) for row in session.execute(_GUESTS, {"ids": list(ids)})}


def guest_names(session: Session, pseudonyms: Collection[str]) -> dict[str, str]:
    """Return the names of the guests whom the log calls by these pseudonyms; unknown ones are left out."""
    if not pseudonyms:
        return {}
    query = select(col(Guest.pseudonym), col(Guest.name)).where(col(Guest.pseudonym).in_(pseudonyms))
    return {pseudonym: name for pseudonym, name in session.execute(query)}  # noqa: C416 — a Result has keys()


def guests_of(session: Session, meeting_ids: Collection[str]) -> dict[str, list[GuestView]]:
    """Return the guests of each meeting by name; every meeting asked for has a key."""
    found: dict[str, list[GuestView]] = {meeting_id: [] for meeting_id in meeting_ids}
    if found:
        for guest in map(_guest, session.execute(_GUESTS_OF, {"ids": list(found)})):
            found[guest.meeting_id].append(guest)
    return found


def day(session: Session, from_utc: datetime, to_utc: datetime) -> list[MeetingView]:
    """Return the meetings that begin in [from_utc, to_utc), earliest first."""
    starts = col(Meeting.starts_at)
    query = _MEETING.where(starts >= from_utc, starts < to_utc).order_by(starts, col(Meeting.id))
    return [_meeting(row) for row in session.execute(query)]


def occurrences_of(session: Session, series_ids: Collection[str]) -> dict[str, list[MeetingView]]:
    """Return the occurrences of each series in their original order, moved and cancelled ones included."""
    found: dict[str, list[MeetingView]] = {series_id: [] for series_id in series_ids}
    if found:
        query = _MEETING.where(col(Meeting.series_id).in_(found)).order_by(col(Meeting.occurrence_wall))
        for row in session.execute(query):
            found[row.series_id].append(_meeting(row))
    return found


def agenda_of(session: Session, meeting_ids: Collection[str]) -> dict[str, list[AgendaView]]:
    """Return the agenda of each meeting in order; every meeting asked for has a key."""
    found: dict[str, list[AgendaView]] = {meeting_id: [] for meeting_id in meeting_ids}
    if found:
        for meeting_id, *item in session.execute(_AGENDA, {"ids": list(found)}):
            found[meeting_id].append(AgendaView(*item))
    return found


def convened_to(session: Session, meeting_ids: Collection[str]) -> dict[str, dict[str, Function | None]]:
    """Return, for each meeting, the function of everybody convened, by person id; each meeting has a key.

    Officials of other bodies have no function (None).
    """
    found: dict[str, dict[str, Function | None]] = {meeting_id: {} for meeting_id in meeting_ids}
    if found:
        for meeting_id, person_id, function in session.execute(_CONVENED, {"ids": list(found)}):
            found[meeting_id][person_id] = Function(function) if function else None
    return found


_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_PAIR = (col(Invitation.meeting_id), col(Invitation.person_id))
_PAIRS: BindParameter[list[tuple[str, str]]] = bindparam("pairs", expanding=True)
_MEETING: Select[*tuple[Any, ...]] = select(
    col(Meeting.id),
    col(Meeting.body_id),
    col(Meeting.title),
    col(Meeting.classification),
    col(Meeting.state),
    col(Meeting.starts_at),
    col(Meeting.ends_at),
    col(Meeting.starts_wall),
    col(Meeting.ends_wall),
    col(Meeting.zone),
    col(Meeting.version),
    col(Meeting.series_id),
)
_GUEST: Select[*tuple[Any, ...]] = select(
    col(Guest.id),
    col(Guest.pseudonym),
    col(Guest.meeting_id),
    col(Guest.kind),
    col(Guest.name),
    col(Guest.language),
    col(Guest.used_at),
    col(Guest.revoked_at),
    col(Guest.admitted_at),
    col(Guest.removed_at),
)
_MEETINGS = _MEETING.where(col(Meeting.id).in_(_IDS))
_INVITED = select(*_PAIR).where(tuple_(*_PAIR).in_(_PAIRS), col(Invitation.function).is_(None))
_GUESTS = _GUEST.where(col(Guest.id).in_(_IDS))
_GUESTS_OF = _GUEST.where(col(Guest.meeting_id).in_(_IDS)).order_by(col(Guest.name), col(Guest.id))
_AGENDA = (
    select(
        col(AgendaItem.meeting_id), col(AgendaItem.position), col(AgendaItem.title), col(AgendaItem.public)
    )
    .where(col(AgendaItem.meeting_id).in_(_IDS))
    .order_by(col(AgendaItem.meeting_id), col(AgendaItem.position))
)
_CONVENED = select(col(Invitation.meeting_id), col(Invitation.person_id), col(Invitation.function)).where(
    col(Invitation.meeting_id).in_(_IDS)
)


def view_of(meeting: Meeting) -> MeetingView:
    """Return what may be known of a row that a use case holds."""
    return _meeting([getattr(meeting, column.name) for column in _MEETING.selected_columns])


def _meeting(row: Sequence[Any]) -> MeetingView:
    meeting_id, body_id, title, classification, state, *rest = row
    return MeetingView(meeting_id, body_id, title, Classification(classification), State(state), *rest)


def _guest(row: Sequence[Any]) -> GuestView:
    guest_id, pseudonym, meeting_id, kind, name, language, *moments = row
    happened = [moment is not None for moment in moments]
    return GuestView(guest_id, pseudonym, meeting_id, GuestKind(kind), name, language, *happened)
