"""A real sshd on loopback with keys of its own: what answers for a machine in these tests."""

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SSHD = Path("/usr/sbin/sshd")
LIMIT_SECONDS = 10


@dataclass(frozen=True)
class KeyPair:
    """An Ed25519 key in OpenSSH's two forms."""

    private: str
    public: str


@dataclass(frozen=True)
class Answering:
    """Where it answers, what it shows, and the one key that opens it."""

    port: int
    host: KeyPair
    client: KeyPair
    address: str = "127.0.0.1"

    @property
    def user(self) -> str:
        return getpass.getuser()


def key_pair(directory: Path, name: str) -> KeyPair:
    """Make a key pair."""
    file = directory / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)], check=True)
    return KeyPair(file.read_text(), " ".join(file.with_suffix(".pub").read_text().split()[:2]))


@contextmanager
def answering(directory: Path) -> Iterator[Answering]:
    """Run sshd until the end of the block."""
    if not SSHD.exists() or shutil.which("ssh") is None:
        pytest.skip("no OpenSSH server on this machine")
    host, client = key_pair(directory, "host"), key_pair(directory, "client")
    (directory / "authorized").write_text(client.public + "\n")
    port = free_port()
    (directory / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {directory / 'host'}\n"
        f"AuthorizedKeysFile {directory / 'authorized'}\nStrictModes no\nUsePAM no\nPidFile none\n"
        "PasswordAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)  # Debian's unit makes it, and nothing here runs units
    with (directory / "sshd.log").open("w") as log:
        server = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(directory / "sshd_config")], stderr=log)
    try:
        await_port(port)
        yield Answering(port, host, client)
    finally:
        server.terminate()
        server.wait(LIMIT_SECONDS)


def free_port() -> int:
    """Return a port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_port(port: int) -> None:
    """Wait until somebody listens there."""
    until = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nobody listens on port {port}")
