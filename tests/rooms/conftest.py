"""An open sitting of the finance committee, with whoever a test sends to its door."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from control_plane.audit.entries import Entry
from control_plane.audit.service import Record, latest
from control_plane.meetings.service import (
    Booking,
    GuestDetails,
    Letterhead,
    arrive,
    book,
    convene,
    invite_guest,
    open_meeting,
    to_wall,
)
from control_plane.people.service import actor_of, standings
from control_plane.permission import Actor, Permission
from control_plane.policy import Classification, GuestKind, PolicyEngine, SignIn, Strength
from control_plane.rooms.models import SigningKey
from control_plane.rooms.service import (
    Accepted,
    Answer,
    Event,
    Join,
    KeyRing,
    NotAccepted,
    Pools,
    Report,
    Show,
    Ticket,
    TicketOffice,
    answer_joins,
    answer_shows,
    hand_out_token,
    take_reports,
)
from control_plane.rooms.ticket import room_of
from control_plane.unit import Units
from demo.parliament import ZONE, Parliament, found
from tests.conftest import StandingClock

DOMAIN = "meet.majlis.test"
LETTERHEAD = Letterhead("https://majlis.test", "Majlis", "majlis@majlis.test")
POLICIES = Path(__file__).parents[2] / "policies"
INSIDE = SignIn(Strength.PASSWORD, certificate=False, zone="parliament")
KEY = generate_private_key(public_exponent=65537, key_size=2048)
KID = "testkey"


@pytest.fixture(scope="session")
def policies() -> PolicyEngine:
    return PolicyEngine.load(POLICIES)


@pytest.fixture
def permission(policies: PolicyEngine) -> Permission:
    return Permission(policies)


def store_key(units: Units, directory: Path, kid: str = KID, key: RSAPrivateKey = KEY) -> KeyRing:
    """Put a key that was made once for all tests where the ring looks for it."""
    directory.mkdir(exist_ok=True)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / f"token-{kid}.pem").write_bytes(pem)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with units.begin() as unit:
        unit.session.add(SigningKey(kid=kid, public_pem=public, created_at=unit.now))
    return KeyRing(directory)


@dataclass
class Sitting:
    """A sitting with its room, and everything that can be done at its door."""

    units: Units
    permission: Permission
    parliament: Parliament
    clock: StandingClock
    office: TicketOffice
    id: str
    room: str
    guests: dict[str, str] = field(default_factory=dict)
    seq: int = 0

    def actor(self, key: str, sign_in: SignIn = INSIDE) -> Actor:
        """Return a person of the sample parliament, signed in."""
        person = self.parliament.people[key]
        with self.units.read() as session:
            return actor_of(standings(session, [person], self.clock())[person], sign_in)

    def guest(self, name: str, kind: GuestKind = GuestKind.witness) -> Actor:
        """Invite a guest and have them use their link."""
        with self.units.begin() as unit:
            details = GuestDetails(kind, name)
            token = invite_guest(unit, self.permission, None, LETTERHEAD, self.id, details).token
        assert token is not None
        with self.units.begin() as unit:
            guest, _cookie = arrive(unit, token)
        self.guests[name] = guest.id
        return Actor(
            guest.pseudonym, guest.facts(), SignIn(Strength.LINK, certificate=False, zone="internet"), "fr"
        )

    def ticket(self, actor: Actor) -> Ticket:
        with self.units.begin() as unit:
            return hand_out_token(unit, self.office, actor, self.id)

    def show(self, token: str, *, oversized: bool = False) -> Accepted | NotAccepted:
        with self.units.begin() as unit:
            return answer_shows(unit, [Show(token, DOMAIN, "n1", "127.0.0.1", oversized)])[0]

    def connect(self, actor: Actor) -> str:
        """Get a token, show it, and return the connection."""
        outcome = self.show(self.ticket(actor).token)
        assert isinstance(outcome, Accepted)
        return outcome.connection

    def ask(
        self, connection: str | None, room: str | None = None, *, at_lobby: bool = False, host: str = "n1"
    ) -> Answer:
        with self.units.begin() as unit:
            join = Join(connection, room or self.room, at_lobby, host)
            return answer_joins(self.permission.policies, self.office.pools, unit, [join])[0]

    def happens(self, kind: str, connection: str = "", **more: str) -> None:
        """Have the signalling host report something."""
        self.seq += 1
        event = Event(self.seq, self.clock(), kind, self.room, connection, **more)
        with self.units.begin() as unit:
            take_reports(unit, [Report("n1", "e1", [event])])

    def enter(self, actor: Actor) -> str:
        """Have somebody join for good and return their connection."""
        connection = self.connect(actor)
        self.ask(connection)
        self.happens("joined", connection)
        return connection

    def entries(self, count: int = 1) -> list[Entry]:
        """Return the newest entries, newest first."""
        return [record.entry for record in self.records(count)]

    def records(self, count: int) -> list[Record]:
        with self.units.read() as session:
            return latest(session, limit=count)

    def newest(self) -> Mapping[str, object]:
        """Return the newest entry's fields."""
        entry = self.entries()[0]
        return {name: getattr(entry, name) for name in entry.__struct_fields__}


@pytest.fixture
def parliament(units: Units, permission: Permission) -> Parliament:
    with units.begin() as unit:
        return found(unit, permission, None)


def held_sitting(
    units: Units,
    permission: Permission,
    parliament: Parliament,
    clock: StandingClock,
    keys: KeyRing,
    *,
    body: str = "finance",
    classification: Classification = Classification.PUBLIC,
) -> Sitting:
    """Book, convene and open a sitting that begins now and lasts two hours."""
    starts = to_wall(clock(), ZONE).replace(second=0)
    booking = Booking(
        parliament.bodies[body],
        "Loi de finances",
        starts,
        starts + timedelta(hours=2),
        classification=classification,
    )
    with units.begin() as unit:
        meeting = book(unit, permission, None, booking)
        convene(unit, permission, None, LETTERHEAD, meeting.id, reason="urgence", accept_conflicts=True)
        open_meeting(unit, permission, None, meeting.id)
        room = room_of(unit, meeting.id)
    office = TicketOffice(permission, keys, DOMAIN, 120, Pools({}))
    return Sitting(units, permission, parliament, clock, office, meeting.id, room)


@pytest.fixture
def keys(units: Units, tmp_path: Path) -> KeyRing:
    return store_key(units, tmp_path / "keys")


@pytest.fixture
def sitting(
    units: Units, permission: Permission, parliament: Parliament, clock: StandingClock, keys: KeyRing
) -> Sitting:
    return held_sitting(units, permission, parliament, clock, keys)
