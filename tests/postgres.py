"""A private PostgreSQL cluster from Debian's package, on a free port of loopback, gone when the run ends."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class PostgresMissing(Exception):
    """Debian's server programs are not installed."""


def _programs() -> Path:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not versions:
        raise PostgresMissing(
            "PostgreSQL's server is missing; run `make setup`, or apt-get install postgresql"
        )
    return versions[-1].parent


def _as_owner(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root; Debian's own account serves then."""
    return (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        if os.geteuid() == 0
        else [*command]
    )


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def private_cluster(*, durable: bool) -> Iterator[str]:
    """Run a cluster and give the address prefix `postgresql+psycopg://majlis@127.0.0.1:port/`.

    `durable=False` turns fsync off, for tests that are not about durability.
    """
    programs = _programs()
    directory = Path(tempfile.mkdtemp(prefix="majlis-postgres-"))
    cluster, port = directory / "cluster", free_port()
    if os.geteuid() == 0:
        os.chown(directory, pwd.getpwnam("postgres").pw_uid, -1)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60"
    if not durable:
        options += " -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
    control = [str(programs / "pg_ctl"), "-D", str(cluster), "-w", "-l", str(directory / "log")]
    try:
        _run(
            [
                str(programs / "initdb"),
                "-D",
                str(cluster),
                "-U",
                "majlis",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
            ],
            directory,
        )
        _run([*control, "-o", options, "start"], directory)
        try:
            yield f"postgresql+psycopg://majlis@127.0.0.1:{port}/"
        finally:
            _run([*control, "-m", "immediate", "stop"], directory)
    finally:
        shutil.rmtree(directory)


def _run(command: Sequence[str], directory: Path) -> None:
    # pg_ctl's server would keep a pipe open for ever, so output goes to a file.
    with (directory / "output").open("a+") as output:
        done = subprocess.run(
            _as_owner(command), cwd=directory, stdout=output, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{command[0]} failed: {output.read()[-2000:]}")
