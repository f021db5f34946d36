"""The lab's only road to Debian: an apt cache on this machine, at the controller's management address."""

import socket
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from infra.hosts.lab.apt_sources import debian_sources, upstream_proxy
from infra.hosts.lab.cgroups import Cells
from infra.hosts.lab.names import Names, cache_directory
from infra.hosts.lab.programs import PLACES
from infra.hosts.machine import MachineFailed

PORT = 3142
STARTS_WITHIN = 15.0  # seconds


def ensure_cache(names: Names, cells: Cells, address: str) -> None:
    """Start the cache unless it runs, and return when it listens (raises MachineFailed)."""
    log = names.directory / "packages" / "console.log"
    if not cells.pids(names.packages_cell):
        cells.end(names.packages_cell)
        directory = names.directory / "packages"
        for part in ("log", "conf"):
            (directory / part).mkdir(parents=True, exist_ok=True)
        # Kept when the lab goes: the next one downloads nothing twice. One a site: two daemons can't share one.
        kept = cache_directory() / "apt" / names.site
        kept.mkdir(parents=True, exist_ok=True)
        upstream = [urlsplit(source.uri).hostname or "" for source in debian_sources()]
        (directory / "conf" / "acng.conf").write_text(
            configuration(directory, kept, address, upstream_proxy(), upstream)
        )
        command = ("apt-cacher-ng", "-c", str(directory / "conf"))
        cells.start(names.packages_cell, command, {"PATH": PLACES}, log)
    _wait(names, cells, address, log)


def configuration(
    directory: Path, kept: Path, address: str, proxy: str | None, upstream: Iterable[str]
) -> str:
    """Return apt-cacher-ng's settings.

    Debian's own file is left out whole: its Remap lines send Debian's addresses to a mirror that is gone.
    """
    lines = [
        f"CacheDir: {kept}",
        f"LogDir: {directory / 'log'}",
        f"SocketPath: {directory / 'socket'}",
        "SupportDir: /usr/lib/apt-cacher-ng",
        f"BindAddress: {address}",
        f"Port: {PORT}",
        "ConnectProto: v4",
        "ForeGround: 1",
        "VerboseLog: 1",
        "ExThreshold: 30",
        # TLS can't be kept, only passed on, and only to where this machine gets Debian from.
        f"PassThroughPattern: ^({'|'.join(sorted(host.replace('.', '[.]') for host in set(upstream)))}):443$",
        *([f"Proxy: {proxy}"] if proxy else []),
    ]
    return "".join(f"{line}\n" for line in lines)


def _wait(names: Names, cells: Cells, address: str, log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while not _listens(address):
        if not cells.pids(names.packages_cell) or time.monotonic() > until:
            raise MachineFailed(
                f"the apt cache does not listen at {address}:{PORT}; see {log} and {log.parent}/log"
            )
        time.sleep(0.05)


def _listens(address: str) -> bool:
    try:
        socket.create_connection((address, PORT), timeout=1).close()
    except OSError:
        return False
    return True
