"""Bare hosts for the tests of the lab itself: two networks, addresses that no shipped site has."""

import subprocess
from dataclasses import replace
from typing import Any

from infra.hosts.lab import disk
from infra.hosts.lab.names import Names
from infra.hosts.machine import Attachment, MachineSpec

SITE = "tlab"
NAMES = Names(SITE)
OUTSIDE = "10.77.249.1"  # in no network of this machine


def spec(name: str, number: int, site: str = SITE, third: int = 240, **more: Any) -> MachineSpec:
    """Describe a host in 10.77.THIRD.0/24 and the network after it."""
    networks = {
        "cluster": Attachment(f"10.77.{third}.{number}", f"10.77.{third}.0/24", ("users", "cluster")),
        "management": Attachment(f"10.77.{third + 1}.{number}", f"10.77.{third + 1}.0/24", ("management",)),
    }
    controller = f"10.77.{third + 1}.1"
    described = MachineSpec(site, name, "lab", networks, 1, 512, 4, domain="tlab.test", controller=controller)
    return replace(described, **more)


def said(host: MachineSpec, command: str) -> str:
    """Return what a command says on the host, whose key was pinned when it was made."""
    names = Names(host.site)
    pinned = names.directory / "known"
    pinned.write_text(f"{host.management} {disk.host_key(names, host.name)}\n")
    options = ("-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={pinned}", "-o", "StrictHostKeyChecking=yes")
    done = subprocess.run(
        ["ssh", "-i", str(names.key), *options, f"root@{host.management}", command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode != 255, done.stderr
    return done.stdout.strip()
