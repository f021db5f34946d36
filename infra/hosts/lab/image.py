"""The root file system that all hosts of all labs of this machine stand on: built once, kept by what went into it."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.hosts.lab.apt_sources import Source, debian_sources, upstream_proxy
from infra.hosts.lab.names import cache_directory
from infra.hosts.lab.programs import run
from infra.hosts.machine import MachineFailed

Tell = Callable[[str], None]

# Debian as its installer leaves a server, less what a container has no use for; roles bring the rest.
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "udev", "libpam-systemd", "libnss-myhostname"),
    *("python3-minimal", "python3-apt", "openssh-server", "sudo"),
    *("iproute2", "iputils-ping", "procps", "nftables", "ca-certificates"),
)
# Nobody reads manuals in a lab, and the disk is asked to be fast, not to survive a power cut while it is built.
DPKG = (
    "force-unsafe-io",
    *(f"path-exclude=/usr/share/{what}/*" for what in ("man", "doc", "locale", "info")),
)
# The hosts share this machine's clock, and CI's clock may be years away from the mirror's.
APT = ('Acquire::Check-Valid-Until "false";', 'Acquire::Check-Date "false";', 'Acquire::Languages "none";')
ENABLED = ("systemd-networkd.service", "ssh.service")
MASKED = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "apt-daily.service", "apt-daily-upgrade.service"),
    *("fstrim.timer", "e2scrub_all.timer", "e2scrub_reap.service", "getty.target", "console-getty.service"),
    *("systemd-udevd.service", "systemd-networkd-wait-online.service"),
)
FILES = {
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
    "etc/resolv.conf": "",
    "etc/machine-id": "",
    "etc/apt/apt.conf.d/10lab": "".join(f"{line}\n" for line in APT),
}
# mmdebstrap copies this machine's name; host keys are made for each host.
REMOVED = ("etc/hostname", "etc/ssh/ssh_host_*", "var/log/bootstrap.log", "var/cache/apt/*.bin")
EDITION = 1  # counted up when this file builds something else from the same inputs


def tell_stderr(words: str) -> None:
    """Say it where people look and programs don't."""
    print(words, file=sys.stderr, flush=True)


def image(tell: Tell = tell_stderr) -> Path:
    """Return the root file system, built now when its inputs were never seen (raises MachineFailed, -Refused)."""
    sources = debian_sources()
    kept = cache_directory() / "images"
    finished = kept / digest(sources)
    if finished.is_dir():
        return finished
    kept.mkdir(parents=True, exist_ok=True)
    with _alone(kept / "lock"):
        if not finished.is_dir():
            for halfway in kept.glob("*.halfway"):
                shutil.rmtree(halfway)
            halfway = finished.with_suffix(".halfway")
            _build(halfway, sources, tell)
            halfway.rename(finished)
    return finished


def digest(sources: tuple[Source, ...]) -> str:
    """Return the name of the image that these sources and the lists above give."""
    inputs = [
        EDITION,
        PACKAGES,
        DPKG,
        APT,
        ENABLED,
        MASKED,
        FILES,
        REMOVED,
        [source.line for source in sources],
    ]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]


def _build(root: Path, sources: tuple[Source, ...], tell: Tell) -> None:
    tell("building the hosts' root file system with mmdebstrap: a minute or two, once")
    _bootstrap(root, sources, tell)
    for path, text in FILES.items():
        (root / path).unlink(missing_ok=True)
        (root / path).write_text(text)
    for pattern in REMOVED:
        for leftover in root.glob(pattern):
            leftover.unlink()
    run("systemctl", f"--root={root}", "--quiet", "enable", *ENABLED)
    run("systemctl", f"--root={root}", "--quiet", "mask", *MASKED)
    # Java's packages put links there and fail without the directory, which path-exclude left out.
    (root / "usr/share/man/man1").mkdir(parents=True, exist_ok=True)
    tell("the root file system is built")


def _bootstrap(root: Path, sources: tuple[Source, ...], tell: Tell) -> None:
    proxy = upstream_proxy()
    options = [*APT, *([f'Acquire::http::Proxy "{proxy}";'] if proxy else [])]
    command = [
        *("mmdebstrap", "--mode=root", "--variant=minbase", "--skip=cleanup/apt/lists"),
        f"--include={','.join(PACKAGES)}",
        *(f"--aptopt={option}" for option in options),
        *(f"--dpkgopt={option}" for option in DPKG),
        *(sources[0].suite.split("-")[0], str(root), "-"),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as building:
        assert building.stdin is not None  # noqa: S101 - Popen was given pipes
        assert building.stderr is not None  # noqa: S101
        building.stdin.write("".join(f"{source.line}\n" for source in sources))
        building.stdin.close()
        said = []
        for line in building.stderr:
            said.append(line)
            if line.startswith("I: "):
                tell(f"  {line[3:].strip()}")
    if building.returncode:
        shutil.rmtree(root, ignore_errors=True)
        raise MachineFailed(f"mmdebstrap built no root file system: {''.join(said[-15:]).strip()}")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let one process build while the others wait for its work."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.utime(lock)
        yield
