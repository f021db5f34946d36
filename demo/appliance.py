"""The whole appliance on loopback: the control plane on SQLite, and Debian's Prosody with our modules."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from control_plane.database import utc_now
from control_plane.desk import Desk, prepare, set_up_desk
from control_plane.permission import Permission
from control_plane.settings import Settings
from demo.parliament import Parliament, found
from demo.prosody import NODE, RunningProsody, prosody

DOMAIN = "meet.majlis.test"
START_SECONDS = 20.0


class ControlPlaneFailed(Exception):
    """The control plane didn't answer in time; the message ends with its output."""


@dataclass
class ControlPlane:
    """`majlis serve` on a port of loopback; what it says is added to `log`."""

    settings: Mapping[str, str] = field(repr=False)
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Its address: by TLS where the settings name a certificate."""
        scheme = "https" if "tls_certificate" in self.settings else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, again if need be, and return once it answers (raises ControlPlaneFailed)."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAJLIS_")}
        environment |= {f"MAJLIS_{name.upper()}": value for name, value in self.settings.items()}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "control_plane", "serve", "--port", str(self.port)],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        _wait_until_it_answers(self.process, self.url, self.log)

    def stop(self) -> None:
        """End it as an operator would; after 10 s, kill it."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Let it die as in a crash (SIGKILL)."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True, slots=True)
class Appliance:
    """An appliance that runs: where it is, and what was loaded into it."""

    url: str
    directory: Path
    settings: Mapping[str, str]
    control_plane: ControlPlane
    prosody: RunningProsody
    parliament: Parliament
    password: str = field(repr=False)

    def desk(self) -> Desk:
        """Open the same database and keys beside the running service, to look at what it wrote."""
        return set_up_desk(parsed(self.settings), utc_now)


@contextmanager
def appliance(
    directory: Path,
    *,
    port: int = 0,
    database_url: str = "",
    token_seconds: int = 10,
    log_level: str = "info",
    prosody_settings: str = "",
) -> Iterator[Appliance]:
    """Set everything up in `directory` and run it for the length of the block.

    `log_level` and `prosody_settings` are Prosody's. Raises ProsodyMissing, ProsodyFailed, ControlPlaneFailed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = port or _free_port()
    url = f"http://127.0.0.1:{port}"
    gate_secret, control_secret = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with prosody(
        directory / "prosody",
        DOMAIN,
        f"{url}/gate",
        gate_secret,
        control_secret,
        log_level=log_level,
        settings=prosody_settings,
    ) as running:
        settings = {
            "database_url": database_url or f"sqlite:///{directory / 'majlis.db'}",
            "domain": DOMAIN,
            "base_url": url,
            "keys": str(directory / "keys"),
            "gate_secret": gate_secret,
            "control_secret": control_secret,
            "signalling": f'{{"{NODE}": "http://127.0.0.1:{running.port}"}}',
            "pools": json.dumps(
                {
                    "all": {
                        "classifications": ["public", "restricted", "confidential", "secret"],
                        "signalling": [NODE],
                        "websocket": running.websocket_url,
                    }
                }
            ),
            "token_seconds": str(token_seconds),
            "zones": '{"parliament": ["127.0.0.0/8"]}',
            "secure_cookies": "false",
        }
        prepare(parsed(settings), utc_now)
        password = f"demo-{secrets.token_hex(4)}"
        parliament = _load(set_up_desk(parsed(settings), utc_now), password)
        control_plane = ControlPlane(settings, port, directory / "control-plane.log")
        try:
            control_plane.start()
            yield Appliance(url, directory, settings, control_plane, running, parliament, password)
        finally:
            control_plane.stop()


def parsed(settings: Mapping[str, str]) -> Settings:
    """Return settings given as the environment gives them, without touching this process's environment."""
    fields: Any = {
        name: json.loads(value) if value.startswith("{") else value for name, value in settings.items()
    }
    return Settings(**fields)


def _load(desk: Desk, password: str) -> Parliament:
    new = desk.entrance.passwords.prepare(password)
    with desk.units.begin() as unit:
        parliament = found(unit, Permission(desk.policies.engine), new)
    desk.units.engine.dispose()
    return parliament


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", trust_env=False, timeout=1, verify=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    process.kill()
    process.wait()
    raise ControlPlaneFailed(f"the control plane did not come up at {url}:\n{log.read_text()[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
