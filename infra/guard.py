"""Sovereignty guard: why a site may not be built, told before anything is made. Pure: it reads a Site and no network."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from infra.places import places, resolve
from infra.site import Host, Net, Role, Site
from infra.site_file import Where, spelled

SEALED = frozenset({"confidential", "secret"})  # classifications whose disks must be encrypted
WIDEST = {4: 16, 6: 48}  # bits of a prefix; a wider network could hold half the world and guard nothing
WIDEST_OUTSIDE = {4: 24, 6: 64}

_LOG = "who can alter the log must not also vouch for it"
_OPEN = "it takes packets from anybody; whoever breaks it would hold"
_PLAIN = f"{_OPEN} the accounts, the meetings and the log"
_KEYS = f"{_OPEN} the keys that sign who may enter"
_WITNESS = f"{_OPEN} the witness, and with it the proof"
# Pairs of roles that must not share a host, with the reason; one_box doesn't excuse those with the witness.
APART: dict[tuple[Role, Role], str] = {
    ("witness", "control"): _LOG,
    ("witness", "database"): _LOG,
    ("witness", "signalling"): "who tells the log what happened must not also vouch for it",
    ("witness", "edge"): _WITNESS,
    ("witness", "bridge"): _WITNESS,
    ("witness", "turn"): _WITNESS,
    ("bridge", "database"): _PLAIN,
    ("turn", "database"): _PLAIN,
    ("edge", "database"): _PLAIN,
    ("bridge", "control"): _KEYS,
    ("turn", "control"): _KEYS,
    ("edge", "control"): _KEYS,
    ("bridge", "monitoring"): f"{_OPEN} the journals of all hosts",
    ("turn", "monitoring"): f"{_OPEN} the journals of all hosts",
    ("edge", "monitoring"): f"{_OPEN} the journals of all hosts",
    ("turn", "signalling"): "a relay reaches its own host past the firewall, here Prosody",
    ("turn", "bridge"): "a relay reaches its own host past the firewall, here the bridge's private ports",
}
# Which hosts keep something of a sealed meeting on their disk beside those of its pool, and what.
KEEPS: dict[Role, str] = {
    "database": "the agenda, the attendance and the log",
    "control": "the signing keys",
    "monitoring": "the journals of all hosts",
}


@dataclass(frozen=True)
class Objection:
    """Why a site may not be built: the rule's name, the key's path in the site file, the reason."""

    rule: str
    where: str
    reason: str


Found = Iterator[tuple[Where, str]]


def examine(site: Site) -> tuple[Objection, ...]:
    """Return every objection to a site; none: it may be built."""
    return tuple(
        Objection(name, spelled(where), reason)
        for name, rule in RULES.items()
        for where, reason in rule(site)
    )


def _addresses_inside(site: Site) -> Found:
    """An address lies in the network that the file says: else it would be somebody else's machine."""
    for name, host in site.hosts.items():
        for network, address in host.addresses.items():
            declared = site.networks.get(network)
            if declared is None or address not in declared.cidr:
                yield ("hosts", name, "addresses", network), f"{address} lies outside the declared networks"
    for key, lone, use in (
        ("controller", site.controller, site.network("management")),
        ("virtual_address", site.virtual_address, site.network("users")),
    ):
        if lone is not None and lone not in use:
            yield (key,), f"{lone} lies outside the declared networks"


def _networks_mean_something(site: Site) -> Found:
    """A network can hold hosts, and is small enough that being inside says something."""
    declared: dict[Where, tuple[Net, int]] = {
        ("networks", name, "cidr"): (network.cidr, WIDEST[network.cidr.version])
        for name, network in site.networks.items()
    }
    for name, outside in site.outside.items():
        declared["outside", name, "cidr"] = (outside.cidr, WIDEST_OUTSIDE[outside.cidr.version])
    for where, (cidr, widest) in declared.items():
        if cidr.prefixlen < widest:
            yield where, f"{cidr} is so wide that nearly anything lies inside; the widest is /{widest}"
        if cidr.is_loopback or cidr.is_multicast or cidr.is_link_local or cidr.is_unspecified:
            yield where, f"{cidr} can hold no machine that others reach"


def _nothing_leaves(site: Site) -> Found:
    """Whatever a site speaks to lies inside its networks, or in a place that `outside` names with a reason."""
    allowed = [
        *(network.cidr for network in site.networks.values()),
        *(o.cidr for o in site.outside.values()),
    ]
    for place in places(site):
        nets = resolve(site, place.host)
        if not nets:
            yield (
                place.where,
                f"{place.host} is a name that nobody can place; outside may name it with its network",
            )
        for net in nets:
            if not any(_within(net, cidr) for cidr in allowed):
                yield place.where, f"{net} lies outside the site, and outside does not name it"


def _sealed_disks(site: Site) -> Found:
    """Who takes a disk out of a rack must not read a confidential meeting on it."""
    sealed = {name for name, pool in site.pools.items() if SEALED & set(pool.classifications)}
    if not sealed:
        return
    for name, host in site.hosts.items():
        kept = [what for role, what in KEEPS.items() if role in host.roles]
        if host.pool in sealed:
            kept.insert(0, f"what the pool {host.pool} works with")
        if kept and not host.disk_encrypted:
            served = ", ".join(sorted({c for p in sealed for c in site.pools[p].classifications} & SEALED))
            yield (
                ("hosts", name, "disk_encrypted"),
                f"the disk keeps {kept[0]} for {served} meetings and is not encrypted",
            )


def _roles_apart(site: Site) -> Found:
    """What guards must not stand with what it guards against, nor treasure with what strangers touch."""
    for name, host in site.hosts.items():
        for (one, other), reason in APART.items():
            close = one in host.roles and other in host.roles
            if close and not (site.one_box and one != "witness"):
                yield ("hosts", name, "roles"), f"{one} and {other} must be on hosts of their own: {reason}"


def _one_box_is_modest(site: Site) -> Found:
    """Roles that share a host knowingly are good enough for public and restricted meetings, for no others."""
    if not site.one_box:
        return
    for name, pool in site.pools.items():
        if sealed := sorted(SEALED & set(pool.classifications)):
            reason = (
                f"one_box puts all roles on one host, which is too close for {' and '.join(sealed)} meetings"
            )
            yield ("pools", name, "classifications"), reason


def _relays_stay_out(site: Site) -> Found:
    """A relay sends to what the bridges tell browsers; that must be no address from which one administers.

    coturn allows peers by address, not by port (turnserver(1), allowed-peer-ip), so the address alone decides.
    """
    for name, host in site.hosts.items():
        for role in ("bridge", "turn"):
            for network in _relayable(site, host) if role in host.roles else ():
                reason = f"TURN could relay into {network}, which carries management"
                yield ("hosts", name, "addresses", network), reason


def _people_stay_out(site: Site) -> Found:
    """Nobody who comes to a meeting sits in a network in which hosts trust each other."""
    inner = {name: network.cidr for name, network in site.networks.items() if "users" not in network.carries}
    people: list[tuple[Where, Net]] = [
        (("zones", zone, number), net) for zone, nets in site.zones.items() for number, net in enumerate(nets)
    ]
    people += [(("visitors", number), net) for number, net in enumerate(site.visitors)]
    for where, net in people:
        for name, cidr in inner.items():
            if _within(net, cidr):
                yield where, f"{net} lies in {name}, where no people may be"


RULES = {
    "address-inside": _addresses_inside,
    "network-meaningful": _networks_mean_something,
    "nothing-leaves": _nothing_leaves,
    "sealed-disk": _sealed_disks,
    "roles-apart": _roles_apart,
    "one-box-modest": _one_box_is_modest,
    "relay-out-of-management": _relays_stay_out,
    "people-out-of-inner": _people_stay_out,
}


def _relayable(site: Site, host: Host) -> Iterator[str]:
    """Yield the networks that carry management and in which browsers or relays reach this host."""
    for name in host.addresses:
        if {"users", "management"} <= set(site.networks[name].carries):
            yield name


def _within(net: Net, cidr: Net) -> bool:
    match net, cidr:
        case IPv4Network(), IPv4Network():
            return net.subnet_of(cidr)
        case IPv6Network(), IPv6Network():
            return net.subnet_of(cidr)
    return False
