"""A FAKE control plane: answers Prosody's questions from a script, on a loopback port.

It decides nothing: a test says who is known, who may enter what, and how badly it behaves.
"""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Verdict = dict[str, Any]
Answer = tuple[int, Any]

GATE_SECRET = "gate-secret-of-the-tests"
CONTROL_SECRET = "control-secret-of-the-tests"


@dataclass
class Question:
    """One request that Prosody made."""

    path: str
    body: dict[str, Any]
    authorization: str
    node: str


@dataclass
class FakeControlPlane:
    """The script. Tests change it while Prosody runs."""

    names: dict[str, str] = field(default_factory=dict)  # token → the account's display name
    bookable: set[str] = field(default_factory=set)  # rooms that may be created
    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)  # (token, room) → verdict
    lobby_verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    delay: float = 0.0  # seconds before each answer of the gate
    spoiled: Callable[[str], Answer | None] | None = None  # path → another answer than the script's
    hangs_up: int = 0  # so many of the next questions are answered by breaking the connection
    questions: list[Question] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)  # in order, each once
    wanted: dict[str, int] = field(default_factory=dict)  # epoch → next seq
    received_twice: int = 0
    port: int = 0
    tls: ssl.SSLContext | None = None
    connections: int = 0  # accepted since the start
    _held: dict[str, threading.Event] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _server: "_Server | None" = None

    @property
    def gate_url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/gate"

    def know(self, *tokens: str) -> None:
        for token in tokens:
            self.names.setdefault(token, f"{token.title()} عضو")

    def admit(self, token: str, room: str, *, role: str = "participant", affiliation: str = "member") -> None:
        self.know(token)
        self.bookable.add(room)
        self.verdicts[token, room] = {
            "verdict": "admit",
            "affiliation": affiliation,
            "role": role,
            "name": self.names[token],
            "seat": f"seat-{token}",
        }

    def send_to_lobby(self, token: str, room: str, reason: str = "Please wait") -> None:
        self.know(token)
        self.bookable.add(room)
        self.verdicts[token, room] = {"verdict": "lobby", "reason": reason}
        self.lobby_verdicts[token, room] = {
            "verdict": "admit",
            "affiliation": "member",
            "role": "participant",
            "name": self.names[token],
            "seat": f"seat-{token}",
        }

    def refuse(self, token: str, room: str, reason: str) -> None:
        self.know(token)
        self.bookable.add(room)
        self.verdicts[token, room] = {"verdict": "refuse", "reason": reason, "policy": "test"}

    def kinds(self, room: str) -> list[str]:
        with self._lock:
            return [event["kind"] for event in self.events if event.get("room") == room]

    def wait_until(self, holds: Callable[["FakeControlPlane"], bool], timeout: float = 5.0) -> None:
        """Return when `holds`; raises TimeoutError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self._lock:
                if holds(self):
                    return
            time.sleep(0.01)
        with self._lock:
            raise TimeoutError(f"not in {timeout} s; events: {self.events}")

    def asked(self, path: str, **fields: Any) -> list[Question]:
        with self._lock:
            return [q for q in self.questions if q.path == path and fields.items() <= q.body.items()]

    @contextmanager
    def holding(self, path: str) -> Iterator[None]:
        """Let every question to `path` wait until the block ends."""
        self._held[path] = threading.Event()
        try:
            yield
        finally:
            self._held.pop(path).set()

    def start(self) -> None:
        """Listen; after stop(), on the same port again."""
        server = _Server(self)
        self._server, self.port = server, server.server_address[1]
        if self.tls:
            server.socket = self.tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Refuse connections and break those that are open, as a crash does."""
        if self._server is not None:
            self._server.shutdown()
            self._server.break_connections()
            self._server.server_close()
            self._server = None

    def reply(self, question: Question) -> Answer:
        with self._lock:
            self.questions.append(question)
        held = self._held.get(question.path)
        if held is not None:
            held.wait(20)
        if question.authorization != f"Bearer {GATE_SECRET}":
            return 401, {"error": "wrong_secret"}
        if self.spoiled is not None and (spoiled := self.spoiled(question.path)) is not None:
            return spoiled
        if question.path == "/gate/events":
            return self.take(question.body)
        time.sleep(self.delay)
        return {"/gate/connect": self._connect, "/gate/room": self._room, "/gate/join": self._join}[
            question.path
        ](question.body)

    def _connect(self, body: dict[str, Any]) -> Answer:
        token = body["token"]
        if token not in self.names:
            return 403, {"reason": "Jeton inconnu · رمز غير معروف", "code": "token_unknown"}
        number = len(self.asked("/gate/connect"))
        return 200, {
            "connection": f"{token}#{number}",
            "username": f"u{number}x{token}",
            "session": {
                "jitsi_meet_room": "room",
                "jitsi_meet_domain": "meet.majlis.test",
                "jitsi_meet_context_user": {"id": token, "name": self.names[token]},
                "jitsi_meet_context_features": {"recording": False},
            },
        }

    def _room(self, body: dict[str, Any]) -> Answer:
        if body["room"] in self.bookable:
            return 200, {"lobby": True}
        return 403, {"reason": "Nothing is booked here"}

    def _join(self, body: dict[str, Any]) -> Answer:
        token = (body["connection"] or "").split("#")[0]
        script = self.lobby_verdicts if body["lobby"] else self.verdicts
        return 200, script.get((token, body["room"]), {"verdict": "refuse", "reason": "Not invited"})

    def take(self, batch: dict[str, Any]) -> Answer:
        """Count each event of the batch once."""
        with self._lock:
            wanted = self.wanted.setdefault(batch["epoch"], 1)
            if batch["events"][0]["seq"] > wanted:
                return 409, {"next": wanted}
            for event in batch["events"]:
                if event["seq"] < wanted:
                    self.received_twice += 1
                    continue
                self.events.append(event)
                wanted += 1
            self.wanted[batch["epoch"]] = wanted
            return 200, {"next": wanted}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, plane: FakeControlPlane) -> None:
        super().__init__(("127.0.0.1", plane.port), _handler_of(plane))
        self._plane = plane
        self._open: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        self._plane.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def break_connections(self) -> None:
        for request in list(self._open):
            self.shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that Prosody or stop() broke is part of the script."""


def _handler_of(plane: FakeControlPlane) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65536

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            question = Question(
                self.path,
                body,
                self.headers.get("Authorization", ""),
                self.headers.get("X-Majlis-Node", ""),
            )
            if plane.hangs_up > 0:
                plane.hangs_up -= 1
                self.close_connection = True
                return
            status, answer = plane.reply(question)
            text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing: the test says what went wrong."""

    return Handler
