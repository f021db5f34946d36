"""Debian's Prosody in the foreground, in a directory of its own, with our modules, on loopback ports."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

MODULES = Path(__file__).resolve().parent.parent / "playbooks/roles/prosody/files"
ATTEMPTS = 3
NODE = "node-1"  # this host's name in its events


class ProsodyMissing(Exception):
    """Prosody isn't installed."""


class ProsodyFailed(Exception):
    """Prosody didn't answer in time; the message ends with its log."""


@dataclass
class RunningProsody:
    """A Prosody that answers. `websocket_url` and `control_url` are on loopback."""

    directory: Path
    domain: str
    port: int
    service_jid: str
    service_password: str
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def websocket_url(self) -> str:
        """Where clients connect, to which `?token=` is added."""
        return f"ws://127.0.0.1:{self.port}/xmpp-websocket"

    @property
    def bosh_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/http-bind"

    @property
    def control_url(self) -> str:
        """Where the control plane posts its commands, with `Host:` `control_host`."""
        return f"http://127.0.0.1:{self.port}/majlis/control"

    @property
    def control_host(self) -> str:
        return f"conference.{self.domain}"

    @property
    def log_path(self) -> Path:
        return self.directory / "prosody.log"

    def kill(self) -> None:
        """Let it die as in a crash (SIGKILL)."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=5)

    def stop(self) -> None:
        """End it as an operator would; after 10 s, kill it."""
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()

    def start(self) -> None:
        """Start it again in the same directory and on the same port (raises ProsodyFailed)."""
        self.process = _spawn(self.directory)
        _wait_until_it_answers(self)

    def restart(self) -> None:
        self.stop()
        self.start()


@contextmanager
def prosody(
    directory: Path,
    domain: str,
    gate_url: str,
    gate_secret: str,
    control_secret: str,
    *,
    service_password: str = "focus-on-loopback-only",
    gate_timeout: float = 5.0,
    log_level: str = "info",
    settings: str = "",
    gated: bool = True,
) -> Iterator[RunningProsody]:
    """Run a Prosody in `directory` for the length of the block.

    `gate_url` is the control plane's `…/gate`, `gate_timeout` how many seconds it has for an answer,
    `settings` more lines for the global part of the configuration. Secrets have at least 16 characters.
    With `gated=False` anybody enters and nobody is asked: the yardstick that the gate's cost is measured by.
    Raises ProsodyMissing if the program isn't installed, ProsodyFailed if it doesn't come up.
    """
    if shutil.which("prosody") is None:
        raise ProsodyMissing("prosody is not installed: apt-get install prosody (Debian 12 has 0.12)")
    directory.mkdir(parents=True, exist_ok=True)
    _write_secret(directory / "gate-secret", gate_secret)
    _write_secret(directory / "control-secret", control_secret)
    _write_service_account(directory, domain, service_password)
    for attempt in range(1, ATTEMPTS + 1):
        port = _free_port()
        configuration = CONFIGURATION.substitute(
            directory=directory,
            modules=MODULES,
            domain=domain,
            node=NODE,
            port=port,
            gate=gate_url,
            gate_timeout=gate_timeout,
            level=log_level,
            as_root="true" if os.geteuid() == 0 else "false",
            settings=settings,
            authentication="majlis" if gated else "anonymous",
            conference_modules='"majlis_gate", "majlis_events", "majlis_control"' if gated else "",
            lobby_modules='"majlis_gate", "majlis_events"' if gated else "",
        )
        (directory / "prosody.cfg.lua").write_text(configuration)
        running = RunningProsody(
            directory, domain, port, f"focus@auth.{domain}", service_password, _spawn(directory)
        )
        try:
            _wait_until_it_answers(running)
            break
        except ProsodyFailed:  # somebody may have taken the port between our look and Prosody's
            running.stop()
            if attempt == ATTEMPTS:
                raise
    try:
        yield running
    finally:
        running.stop()


def _spawn(directory: Path) -> subprocess.Popen[bytes]:
    with (directory / "prosody.out").open("ab") as out:
        return subprocess.Popen(
            ["prosody", "-F", "--config", str(directory / "prosody.cfg.lua")],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def _wait_until_it_answers(running: RunningProsody, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/xmpp-websocket", timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise ProsodyFailed(
        f"Prosody didn't answer on port {running.port} in {seconds} s:\n{_last_words(running)}"
    )


def _last_words(running: RunningProsody) -> str:
    paths = (running.directory / "prosody.out", running.log_path)
    return "\n".join(path.read_text(errors="replace")[-2000:] for path in paths if path.exists())


def _write_secret(path: Path, secret: str) -> None:
    path.touch(mode=0o600)
    path.write_text(secret + "\n")


def _write_service_account(directory: Path, domain: str, password: str) -> None:
    """Lay focus's account down as Prosody stores it: at the first sign-in it hashes the password itself."""
    accounts = directory / "data" / f"auth.{domain}".replace(".", "%2e").replace("-", "%2d") / "accounts"
    accounts.mkdir(parents=True, exist_ok=True)
    (accounts / "focus.dat").write_text(f'return {{ ["password"] = "{password}" }};\n')


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# Whoever may not create rooms, wait or speak is the gate's business; here is only what Jitsi needs.
# MUC rooms live in memory: on disk they would come back after a restart with occupants long gone.
CONFIGURATION = Template("""\
run_as_root = $as_root
data_path = "$directory/data"
certificates = "$directory"
plugin_paths = { "$modules" }
log = { { levels = { min = "$level" }, to = "file", filename = "$directory/prosody.log" } }
modules_enabled = { "saslauth", "disco", "ping", "websocket", "bosh" }
modules_disabled = { "s2s", "s2s_auth_certs", "offline" }
c2s_ports = {}
s2s_ports = {}
https_ports = {}
component_ports = {}
http_ports = { $port }
http_interfaces = { "127.0.0.1" }
http_default_host = "$domain"
consider_websocket_secure = true
consider_bosh_secure = true

majlis_gate = "$gate"
majlis_gate_timeout = $gate_timeout
majlis_gate_secret_file = "$directory/gate-secret"
majlis_control_secret_file = "$directory/control-secret"
majlis_control_from = { "127.0.0.1", "::1" }
majlis_node = "$node"
majlis_domain = "$domain"
majlis_service_jids = { "focus@auth.$domain" }
majlis_spool_directory = "$directory/spool"
muc_room_cache_size = 10000
$settings

VirtualHost "$domain"
	authentication = "$authentication"
	storage = "none"

VirtualHost "auth.$domain"
	authentication = "internal_hashed"
	admins = { "focus@auth.$domain" }

Component "conference.$domain" "muc"
	storage = "memory"
	modules_enabled = { $conference_modules }
	admins = { "focus@auth.$domain" }
	muc_room_locking = false
	muc_room_default_public_jids = true
	muc_tombstones = false

Component "lobby.$domain" "muc"
	storage = "memory"
	modules_enabled = { $lobby_modules }
	muc_room_locking = false
	muc_room_default_public_jids = true
	muc_tombstones = false
""")
