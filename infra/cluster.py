"""A site as resources: which hosts, which roles, and why some of them are guarded.

Protected is what can't be made again: the authority that every host and browser trusts, the passwords without which
the database answers nobody, the controller's way into the hosts, and the hosts that keep the site's memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from pulumi import Output

from infra import dns, pki
from infra.hosts import machine
from infra.providers import SERIAL, MachineOf
from infra.resources import Authority, Certificate, ControllerKey, Host, Inputs, Secret, Zone
from infra.secrets import NAMES, PRECIOUS
from infra.site import Role, Site

DISKS = "disk_passphrase"
#: roles whose host carries what no other host could give back, and what that is
MEMORY: Mapping[Role, str] = {
    "database": "accounts, meetings and the log",
    "witness": "what it saw of the log, and the key it vouches with",
}


@dataclass(frozen=True)
class Order:
    """What building a site takes beside its file: the clock, who makes machines, what to rotate, where files go."""

    now: datetime
    zone_file: Path
    machine_of: MachineOf = machine.machine
    rotate: Mapping[str, str] = field(default_factory=dict)  # a secret's name, the mark of this rotation
    board_password: str = field(default="", repr=False)


def declare(site: Site, order: Order) -> None:
    """Declare the site's resources, inside a Pulumi program.

    It exports nothing: Pulumi tells outputs in plain, secret ones too, in messages meant for debugging. What was
    built is read from the state instead (infra.exported).
    """
    for name in NAMES:
        Secret(name, order.rotate.get(name, ""), protect=name in PRECIOUS)
    key = ControllerKey(site.name)
    _trust(site, order.now)
    _hosts(site, order, key)
    Zone(
        {
            "text": dns.zone(site, int(SERIAL)),
            "path": str(order.zone_file),
            "now": order.now.isoformat(),
        }
    )


def precious(site: Site, host: str) -> str:
    """Return what would be lost with a host for good, in words; empty: nothing."""
    return "; ".join(what for role, what in MEMORY.items() if role in site.hosts[host].roles)


def _trust(site: Site, now: datetime) -> None:
    realm = pki.realm_of(site)
    authority = Authority(
        {
            "site": realm.site,
            "names": list(realm.names),
            "networks": [str(network) for network in realm.networks],
            "now": now.isoformat(),
        }
    )
    for name, host in site.hosts.items():
        for leaf, subject in pki.subjects_of(site, host).items():
            _certificate(f"{name}/{leaf}", subject, authority, now)


def _certificate(name: str, subject: pki.Subject, authority: Authority, now: datetime) -> None:
    Certificate(
        name,
        {
            "names": list(subject.names),
            "addresses": [str(address) for address in subject.addresses],
            "client": subject.client,
            "days": pki.LEAF_DAYS,
            "now": now.isoformat(),
            "authority": authority.certificate,
            "authority_key": authority.key,
        },
    )


def _hosts(site: Site, order: Order, key: ControllerKey) -> None:
    sealed = any(host.disk_encrypted for host in site.hosts.values())
    disks = Secret(DISKS, "", protect=True).value if sealed else ""
    board = Output.secret(order.board_password) if order.board_password else ""
    for name in site.hosts:
        given: Inputs = {
            "spec": key.public.apply(partial(_spec, site, name)),
            "ssh_key": key.private,
            "board_password": board,
            "disk_passphrase": disks,
            "guarded": precious(site, name),
        }
        Host(order.machine_of, name, given, protect=bool(precious(site, name)))


def _spec(site: Site, name: str, authorized_key: str) -> dict[str, Any]:
    return machine.spec_of(site, name, authorized_key).plain()
