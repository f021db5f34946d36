"""Computers that are no host of the site: a person's, in the users' network, and a stranger's in the inner ones.

Each is a network namespace without processes of its own; programs of this machine run in it.
"""

import ipaddress
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from infra.hosts.lab.names import Names
from infra.hosts.lab.network import address_from_outside, ensure_namespace
from infra.hosts.machine import Attachment

VISITOR, STRANGER = "visitor", "stranger"
NUMBER = 200  # the last part of their addresses, which no host of the site has
PER_NAMESPACE = Path(
    "/etc/netns"
)  # ip-netns(8): what lies here stands over /etc for what runs in the namespace


def ensure_outsiders(names: Names, networks: Mapping[str, Attachment], known: Mapping[str, str]) -> None:
    """Make both computers, whose /etc/hosts tells `known` (name → address)."""
    for who, uses in ((VISITOR, {"users"}), (STRANGER, {"cluster", "management"})):
        plugs = {
            name: Attachment(outsider_address(net.cidr), net.cidr, net.uses)
            for name, net in networks.items()
            if uses & set(net.uses)
        }
        if plugs:
            ensure_namespace(names, who, plugs)
            address_from_outside(names, who, plugs)
            _tell_names(names.namespace(who), known)


def outsider_address(cidr: str) -> str:
    """Return the address number 200 of a network, or the last but one of a smaller one."""
    network = ipaddress.ip_network(cidr)
    return str(network[min(NUMBER, network.num_addresses - 2)])


def enter(namespace: str, command: list[str]) -> None:
    """Become the command, in the namespace; this call does not return."""
    os.execvp("ip", ["ip", "netns", "exec", namespace, *command])  # noqa: S606 - the operator's own command


def remove_names(names: Names) -> None:
    """Take away what the outsiders knew."""
    for who in (VISITOR, STRANGER):
        shutil.rmtree(PER_NAMESPACE / names.namespace(who), ignore_errors=True)
    if PER_NAMESPACE.is_dir() and not any(PER_NAMESPACE.iterdir()):
        PER_NAMESPACE.rmdir()


def _tell_names(namespace: str, known: Mapping[str, str]) -> None:
    place = PER_NAMESPACE / namespace
    place.mkdir(parents=True, exist_ok=True)
    lines = [f"{address} {name}\n" for name, address in sorted(known.items())]
    (place / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n" + "".join(lines))
    # An empty one: what the names above don't answer is asked of nobody.
    (place / "resolv.conf").write_text("")
    (place / "nsswitch.conf").write_text("hosts: files\npasswd: files\ngroup: files\n")
