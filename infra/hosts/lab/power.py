"""Power for one host of a lab that was made before: cut, on, reboot."""

import json
import time

from infra.hosts.lab import boot, disk, network
from infra.hosts.lab.cgroups import cells
from infra.hosts.lab.image import image
from infra.hosts.lab.names import Names
from infra.hosts.machine import MachineRefused, MachineSpec


def cut(site: str, host: str) -> None:
    """Take the power away: nothing in the host gets a chance to write."""
    boot.cut_power(Names(site), cells(), spec(site, host).name)


def on(site: str, host: str) -> None:
    """Boot the host, unless it runs, and return when it speaks SSH (raises MachineProblem)."""
    names, holds, made = Names(site), cells(), spec(site, host)
    if not boot.sound(names, holds, host):
        boot.cut_power(names, holds, host)
    disk.ensure_mounted(names, host, image())
    network.ensure_namespace(names, host, made.networks)
    boot.power_on(names, holds, host)
    boot.wait_for_ssh(names, holds, made)


def reboot(site: str, host: str) -> float:
    """Reboot by the host's own systemd; return after how many seconds it spoke SSH again."""
    names, holds, made = Names(site), cells(), spec(site, host)
    began = time.monotonic()
    boot.reboot(names, holds, host)
    boot.wait_for_ssh(names, holds, made)
    return time.monotonic() - began


def spec(site: str, host: str) -> MachineSpec:
    """Return the description the host was made by (raises MachineRefused: there is none)."""
    kept = Names(site).host_directory(host) / "spec.json"
    if not kept.exists():
        raise MachineRefused(host, (f"the lab {site} has no such host",))
    return MachineSpec.from_plain(json.loads(kept.read_text()))
