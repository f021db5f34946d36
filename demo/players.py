"""The players: real XMPP clients (npm's @xmpp/client), one Node process, spoken to in sentences.

with players(url, domain) as stage:
    amina = stage.connect("amina", token=token)
    match amina.join("room", nick="amina"):
        case Joined(role="moderator"): ...
        case Waiting(lobby): ...
        case TurnedAway(text=reason): ...
    amina.wait_for("kicked", timeout=5)
"""

import json
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.outcomes import (
    ConnectionRefused,
    Happening,
    IqAnswer,
    Joined,
    JoinOutcome,
    NotInTime,
    PlayerFailed,
    PlayersMissing,
    TurnedAway,
    Waiting,
)

__all__ = [
    "ConnectionRefused",
    "Happening",
    "IqAnswer",
    "JoinOutcome",
    "Joined",
    "NotInTime",
    "Player",
    "PlayerFailed",
    "PlayersMissing",
    "Stage",
    "TurnedAway",
    "Waiting",
    "players",
]

PLAYERS = Path(__file__).resolve().parent / "players"
PATIENCE = 15.0  # seconds an answer may take unless the caller says otherwise


@dataclass
class Player:
    """One connected client."""

    id: str
    jid: str
    stage: "Stage" = field(repr=False)

    def join(
        self,
        room: str,
        *,
        nick: str | None = None,
        name: str | None = None,
        lobby: bool = False,
        timeout: float = PATIENCE,
    ) -> JoinOutcome:
        """Enter `room`, or its lobby; `name` is what the client claims to be called."""
        return self.begin_join(room, nick=nick, name=name, lobby=lobby)(timeout)

    def begin_join(
        self, room: str, *, nick: str | None = None, name: str | None = None, lobby: bool = False
    ) -> Callable[[float], JoinOutcome]:
        """Knock without waiting; call what comes back, with seconds, for the outcome."""
        claimed = {} if name is None else {"name": name}
        pending = self.stage.send("join", self.id, room=room, nick=nick or self.id, lobby=lobby, **claimed)
        return lambda timeout: _outcome(pending.wait(timeout))

    def leave(self, room: str, *, lobby: bool = False) -> None:
        self.stage.ask("leave", self.id, room=room, lobby=lobby)

    def say(self, room: str, text: str, *, lobby: bool = False) -> None:
        self.stage.ask("say", self.id, room=room, text=text, lobby=lobby)

    def claim_name(self, room: str, name: str) -> None:
        """Send a later presence that claims another display name."""
        self.stage.ask("presence", self.id, room=room, name=name)

    def iq(self, to: str, xml: str, *, kind: str = "get", timeout: float = PATIENCE) -> IqAnswer:
        """Send an IQ with `xml` inside and return its answer."""
        reply = self.stage.send("iq", self.id, to=to, xml=xml, type=kind).wait(timeout)
        return IqAnswer(reply["type"], reply.get("condition", ""), reply.get("text", ""), reply["xml"])

    def send_raw(self, xml: str) -> None:
        self.stage.ask("raw", self.id, xml=xml)

    def disconnect(self) -> None:
        self.stage.ask("disconnect", self.id)

    def drop(self) -> None:
        """Cut the connection as a pulled cable would."""
        self.stage.ask("drop", self.id)

    def wait_for(self, kind: str, *, timeout: float = PATIENCE, **fields: Any) -> Happening:
        """Return the first unread happening of `kind` whose fields are these (raises NotInTime)."""
        return self.stage.wait_for(self.id, kind, timeout, fields)

    def happened(self, kind: str) -> list[Happening]:
        """What has happened up to now and nobody has waited for, without waiting."""
        return self.stage.happened(self.id, kind)


class Pending:
    """An answer on its way."""

    def __init__(self) -> None:
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()

    def give(self, reply: dict[str, Any]) -> None:
        self._answers.put(reply)

    def wait(self, timeout: float) -> dict[str, Any]:
        """Return the answer (raises NotInTime, PlayerFailed, ConnectionRefused)."""
        try:
            reply = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise NotInTime(f"no answer in {timeout} s") from None
        if reply["event"] == "failed":
            raise PlayerFailed(reply.get("text") or reply.get("condition") or "no reason given")
        if reply["event"] == "refused":
            raise ConnectionRefused(reply["condition"], reply["text"])
        return reply


class Stage:
    """The Node process and everybody connected through it."""

    def __init__(self, process: subprocess.Popen[str], url: str, domain: str) -> None:
        self._process = process
        self._url = url
        self._domain = domain
        self._pending: dict[int, Pending] = {}
        self._happenings: dict[str, list[Happening]] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def connect(
        self,
        player: str,
        *,
        token: str | None = None,
        url: str = "",
        account: tuple[str, str] | None = None,
        domain: str | None = None,
        timeout: float = PATIENCE,
    ) -> Player:
        """Connect a client (raises ConnectionRefused, or PlayerFailed if it never came to signing in).

        With `token` as Jitsi's client does, at `url` if the stage's own isn't it; with `account` (name,
        password) as focus does, on `domain`.
        """
        return self.begin_connect(player, token=token, url=url, account=account, domain=domain)(timeout)

    def begin_connect(
        self,
        player: str,
        *,
        token: str | None = None,
        room: str = "",
        url: str = "",
        account: tuple[str, str] | None = None,
        domain: str | None = None,
    ) -> Callable[[float], Player]:
        """Begin to connect without waiting; call what comes back, with seconds, for the player."""
        fields: dict[str, Any] = {"url": url or self._url, "domain": domain or self._domain}
        if token is not None:
            fields["token"] = token
        if room:
            fields["room"] = room
        if account is not None:
            fields["username"], fields["password"] = account
        pending = self.send("connect", player, **fields)
        return lambda timeout: Player(player, pending.wait(timeout)["jid"], self)

    def send(self, command: str, player: str, **fields: Any) -> Pending:
        pending = Pending()
        assert self._process.stdin is not None
        with self._changed:
            seq = len(self._pending) + 1
            self._pending[seq] = pending
            line = {"seq": seq, "do": command, "id": player, **fields}
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()
        return pending

    def ask(self, command: str, player: str, **fields: Any) -> dict[str, Any]:
        return self.send(command, player, **fields).wait(PATIENCE)

    def wait_for(self, player: str, kind: str, timeout: float, fields: dict[str, Any]) -> Happening:
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                unread = self._happenings.setdefault(player, [])
                for happening in unread:
                    if happening.kind == kind and fields.items() <= happening.fields.items():
                        unread.remove(happening)
                        return happening
                if not self._changed.wait(deadline - time.monotonic()):
                    kinds = ", ".join(happening.kind for happening in unread) or "nothing"
                    raise NotInTime(f"{player}: no {kind} {fields or ''} in {timeout} s, but {kinds}")

    def happened(self, player: str, kind: str) -> list[Happening]:
        with self._changed:
            return [happening for happening in self._happenings.get(player, []) if happening.kind == kind]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            reply = json.loads(line)
            seq = reply.pop("seq", None)
            if seq is not None:
                self._pending[seq].give(reply)
                continue
            with self._changed:
                happening = Happening(reply.pop("event"), reply)
                self._happenings.setdefault(reply.pop("id"), []).append(happening)
                self._changed.notify_all()


@contextmanager
def players(url: str, domain: str, authority: Path | None = None) -> Iterator[Stage]:
    """Open a stage at Prosody's WebSocket `url` for `domain` (raises PlayersMissing).

    `authority` is the file of one more certificate authority to believe.
    """
    if shutil.which("node") is None:
        raise PlayersMissing("node is not installed: apt-get install nodejs npm, then make setup")
    if not (PLAYERS / "node_modules" / "@xmpp" / "client").is_dir():
        raise PlayersMissing("the players' npm modules are missing: run make setup")
    process = subprocess.Popen(
        ["node", str(PLAYERS / "players.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=PLAYERS,
        env={**os.environ, **({"NODE_EXTRA_CA_CERTS": str(authority.resolve())} if authority else {})},
    )
    stage = Stage(process, url, domain)
    try:
        yield stage
    finally:
        stage.close()


def _outcome(reply: dict[str, Any]) -> JoinOutcome:
    match reply["event"]:
        case "joined":
            return Joined(reply["room"], reply["nick"], reply["name"], reply["role"], reply["affiliation"])
        case "lobby":
            return Waiting(reply["lobbyroom"], reply["text"])
        case "turned_away":
            return TurnedAway(reply["condition"], reply["text"])
        case other:
            raise PlayerFailed(f"an answer nobody knows: {other}")
