"""Everything that a batch of questions is about, loaded together in a fixed number of statements."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, false, func, select
from sqlmodel import Session, col

from control_plane.meetings.service import GuestView, MeetingView, guests, invited, meetings
from control_plane.people.service import BodyView, Standing, actor_of, bodies, standings
from control_plane.permission import Actor
from control_plane.policy import Action, MeetingFacts, PersonFacts, Question, SignIn, Strength
from control_plane.rooms.models import Connection, Hold, Room
from control_plane.unit import Unit


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who stands at the gate: a person or a guest, as they stand at this moment."""

    subject_id: str
    actor: Actor
    name: str
    barred: str = ""  # a word of rooms/reasons.py when no policy need be asked


@dataclass(frozen=True, slots=True)
class Client:
    """Whose a connection is, how they signed in, and what of its own room the gate must know."""

    id: str
    meeting_id: str
    person_id: str | None
    guest_id: str | None
    sign_in: SignIn
    ended: bool = False
    room: str = ""
    locked: bool = False
    removed: bool | None = None  # by a moderator; False when sent back to the lobby, None when neither

    @classmethod
    def of(cls, connection: Connection) -> "Client":
        """Return what a connection's row says of that."""
        return cls(
            connection.id,
            connection.meeting_id,
            connection.person_id,
            connection.guest_id,
            SignIn(Strength(connection.strength), connection.certificate, connection.zone),
            connection.ended_at is not None,
        )


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that the questions of one batch are about, loaded together."""

    clients: Mapping[str, Client]
    rooms: Mapping[str, str]
    locked: frozenset[str]
    meetings: Mapping[str, MeetingView]
    bodies: Mapping[str, BodyView]
    people: Mapping[str, Standing]
    guests: Mapping[str, GuestView]
    invited: frozenset[tuple[str, str]]
    holds: Mapping[tuple[str, str], bool]
    inside: frozenset[tuple[str, str]]

    def visitor(self, client: Client) -> Visitor:
        """Return who this connection belongs to."""
        sign_in = client.sign_in
        if client.guest_id is not None:
            return _guest_visitor(self.guests[client.guest_id], sign_in)
        standing = self.people[str(client.person_id)]
        name = standing.name_in(standing.language)
        if standing.disabled:
            nothing = PersonFacts(
                standing.id, frozenset(), frozenset(), represented_absent=False, invited=False
            )
            actor = Actor(standing.pseudonym, nothing, sign_in, standing.language)
            return Visitor(standing.id, actor, name, "account_disabled")
        meeting = self.meetings[client.meeting_id]
        represented = standing.substitutes_for.get(meeting.body_id)
        actor = actor_of(standing, sign_in).for_meeting(
            invited=(meeting.id, standing.id) in self.invited,
            represented_absent=represented is not None and (meeting.id, represented) not in self.inside,
        )
        return Visitor(standing.id, actor, name)

    def facts(self, meeting: MeetingView) -> MeetingFacts:
        """Return what the policies may know of a meeting."""
        return meeting.facts(self.bodies[meeting.body_id])

    def question(self, visitor: Visitor, action: Action, meeting: MeetingView, unit: Unit) -> Question:
        """Return what the policies are asked."""
        return Question(
            visitor.actor.facts,
            action,
            self.facts(meeting),
            visitor.actor.sign_in,
            unit.now,
        )


def _guest_visitor(guest: GuestView, sign_in: SignIn) -> Visitor:
    barred = "removed" if guest.removed else "invitation_revoked" if guest.revoked else ""
    return Visitor(
        guest.id, Actor(guest.pseudonym, guest.facts(), sign_in, guest.language), guest.name, barred
    )


def load_scene(session: Session, now: datetime, clients: Iterable[Client], rooms: Iterable[str]) -> Scene:
    """Load what these clients and rooms need: at most eleven statements."""
    by_id = {client.id: client for client in clients}
    people = {c.person_id for c in by_id.values() if c.person_id is not None}
    own = {c.room: c.meeting_id for c in by_id.values() if c.room}
    known_rooms = own | _meetings_of(session, set(rooms) - own.keys())
    found = meetings(session, {c.meeting_id for c in by_id.values()} | set(known_rooms.values()))
    known_people = standings(session, people, now)
    substitutes = {
        (c.meeting_id, person)
        for c in by_id.values()
        if c.person_id is not None
        for person in known_people[c.person_id].substitutes_for.values()
    }
    return Scene(
        clients=by_id,
        rooms=known_rooms,
        locked=frozenset(c.room for c in by_id.values() if c.locked),
        meetings=found,
        bodies=bodies(session, {meeting.body_id for meeting in found.values()}),
        people=known_people,
        guests=guests(session, {c.guest_id for c in by_id.values() if c.guest_id is not None}),
        invited=frozenset(
            invited(session, {(c.meeting_id, c.person_id) for c in by_id.values() if c.person_id is not None})
        ),
        holds={
            (c.meeting_id, str(c.person_id or c.guest_id)): c.removed
            for c in by_id.values()
            if c.removed is not None
        },
        inside=_inside(session, substitutes),
    )


def clients_of(session: Session, connection_ids: Collection[str]) -> list[Client]:
    """Return the clients of these connections that exist (one statement)."""
    if not connection_ids:
        return []
    rows = session.execute(_CLIENTS, {"ids": list(connection_ids)})
    return [
        Client(id_, meeting, person, guest, SignIn(Strength(strength), certificate, zone), *rest)
        for id_, meeting, person, guest, strength, certificate, zone, *rest in rows
    ]


def hold_of(session: Session, meeting_id: str, subject_id: str) -> bool | None:
    """Return whether a moderator removed them (True) or sent them back (False), None when neither."""
    hold = session.get(Hold, (meeting_id, subject_id))
    return hold.removed if hold else None


_SUBJECT = func.coalesce(col(Connection.person_id), col(Connection.guest_id))
_CLIENTS = (
    select(
        col(Connection.id),
        col(Connection.meeting_id),
        col(Connection.person_id),
        col(Connection.guest_id),
        col(Connection.strength),
        col(Connection.certificate),
        col(Connection.zone),
        col(Connection.ended_at).is_not(None),
        func.coalesce(col(Room.name), ""),
        func.coalesce(col(Room.locked), false()),
        col(Hold.removed),
    )
    .join(Room, col(Room.meeting_id) == col(Connection.meeting_id), isouter=True)
    .join(
        Hold,
        (col(Hold.meeting_id) == col(Connection.meeting_id)) & (col(Hold.subject_id) == _SUBJECT),
        isouter=True,
    )
    .where(col(Connection.id).in_(bindparam("ids", expanding=True)))
)


def _meetings_of(session: Session, rooms: set[str]) -> dict[str, str]:
    """Return the meeting of each of these rooms that exists."""
    if not rooms:
        return {}
    query = select(col(Room.name), col(Room.meeting_id)).where(col(Room.name).in_(rooms))
    return {name: meeting for name, meeting in session.execute(query)}  # noqa: C416 — a Result has keys()


def _inside(session: Session, sought: set[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Return which of these (meeting, person) pairs have at least one device inside."""
    if not sought:
        return frozenset()
    query = select(col(Connection.meeting_id), col(Connection.person_id)).where(
        col(Connection.meeting_id).in_({meeting for meeting, _ in sought}),
        col(Connection.person_id).in_({person for _, person in sought}),
        col(Connection.joined_at).is_not(None),
        col(Connection.ended_at).is_(None),
    )
    return frozenset((meeting, str(person)) for meeting, person in session.execute(query))
