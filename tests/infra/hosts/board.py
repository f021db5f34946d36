"""OpenStack's Redfish emulator as the board of a machine: TLS, an account, power and virtual media.

The machine behind it is the emulator's own pretended one, which takes seconds to switch on or off, as real ones do
(libvirt's test:///default has power and no storage that a medium could be put in). The medium is fetched for real.
"""

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.infra.hosts.answering import await_port, free_port
from tests.loopback import loopback_certificate

ACCOUNT, PASSWORD = "majlis", "board-password-of-this-trial"
LIMIT_SECONDS = 10


@dataclass(frozen=True)
class Board:
    """Where the board answers, the authority of its certificate, and an image that it can fetch."""

    url: str
    authority: Path
    image: str


@contextmanager
def board(directory: Path) -> Iterator[Board]:
    """Run the emulator until the end of the block."""
    emulator = Path(sys.executable).with_name("sushy-emulator")
    if not emulator.exists():
        pytest.skip("sushy-tools is not installed")
    certificate, key = loopback_certificate(directory)
    (directory / "accounts").write_text(f"{ACCOUNT}:{_hashed(PASSWORD)}\n")
    (directory / "state").mkdir()
    (directory / "emulator.conf").write_text(
        f"SUSHY_EMULATOR_AUTH_FILE = {str(directory / 'accounts')!r}\n"
        f"SUSHY_EMULATOR_STATE_DIR = {str(directory / 'state')!r}\n"
    )
    port = free_port()
    command = [
        str(emulator),
        "--config",
        str(directory / "emulator.conf"),
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    command += ["--ssl-certificate", str(certificate), "--ssl-key", str(key), "--fake"]
    with (directory / "emulator.log").open("w") as log, _image_server(directory) as image:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | {"TMPDIR": str(directory)}
        )
        try:
            await_port(port)
            yield Board(f"https://127.0.0.1:{port}", certificate, image)
        finally:
            server.terminate()
            server.wait(LIMIT_SECONDS)


@contextmanager
def _image_server(directory: Path) -> Iterator[str]:
    shelf = directory / "shelf"
    shelf.mkdir()
    (shelf / "debian.iso").write_bytes(b"an installer would be here" + bytes(2048))
    handler = partial(Quiet, directory=str(shelf))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/debian.iso"
        finally:
            server.shutdown()
            thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A web server that writes nothing on the terminal."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _hashed(password: str) -> str:
    import bcrypt  # noqa: PLC0415 — comes with the emulator, and only the emulator's test needs it

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
