"""One Prosody a module, one fake control plane, one stage of real clients."""

import http.client
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.players import Player, PlayersMissing, Stage, players
from demo.prosody import ProsodyMissing, RunningProsody, prosody
from tests.doubles.fake_control_plane import CONTROL_SECRET, GATE_SECRET, FakeControlPlane

DOMAIN = "meet.majlis.test"
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def plane() -> Iterator[FakeControlPlane]:
    plane = FakeControlPlane()
    plane.start()
    yield plane
    plane.stop()


@pytest.fixture(scope="module")
def server(
    plane: FakeControlPlane, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[RunningProsody]:
    """Run Prosody for the module; its SETTINGS are further lines of the configuration."""
    directory: Path = tmp_path_factory.mktemp("prosody")
    try:
        with prosody(
            directory,
            DOMAIN,
            plane.gate_url,
            GATE_SECRET,
            CONTROL_SECRET,
            gate_timeout=1.5,
            log_level="debug",
            settings="majlis_events_longest_wait = 0.5\n" + getattr(request.module, "SETTINGS", ""),
        ) as running:
            yield running
    except ProsodyMissing as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture(scope="module")
def stage(server: RunningProsody) -> Iterator[Stage]:
    try:
        with players(server.websocket_url, DOMAIN) as stage:
            yield stage
    except PlayersMissing as missing:
        pytest.fail(str(missing), pytrace=False)


@dataclass
class Cast:
    """Whoever a test puts on the stage leaves it afterwards."""

    stage: Stage
    server: RunningProsody
    entered: list[Player]

    def __call__(self, token: str) -> Player:
        """Connect a person by their token; the player is called like it."""
        player = self.stage.connect(f"{token}-{next(NUMBERS)}", token=token)
        self.entered.append(player)
        return player

    def focus(self) -> Player:
        account = (self.server.service_jid.split("@")[0], self.server.service_password)
        player = self.stage.connect(f"focus-{next(NUMBERS)}", account=account, domain=f"auth.{DOMAIN}")
        self.entered.append(player)
        return player


@pytest.fixture
def cast(stage: Stage, server: RunningProsody) -> Iterator[Cast]:
    cast = Cast(stage, server, [])
    yield cast
    for player in cast.entered:
        player.disconnect()


@pytest.fixture
def room(plane: FakeControlPlane) -> Iterator[str]:
    """Give the name of a room that no other test uses, and put the script right again."""
    yield f"room-{next(NUMBERS)}"
    plane.delay, plane.spoiled = 0.0, None


@dataclass(frozen=True)
class Control:
    """The control plane's side of Prosody's control module."""

    server: RunningProsody

    def __call__(self, command: str, **order: Any) -> tuple[int, dict[str, Any]]:
        return self.post(command, json.dumps(order).encode())

    def post(
        self,
        command: str,
        body: bytes,
        *,
        secret: str = CONTROL_SECRET,
        host: str = f"conference.{DOMAIN}",
        forwarded_for: str | None = None,
        path: str = "/majlis/control/",
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Host": host, "Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        if forwarded_for is not None:
            headers["X-Forwarded-For"] = forwarded_for
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=5)
        try:
            connection.request("POST", path + command, body=body, headers=headers)
            response = connection.getresponse()
            text = response.read()
            is_json = response.headers.get_content_type() == "application/json"
            return response.status, json.loads(text) if is_json else {}
        finally:
            connection.close()

    def roster(self, room: str) -> list[dict[str, Any]]:
        occupants: list[dict[str, Any]] = self("roster", room=room)[1].get("occupants", [])
        return occupants


@pytest.fixture
def control(server: RunningProsody) -> Control:
    return Control(server)
