"""The networks of a lab: one bridge each on this machine, and for each host a network namespace with a plug in each.

A namespace of the host's own (and not nspawn's veth) keeps its interfaces when the host reboots or loses power.
"""

import ipaddress
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from infra.hosts.lab.names import Names, interface
from infra.hosts.lab.programs import run
from infra.hosts.lab.whole import write_whole
from infra.hosts.machine import Attachment, MachineFailed, MachineRefused

NAMESPACES = Path("/run/netns")


def ensure_bridges(names: Names, networks: Mapping[str, Attachment], controller: str) -> None:
    """Make each network's bridge with this machine's address in it (raises MachineRefused: range in use)."""
    there = bridges(names)
    for network, attachment in networks.items():
        bridge = names.bridge(network)
        if bridge not in there:
            refuse_overlap(names.site, network, attachment.cidr, routes(), {*there, bridge})
            run("ip", "link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0")
            run("ip", "link", "set", bridge, "alias", f"{names.alias} network {network}")
        own = controller_address(attachment.cidr, controller)
        run("ip", "address", "replace", own, "dev", bridge)
        run("ip", "link", "set", bridge, "up")


def controller_address(cidr: str, controller: str) -> str:
    """Return this machine's address in a network, with its length: the site's, else the first there is."""
    network = ipaddress.ip_network(cidr)
    within = bool(controller) and ipaddress.ip_address(controller) in network
    return f"{controller if within else next(network.hosts())}/{network.prefixlen}"


def refuse_overlap(
    site: str, network: str, cidr: str, known: Iterable[Mapping[str, Any]], own: Iterable[str]
) -> None:
    """Raise MachineRefused when a route of this machine, other than the lab's own, leads into the range."""
    wanted = ipaddress.ip_network(cidr)
    for route in known:
        if route["dst"] == "default" or route.get("dev") in set(own):
            continue
        taken = ipaddress.ip_network(route["dst"], strict=False)
        if taken.version == wanted.version and taken.overlaps(wanted):
            where = f" (interface {route['dev']})" if "dev" in route else ""
            raise MachineRefused(
                site,
                (f"network {network}: {cidr} overlaps {taken}, which this machine reaches already{where}: "
                 "give the site file another range",),
            )  # fmt: skip


def routes() -> list[dict[str, Any]]:
    """Return this machine's routes, all tables."""
    found: list[dict[str, Any]] = json.loads(
        run("ip", "-json", "-4", "route", "show", "table", "all") or "[]"
    )
    return found


def bridges(names: Names) -> list[str]:
    """Return the site's bridges that exist, by what they say of themselves."""
    return [link["ifname"] for link in links(names) if " network " in link["ifalias"]]


def links(names: Names) -> list[dict[str, Any]]:
    """Return the site's interfaces on this machine: bridges and plugs."""
    found = json.loads(run("ip", "-json", "link", "show") or "[]")
    return [link for link in found if link.get("ifalias", "").startswith(names.alias)]


def ensure_namespace(names: Names, host: str, networks: Mapping[str, Attachment]) -> None:
    """Make the host's namespace and a plug in each of its networks; what is there stays as it is."""
    namespace = names.namespace(host)
    if not (NAMESPACES / namespace).exists():
        run("ip", "netns", "add", namespace)
        run("ip", "-netns", namespace, "link", "set", "lo", "up")
    there = {link["ifname"] for link in json.loads(run("ip", "-netns", namespace, "-json", "link", "show"))}
    for network in networks:
        if interface(network) not in there:
            _plug_in(names, host, network)
        # Each time: the bridge may be a new one, or the cable was pulled.
        run("ip", "link", "set", names.plug(host, network), "master", names.bridge(network), "up")


def _plug_in(names: Names, host: str, network: str) -> None:
    plug, inside = names.plug(host, network), interface(network)
    # The far end may be left over from a namespace that died half made.
    if any(link["ifname"] == plug for link in links(names)):
        _delete(names, plug)
    run("ip", "link", "add", plug, "type", "veth", "peer", "name", inside, "netns", names.namespace(host))
    run("ip", "link", "set", plug, "alias", f"{names.alias} {host} in {network}")


def address_from_outside(names: Names, host: str, networks: Mapping[str, Attachment]) -> None:
    """Give a namespace without a systemd of its own its addresses."""
    for network, attachment in networks.items():
        length = ipaddress.ip_network(attachment.cidr).prefixlen
        where = ("-netns", names.namespace(host))
        run("ip", *where, "address", "replace", f"{attachment.address}/{length}", "dev", interface(network))
        run("ip", *where, "link", "set", interface(network), "up")


def namespaces(names: Names) -> list[str]:
    """Return the site's network namespaces that exist."""
    if not NAMESPACES.is_dir():
        return []
    return sorted(each.name for each in NAMESPACES.iterdir() if each.name.startswith(f"{names.site}."))


def remove_namespace(namespace: str) -> None:
    """Remove a namespace and with it the cables plugged into it, also when only its name is left."""
    if not (NAMESPACES / namespace).exists():
        return
    run("ip", "netns", "delete", namespace)


def remove_links(names: Names) -> None:
    """Remove the site's bridges and plugs."""
    for link in links(names):
        _delete(names, link["ifname"])


def unplug(names: Names, host: str) -> None:
    """Remove the bridge's ends of a host's cables, should the namespace have gone without them."""
    for link in links(names):
        if link["ifalias"].startswith(f"{names.alias} {host} in "):
            _delete(names, link["ifname"])


def _delete(names: Names, interface_: str) -> None:
    """Delete an interface, unless the kernel did: a cable goes with its other end, some time after its namespace."""
    try:
        run("ip", "link", "delete", interface_)
    except MachineFailed:
        if interface_ in {link["ifname"] for link in links(names)}:
            raise


def remember(names: Names, networks: Mapping[str, Attachment]) -> None:
    """Keep which networks the lab has: each host knows only its own."""
    known = remembered(names) | dict(networks)
    kept = {name: [net.cidr, list(net.uses)] for name, net in known.items()}
    write_whole(_kept(names), json.dumps(kept))


def remembered(names: Names) -> dict[str, Attachment]:
    """Return the lab's networks so far, without addresses in them."""
    if not _kept(names).exists():
        return {}
    kept = json.loads(_kept(names).read_text())
    return {name: Attachment("", cidr, tuple(uses)) for name, (cidr, uses) in kept.items()}


def _kept(names: Names) -> Path:
    return names.directory / "networks.json"
