"""A lab's bare hosts from a site file, without Pulumi: for trials, tests and the visitor's names."""

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.hosts.lab import LabMachine
from infra.hosts.lab.lock import site_lock
from infra.hosts.lab.names import Names
from infra.hosts.lab.network import ensure_bridges, remembered
from infra.hosts.lab.visitor import ensure_outsiders
from infra.hosts.machine import Attachment, MachineSpec, spec_of
from infra.inventory import inventory
from infra.site import Site, load_site, shipped

SSH_OPTIONS = ("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=10")


def read(site: str) -> Site:
    """Return the site of this file, or the shipped one of this name."""
    return load_site(Path(site) if Path(site).suffix else shipped(site))


def specs(site: Site, authorized_key: str = "") -> dict[str, MachineSpec]:
    """Return the description of each lab host of the site; no key: the lab has one of its own."""
    return {
        name: spec_of(site, name, authorized_key) for name, host in site.hosts.items() if host.kind == "lab"
    }


def boot_all(site: Site, authorized_key: str = "") -> dict[str, float]:
    """Boot the site's hosts at once; return after how many seconds each spoke SSH (raises MachineProblem)."""
    made = LabMachine()
    names = Names(site.name)
    began = time.monotonic()
    keys: dict[str, str] = {}
    took: dict[str, float] = {}

    def one(name: str, spec: MachineSpec) -> None:
        keys[spec.management] = made.create(spec).host_key
        took[name] = time.monotonic() - began

    with ThreadPoolExecutor(max_workers=16) as pool:
        for done in [pool.submit(one, name, spec) for name, spec in specs(site, authorized_key).items()]:
            done.result()
    ensure_visitors(site)
    names.known_hosts.write_text("".join(f"{address} {key}\n" for address, key in sorted(keys.items())))
    return took


def ssh_command(names: Names, host: str) -> list[str]:
    """Return the command that logs in at a host of a lab that `boot_all` booted with the lab's own key."""
    spec = MachineSpec.from_plain(json.loads((names.host_directory(host) / "spec.json").read_text()))
    pinned = ("-o", f"UserKnownHostsFile={names.known_hosts}")
    return ["ssh", "-i", str(names.key), *pinned, *SSH_OPTIONS, f"root@{spec.management}"]


def inventory_text(site: Site) -> str:
    """Return the site's inventory without secrets, with what SSH needs to reach a trial's hosts."""
    names = Names(site.name)
    reach = " ".join((*SSH_OPTIONS, "-o", f"UserKnownHostsFile={names.known_hosts}"))
    found = inventory(site, None)
    found["all"].setdefault("vars", {}).update(
        ansible_user="root",
        ansible_ssh_private_key_file=str(names.key),
        ansible_ssh_common_args=reach,
    )
    return json.dumps(found, indent=1, default=str)


def ensure_visitors(site: Site) -> None:
    """Make the computers outside the site, which know its pages' names."""
    names = Names(site.name)
    networks = {
        name: Attachment("", str(net.cidr), tuple(net.carries))
        for name, net in site.networks.items()
        if name in remembered(names)
    }
    with site_lock(names):
        ensure_bridges(names, networks, str(site.controller))
        ensure_outsiders(names, networks, visible_names(site))


def visible_names(site: Site) -> Mapping[str, str]:
    """Return what people's name servers say of the site: its pages, its pools and its TURN server."""
    edges = [str(host.address("users")) for host in site.hosts_with("edge")]
    pages = str(site.virtual_address) if site.virtual_address else edges[0]
    turn = [str(host.address("users")) for host in site.hosts_with("turn")]
    pools = {site.pool_domain(pool): pages for pool in site.pools}
    return {site.domain: pages, **pools, **({site.turn_domain: turn[0]} if turn else {})}
