"""Machines of the kind `lab`: systemd-nspawn containers with networks of their own, on this machine.

Many hosts are made at once; what they share (bridges, rules, the apt cache) is made under the site's lock.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from infra.hosts.lab import boot, disk, network
from infra.hosts.lab.cgroups import Cells, cells
from infra.hosts.lab.cutoff import cut_off
from infra.hosts.lab.image import Tell, image, tell_stderr
from infra.hosts.lab.limits import raise_limits
from infra.hosts.lab.lock import site_lock
from infra.hosts.lab.names import Names
from infra.hosts.lab.packages import ensure_cache
from infra.hosts.lab.programs import missing_packages
from infra.hosts.lab.removal import remove_every_trace
from infra.hosts.lab.visitor import STRANGER, VISITOR
from infra.hosts.machine import Absent, MachineFacts, MachineRefused, MachineSecrets, MachineSpec


def machine(_: MachineSecrets) -> "LabMachine":
    """Return the maker of this kind of machine; it needs no secret."""
    return LabMachine()


@dataclass(frozen=True)
class LabMachine:
    """Hosts of a lab, made and removed one by one; the first brings the networks, the last takes them away."""

    tell: Tell = field(default=tell_stderr)

    def create(self, spec: MachineSpec) -> MachineFacts:
        """Make what is missing of the host and of what all share, boot it, and wait for SSH."""
        refuse(spec)
        names, holds = Names(spec.site), cells()
        below = image(self.tell)
        with site_lock(names):
            names.directory.mkdir(parents=True, exist_ok=True)
            names.directory.chmod(0o700)
            ensure_shared(names, holds, spec)
            if not boot.sound(names, holds, spec.name):
                boot.cut_power(names, holds, spec.name)
            disk.ensure_disk(names, spec, spec.authorized_key or disk.own_key(names))
            disk.ensure_mounted(names, spec.name, below)
            network.ensure_namespace(names, spec.name, spec.networks)
            boot.power_on(names, holds, spec.name)
        boot.wait_for_ssh(names, holds, spec)
        return _facts(names, spec)

    def examine(self, spec: MachineSpec) -> MachineFacts | Absent:
        """Return the host's facts when it runs and speaks SSH, else what is missing."""
        names = Names(spec.site)
        if missing := next(_missing(names, cells(), spec), None):
            return Absent(missing)
        return _facts(names, spec)

    def destroy(self, spec: MachineSpec) -> None:
        """Remove the host, its disk and its cables; with the last host of the site go the networks too."""
        names, holds = Names(spec.site), cells()
        place = names.host_directory(spec.name)
        with site_lock(names):
            boot.cut_power(names, holds, spec.name)
            disk.unmount(place / "root")
            network.remove_namespace(names.namespace(spec.name))
            network.unplug(names, spec.name)
            if place.exists():
                shutil.rmtree(place)
            last = not (names.hosts.is_dir() and any(names.hosts.iterdir()))
        if last:
            remove_every_trace(spec.site)


def refuse(spec: MachineSpec) -> None:
    """Raise MachineRefused with every reason why this machine can't hold the host."""
    if problems := tuple(_problems(spec)):
        raise MachineRefused(spec.name, problems)


def ensure_shared(names: Names, holds: Cells, spec: MachineSpec) -> None:
    """Make the networks of the host, the rules that cut them off, and the apt cache."""
    raise_limits()
    network.ensure_bridges(names, spec.networks, spec.controller)
    network.remember(names, spec.networks)
    known = network.remembered(names)
    cut_off(names, network.bridges(names), {attachment.cidr for attachment in known.values()})
    if any("management" in net.uses for net in spec.networks.values()):
        ensure_cache(names, holds, spec.controller)


def _problems(spec: MachineSpec) -> Iterator[str]:
    if os.geteuid() != 0:
        yield "containers and bridges take root: run this as root"
    if lacking := missing_packages():
        yield f"this machine lacks Debian packages: apt-get install {' '.join(lacking)}"
    if spec.disk_encrypted:
        yield "a container's disk is not encrypted: take another kind of machine, or disk_encrypted: false"
    if spec.name in (VISITOR, STRANGER):
        yield f"{spec.name} is the name of a lab's own computer outside the site: give the host another"
    if spec.address("management") is None:
        yield "has no address in the network that carries management"


def _missing(names: Names, holds: Cells, spec: MachineSpec) -> Iterator[str]:
    place = names.host_directory(spec.name)
    if not (place / "spec.json").exists():
        yield "it has no disk"
    if not os.path.ismount(place / "root"):
        yield "its disk is not mounted"
    if not (network.NAMESPACES / names.namespace(spec.name)).exists():
        yield "it has no network"
    if not holds.pids(names.host_cell(spec.name)):
        yield "it has no power"
    elif not boot.sound(names, holds, spec.name):
        yield "it runs, but not on its own disk and cables: it will be booted anew"
    if not boot.speaks_ssh(spec.management):
        yield f"nothing speaks SSH at {spec.management}"


def _facts(names: Names, spec: MachineSpec) -> MachineFacts:
    root = names.host_directory(spec.name) / "root"
    release = dict(
        line.split("=", 1) for line in (root / "usr/lib/os-release").read_text().splitlines() if "=" in line
    )
    memory = next(
        line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:")
    )
    space = os.statvfs(root)
    return MachineFacts(
        host_key=disk.host_key(names, spec.name),
        os_release=f"{release['ID']} {release['VERSION_ID'].strip(chr(34))}",
        cores=os.cpu_count() or 1,
        memory_mib=int(memory.split()[1]) // 1024,
        disk_gib=space.f_frsize * space.f_blocks // 2**30,
        encrypted=False,
    )
