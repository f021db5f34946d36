"""A house that sits: the real control plane, the real Prosody and real clients, with no double anywhere."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from control_plane.audit.entries import Entry
from control_plane.audit.service import Record, latest
from control_plane.database import utc_now
from control_plane.desk import Desk
from control_plane.meetings.service import to_wall
from control_plane.people.service import standings
from control_plane.rooms.models import Room
from demo.appliance import DOMAIN, Appliance, appliance
from demo.parliament import PEOPLE, ZONE, email
from demo.people import Visitor
from demo.players import JoinOutcome, Player, PlayersMissing, Stage, Waiting, players
from demo.prosody import ProsodyMissing

NUMBERS = itertools.count(1)
PATIENCE = 10.0  # seconds until what was done must stand in the log
Kind = TypeVar("Kind", bound=Entry)


@dataclass
class House:
    """The appliance with its stage, who is signed in, and every secret that a test came by."""

    running: Appliance
    stage: Stage
    desk: Desk
    visitors: dict[str, Visitor] = field(default_factory=dict)
    secrets: dict[str, set[str]] = field(
        default_factory=lambda: {"token": set(), "link": set(), "room": set()}
    )

    def person(self, key: str) -> Visitor:
        """Return somebody of the sample parliament at their browser, signed in."""
        if key not in self.visitors:
            visitor = Visitor(key, self.running.url, PEOPLE[key][2])
            self.visitors[key] = visitor.sign_in(email(key), self.running.password)
        return self.visitors[key]

    def browser(self, name: str) -> Visitor:
        """Return a browser in which nobody is signed in."""
        visitor = Visitor(name, self.running.url)
        self.visitors[f"{name}-{next(NUMBERS)}"] = visitor
        return visitor

    def pseudonym(self, key: str) -> str:
        """Return what the log calls this person."""
        person = self.running.parliament.people[key]
        with self.desk.units.read() as session:
            return standings(session, [person], utc_now())[person].pseudonym

    def sitting(self, *, opened: bool = True, classification: str | None = None) -> "Sitting":
        """Book a sitting of the finance committee that begins now, and convene it."""
        starts = to_wall(utc_now(), ZONE).replace(second=0, microsecond=0)
        booking = {
            "body_id": self.running.parliament.bodies["finance"],
            "title": "Projet de loi de finances",
            "starts_wall": starts.isoformat(),
            "ends_wall": (starts + timedelta(hours=2)).isoformat(),
            "classification": classification,
            "accept_conflicts": True,
        }
        mark = self.size()
        meeting = self.person("omar").ask("POST", "/api/meetings", booking)["id"]
        convene = {"reason": "urgence", "accept_conflicts": True}
        self.person("omar").ask("POST", f"/api/meetings/{meeting}/convene", convene)
        if opened:
            self.person("amina").ask("POST", f"/api/meetings/{meeting}/open", {})
        return Sitting(self, meeting, mark)

    def connect(self, name: str, ticket: Mapping[str, Any]) -> Player:
        """Connect a client with a token (raises ConnectionRefused); no two players are called alike."""
        return self.begin_connect(name, ticket)(15)

    def begin_connect(self, name: str, ticket: Mapping[str, Any]) -> Callable[[float], Player]:
        return self.stage.begin_connect(
            f"{name}-{next(NUMBERS)}", token=self.remember("token", ticket["token"])
        )

    def focus(self) -> Player:
        """Connect with the account that Jitsi's focus has."""
        prosody = self.running.prosody
        account = (prosody.service_jid.partition("@")[0], prosody.service_password)
        return self.stage.connect(f"focus-{next(NUMBERS)}", account=account, domain=f"auth.{DOMAIN}")

    def roster(self, room: str) -> list[dict[str, Any]] | None:
        """Return who is in the conference and in its lobby as Prosody knows it; None when there is no conference."""
        prosody = self.running.prosody
        headers = {
            "Host": prosody.control_host,
            "Authorization": f"Bearer {self.running.settings['control_secret']}",
        }
        answer = httpx.post(
            f"{prosody.control_url}/roster", json={"room": room}, headers=headers, trust_env=False
        )
        return list(answer.json()["occupants"]) if answer.status_code == httpx.codes.OK else None

    def remember(self, kind: str, secret: str) -> str:
        """Note a secret that no log of the services may hold."""
        if len(secret) > 20:
            self.secrets[kind].add(secret)
        return secret

    def size(self) -> int:
        """Return how many entries the log has now."""
        with self.desk.units.read() as session:
            newest = latest(session, limit=1)
        return newest[0].position + 1 if newest else 0

    def records(self, mark: int, meeting: str | None = None) -> list[Record]:
        """Return the entries from position `mark` on, oldest first."""
        with self.desk.units.read() as session:
            found = latest(session, limit=2_000, meeting=meeting)
        return [record for record in reversed(found) if record.position >= mark]

    def entries(self, mark: int, kind: type[Kind], meeting: str | None = None) -> list[Kind]:
        """Return the entries of one kind from position `mark` on, oldest first."""
        return [record.entry for record in self.records(mark, meeting) if isinstance(record.entry, kind)]

    def wait_for(
        self, mark: int, kind: type[Kind], meeting: str | None = None, *, count: int = 1, **fields: object
    ) -> list[Kind]:
        """Return the entries of this kind with these fields once there are `count` of them."""
        found: list[Kind] = []

        def there() -> bool:
            found[:] = [
                entry
                for entry in self.entries(mark, kind, meeting)
                if all(getattr(entry, name) == value for name, value in fields.items())
            ]
            return len(found) >= count

        wait_until(there, f"{count} {kind.__name__} {fields or ''} in the log")
        return found


@dataclass
class Sitting:
    """A sitting of the finance committee and its conference; `mark` is the log's size before it was booked."""

    house: House
    id: str
    mark: int

    @property
    def room(self) -> str:
        """The conference's name; somebody must have asked for a token first."""
        with self.house.desk.units.read() as session:
            room = session.get(Room, self.id)
        assert room is not None, "nobody asked for a token yet"
        return self.house.remember("room", room.name)

    def ticket(self, visitor: str | Visitor) -> dict[str, Any]:
        """Ask for a join token (raises Refused)."""
        visitor = self.house.person(visitor) if isinstance(visitor, str) else visitor
        ticket = visitor.ticket(self.id)
        self.house.remember("token", ticket["token"])
        self.house.remember("room", ticket["room"])
        return ticket

    def connect(self, visitor: str | Visitor) -> Player:
        """Have somebody connect with a fresh token (raises Refused)."""
        name = visitor if isinstance(visitor, str) else visitor.key
        return self.house.connect(name, self.ticket(visitor))

    def enter(self, visitor: str | Visitor) -> tuple[Player, JoinOutcome]:
        """Have somebody connect with a fresh token and knock (raises Refused)."""
        player = self.connect(visitor)
        return player, player.join(self.room)

    def guest(self, name: str = "Me Samir Rami", kind: str = "witness") -> Visitor:
        """Invite a guest and have them use their link."""
        link = self.invite(name, kind)
        return self.house.browser(name.rpartition(" ")[2].lower()).use_link(link)

    def invite(self, name: str = "Me Samir Rami", kind: str = "witness") -> str:
        """Invite a guest and return their link."""
        link: str = self.house.person("omar").ask(
            "POST", f"/api/meetings/{self.id}/guests", {"kind": kind, "name": name, "organisation": "Barreau"}
        )["link"]
        self.house.remember("link", link.partition("#")[2])
        return link

    def wait_in_lobby(self, visitor: str | Visitor) -> tuple[Player, str]:
        """Have somebody knock, be sent to the lobby and sit down there; return the player and the connection."""
        player, outcome = self.enter(visitor)
        assert isinstance(outcome, Waiting), outcome
        player.join(self.room, lobby=True)
        name = visitor if isinstance(visitor, str) else visitor.key
        return player, self.connection_of(name, "lobby")

    def connection_of(self, name: str, where: str = "room") -> str:
        """Return the connection of whoever is called like this, as the chair sees it, once they are there."""
        found: list[str] = []

        def there() -> bool:
            names = {name.lower(), *(shown.lower() for shown in PEOPLE.get(name, ("", ""))[:2])}
            found[:] = [
                present["connection"]
                for present in self.present()
                if present["where"] == where
                and (present["name"].lower() in names or present["name"].split()[-1].lower() in names)
            ]
            return bool(found)

        wait_until(there, f"{name} in the {where}")
        return found[-1]

    def present(self) -> list[dict[str, Any]]:
        """Return who is inside and in the lobby, as the chair sees it."""
        return list(self.house.person("amina").ask("GET", f"/api/meetings/{self.id}/present"))

    def order(
        self, connection: str, verb: str, body: Mapping[str, Any] | None = None, by: str = "amina"
    ) -> None:
        """Have the chair (or somebody else) do something about a connection (raises Refused)."""
        self.house.person(by).ask("POST", f"/api/connections/{connection}/{verb}", body or {})

    def run(self, verb: str, by: str = "amina") -> dict[str, Any]:
        """Have the chair (or somebody else) open, close or move the sitting (raises Refused)."""
        return dict(self.house.person(by).ask("POST", f"/api/meetings/{self.id}/{verb}", {}))

    def entries(self, kind: type[Kind]) -> list[Kind]:
        """Return this meeting's entries of one kind, oldest first."""
        return self.house.entries(self.mark, kind, self.id)

    def wait_for(self, kind: type[Kind], *, count: int = 1, **fields: object) -> list[Kind]:
        """Return this meeting's entries of one kind once there are as many."""
        return self.house.wait_for(self.mark, kind, self.id, count=count, **fields)

    def story(self) -> list[str]:
        """Return the names of this meeting's entries, in order."""
        return [type(record.entry).__name__ for record in self.house.records(self.mark, self.id)]


def wait_until(there: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Return once it is so; fail after a while."""
    deadline = time.monotonic() + seconds
    while not there():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:.0f} s there is still not {what}")
        time.sleep(0.05)


@contextmanager
def house_in(directory: Path, database_url: str = "") -> Iterator[House]:
    """Run a house for the length of the block; at its end no log of its services may hold a secret."""
    try:
        with (
            appliance(
                directory,
                database_url=database_url,
                log_level="debug",
                prosody_settings="majlis_events_longest_wait = 0.5",
            ) as running,
            players(running.prosody.websocket_url, DOMAIN) as stage,
        ):
            house = House(running, stage, running.desk())
            try:
                yield house
            finally:
                for visitor in house.visitors.values():
                    visitor.close()
                house.desk.units.engine.dispose()
            assert leaks(house) == []
    except (ProsodyMissing, PlayersMissing) as missing:
        pytest.fail(str(missing), pytrace=False)


def leaks(house: House) -> list[str]:
    """Return the lines of the services' logs that hold a token, a link or (but for debug lines) a room's name."""
    names = {kind: secrets for kind, secrets in house.secrets.items() if secrets}
    paths = (
        house.running.prosody.log_path,
        house.running.prosody.directory / "prosody.out",
        house.running.control_plane.log,
    )
    return [
        f"{path.name}: a {kind}: {line[:160]}"
        for path in paths
        if path.exists()
        for line in path.read_text(errors="replace").splitlines()
        for kind, secrets in names.items()
        # Prosody's own debug lines name the addresses of stanzas; nobody runs a state's rooms at that level.
        if not (kind == "room" and "\tdebug\t" in line) and any(secret in line for secret in secrets)
    ]
