"""A parliament's morning, played by real XMPP clients against a running appliance."""

import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from control_plane.database import utc_now
from control_plane.meetings.service import to_wall
from demo.parliament import PEOPLE, ZONE, Parliament, email
from demo.people import Refused, Visitor
from demo.players import ConnectionRefused, Joined, JoinOutcome, Player, Stage, TurnedAway, Waiting

MEMBERS = ("amina", "brahim", "chaimae", "driss", "fatima", "ghita", "hamid", "ilham", "jamal", "karima", "larbi", "malika")  # fmt: skip
WITNESS = "Me Samir Rami"
TOO_LATE = 1.0  # seconds after a token's end at which it is shown

Say = Callable[[str], None]


class NotAsPlanned(Exception):
    """The appliance decided otherwise than the script of this morning says."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tried what, and what came of it in the appliance's own words."""

    who: str
    what: str
    outcome: str
    good: bool
    decided_by: str


@dataclass
class Morning:
    """The script: each method is a scene.

    `url` is the appliance, `stage` its Prosody, `say` shows progress, `decided_by` names what decided the newest
    decision of the log, where the log can be read, and `trust` is what the visitors' browsers believe. With
    `among_others` the house has other sittings at the same time, and the clerks accept that.
    """

    url: str
    stage: Stage
    parliament: Parliament
    password: str = field(repr=False)
    say: Say
    decided_by: Callable[[], str] = lambda: ""
    among_others: bool = False
    trust: ssl.SSLContext | None = field(default=None, repr=False)
    attempts: list[Attempt] = field(default_factory=list)
    committee: str = ""
    cabinet: str = ""
    link: str = field(default="", repr=False)
    early: dict[str, Any] = field(default_factory=dict, repr=False)
    visitors: dict[str, Visitor] = field(default_factory=dict)

    SCENES = ("book", "convene", "open", "gather", "lobby", "strangers", "in_camera", "close")

    def play(self, progress: Callable[[int, int], None] = lambda _done, _of: None) -> None:
        """Play every scene in order (raises NotAsPlanned)."""
        with ExitStack() as stack:
            stack.callback(self._go_home)
            for number, scene in enumerate(self.SCENES):
                progress(number, len(self.SCENES))
                getattr(self, scene)()
            progress(len(self.SCENES), len(self.SCENES))

    def _go_home(self) -> None:
        for visitor in self.visitors.values():
            visitor.close()

    def book(self) -> None:
        self.say("the clerk books a committee session, the cabinet's clerk a cabinet meeting")
        starts = to_wall(utc_now(), ZONE).replace(second=0, microsecond=0)
        times = {
            "starts_wall": starts.isoformat(),
            "ends_wall": (starts + timedelta(hours=2)).isoformat(),
            "accept_conflicts": self.among_others,
        }
        agenda = [{"title": "Audition de Me Rami"}, {"title": "Délibération", "public": False}]
        booking = {"body_id": self.parliament.bodies["finance"], "title": "Projet de loi de finances 2027"}
        self.committee = self.person("omar").ask(
            "POST", "/api/meetings", {**booking, **times, "agenda": agenda}
        )["id"]
        self._note("omar", "books the finance committee's session", "booked")
        cabinet = {"body_id": self.parliament.bodies["cabinet"], "title": "مجلس الحكومة الأسبوعي", **times}
        self._refused(
            "sanae",
            "books a cabinet meeting (confidential) with a password",
            lambda: self.person("sanae").ask("POST", "/api/meetings", cabinet),
        )
        restricted = {**cabinet, "classification": "restricted"}
        self.cabinet = self.person("sanae").ask("POST", "/api/meetings", restricted)["id"]
        self._note("sanae", "books it as restricted, from the parliament's network", "booked")

    def convene(self) -> None:
        self.say("members and a witness are convened")
        guest = {"kind": "witness", "name": WITNESS, "organisation": "Barreau de Rabat"}
        self.link = self.person("omar").ask("POST", f"/api/meetings/{self.committee}/guests", guest)["link"]
        self._refused(
            "omar",
            "convenes today's session without a reason for the short notice",
            lambda: self.person("omar").ask("POST", f"/api/meetings/{self.committee}/convene", {}),
        )
        for clerk, meeting in (("omar", self.committee), ("sanae", self.cabinet)):
            why = {"reason": "Urgence budgétaire", "accept_conflicts": self.among_others}
            self.person(clerk).ask("POST", f"/api/meetings/{meeting}/convene", why)
            self._note(clerk, "convenes, and says why at such short notice", "convened")

    def open(self) -> None:
        self.say("the chair opens")
        self._refused(
            "driss",
            "opens the session, a member",
            lambda: self.person("driss").ask("POST", f"/api/meetings/{self.committee}/open", {}),
        )
        self.person("amina").ask("POST", f"/api/meetings/{self.committee}/open", {})
        self._note("amina", "opens the session", "open")
        self.early = self.person("jamal").ticket(self.committee)
        self.early["until"] = time.monotonic() + self._seconds_left(self.early)

    def gather(self) -> None:
        self.say("twelve members join")
        tickets = {key: self.person(key).ticket(self.committee) for key in MEMBERS}
        connecting = [self.person(key).begin_connect(self.stage, ticket) for key, ticket in tickets.items()]
        clients = [connect(15) for connect in connecting]
        joining = [client.begin_join(tickets[client.id]["room"]) for client in clients]
        inside = [_as(Joined, join(15)) for join in joining]
        chairs = [joined for joined in inside if joined.role == "moderator"]
        self._note("12 members", "join with their tokens", f"all inside, {len(chairs)} of them moderators")
        if len(inside) != len(MEMBERS) or len(chairs) != 2:
            raise NotAsPlanned(f"{len(inside)} members inside, {len(chairs)} moderators")

    def lobby(self) -> None:
        self.say("the witness waits in the lobby and is admitted")
        witness = self.visitors.setdefault(
            "witness", Visitor("witness", self.url, trust=self.trust)
        ).use_link(self.link)
        ticket = witness.ticket(self.committee)
        player = witness.begin_connect(self.stage, ticket)(15)
        waiting = _as(Waiting, player.join(ticket["room"]))
        _as(Joined, player.join(ticket["room"], lobby=True))
        self._note(WITNESS, "joins with the link", waiting.text)
        connection = self._connection_of(WITNESS, "lobby")
        self.person("amina").ask("POST", f"/api/connections/{connection}/let-in", {})
        player.wait_for("invited", timeout=10)
        _as(Joined, player.join(ticket["room"]))
        self._note("amina", f"admits {WITNESS}", "inside")

    def strangers(self) -> None:
        self.say("strangers try the door")
        for who, what in (
            ("simo", "asks to enter, an official nobody invited"),
            ("tarik", "asks to enter, a member of another committee"),
            ("leila", "asks to enter, the security officer"),
        ):
            self._refused(who, what, lambda who=who: self.person(who).ticket(self.committee))  # type: ignore[misc]
        copy = self.visitors.setdefault("copy", Visitor("copy", self.url, trust=self.trust))
        self._refused("somebody", "uses a copy of the witness's link", lambda: copy.use_link(self.link))
        used = self.person("ghita").ticket(self.committee)
        self._connect("ghita-again", used).disconnect()
        self._refused("somebody", "connects with a token that was used", lambda: self._connect("copy", used))
        self._refused("somebody", "connects without a token", lambda: self._connect("nobody", {"token": ""}))
        self._wait_for_the_end_of(self.early)
        self._refused(
            "jamal", "connects with a token that expired", lambda: self._connect("late", self.early)
        )
        early = self.person("mehdi").enter(self.stage, self.cabinet)
        self._note("mehdi", "enters the cabinet meeting before its chair opened it", _as(Waiting, early).text)

    def in_camera(self) -> None:
        self.say("the committee goes in camera, and the witness is moved out")
        witness = self.visitors["witness"]
        player = witness.player
        if player is None:
            raise NotAsPlanned("the witness never came")
        moved = self.person("amina").ask("POST", f"/api/meetings/{self.committee}/in-camera", {})
        kicked = player.wait_for("kicked", timeout=10)
        self._note(
            "amina", "moves the sitting in camera", f"{moved['to_lobby']} moved out: {kicked['reason']}"
        )
        outcome = player.join(witness.ticket(self.committee)["room"])
        self._note(WITNESS, "tries to come back", _as(Waiting, outcome).text)

    def close(self) -> None:
        self.say("the meeting closes")
        self.person("amina").ask("POST", f"/api/meetings/{self.committee}/close", {})
        member = self.person("driss").player
        if member is None:
            raise NotAsPlanned("the member never came")
        member.wait_for("destroyed", timeout=10)
        self._note("amina", "closes the session", "the conference is gone, every token is worth nothing")
        self._refused(
            "driss", "asks to enter after closing", lambda: self.person("driss").ticket(self.committee)
        )

    def person(self, key: str) -> Visitor:
        """Return somebody of the sample parliament at their browser, signed in."""
        if key not in self.visitors:
            visitor = Visitor(key, self.url, PEOPLE[key][2], self.trust)
            self.visitors[key] = visitor.sign_in(email(key), self.password)
        return self.visitors[key]

    def _connect(self, player: str, ticket: dict[str, Any]) -> Player:
        place = {"url": self.early["websocket_url"], "domain": self.early["domain"]}
        return self.stage.connect(player, token=ticket["token"], **place)

    def _connection_of(self, name: str, where: str) -> str:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for present in self.person("amina").ask("GET", f"/api/meetings/{self.committee}/present"):
                if present["name"] == name and present["where"] == where:
                    return str(present["connection"])
            time.sleep(0.1)
        raise NotAsPlanned(f"{name} is not in the {where}")

    def _seconds_left(self, ticket: dict[str, Any]) -> float:
        return (datetime.fromisoformat(ticket["expires_at"]) - utc_now()).total_seconds()

    def _wait_for_the_end_of(self, ticket: dict[str, Any]) -> None:
        left = ticket["until"] + TOO_LATE - time.monotonic()
        if left > 0:
            self.say(f"waiting {left:.0f} s for a token to expire")
            time.sleep(left)

    def _note(self, who: str, what: str, outcome: str, *, good: bool = True, decided_by: str = "") -> None:
        self.attempts.append(
            Attempt(PEOPLE[who][1] if who in PEOPLE else who, what, outcome, good, self.decided_by())
        )

    def _refused(self, who: str, what: str, attempt: Callable[[], Any]) -> None:
        try:
            outcome = attempt()
        except Refused as refused:
            self._note(who, what, refused.sentence, good=False, decided_by=refused.decided_by)
        except ConnectionRefused as refused:
            self._note(who, what, refused.text, good=False)
        else:
            raise NotAsPlanned(f"{who} {what}: that should have been refused, and was not: {outcome!r}")


def _as(kind: type[Any], outcome: JoinOutcome) -> Any:
    if not isinstance(outcome, kind):
        said = outcome.text if isinstance(outcome, TurnedAway | Waiting) else repr(outcome)
        raise NotAsPlanned(f"{type(outcome).__name__} ({said}) where the script says {kind.__name__}")
    return outcome
