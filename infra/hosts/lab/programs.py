"""Debian's own programs that a lab is made with: run, and heard when they refuse."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence

from infra.hosts.machine import MachineFailed

# Program → Debian package.
NEEDED = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "apt-cacher-ng": "apt-cacher-ng",
    "ip": "iproute2",
    "nft": "nftables",
    "ssh-keygen": "openssh-client",
    "mount": "mount",
}
PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(*command: str, given: str | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Return what the program printed (raises MachineFailed with its own words; a minute is its time)."""
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, check=True, timeout=60, env=environment
        )
    except subprocess.CalledProcessError as failed:
        said = (failed.stderr or failed.stdout or "nothing").strip()
        raise MachineFailed(f"`{' '.join(command)}` failed ({failed.returncode}): {said}") from failed
    except subprocess.TimeoutExpired as late:
        raise MachineFailed(f"`{' '.join(command)}` gave no end within a minute") from late
    return done.stdout


def missing_packages(needed: Mapping[str, str] = NEEDED) -> Sequence[str]:
    """Return the Debian packages whose programs this machine lacks."""
    return sorted({package for program, package in needed.items() if not shutil.which(program, path=PLACES)})
