"""What must hold between the parts of a site: each rule yields where it is broken, and what may stand there."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from infra.host_options import wrong_options
from infra.site_file import Where
from infra.site_types import Host, Network, Pool
from infra.site_words import CLASSIFICATIONS, ROLES, USES, Address, Role, Use

if TYPE_CHECKING:
    from infra.site import Site

Broken = Iterator[tuple[Where, str]]

# Where a role must have an address: browsers reach edges, bridges and relays; hosts reach each other; we reach all.
NEEDS: dict[Role, tuple[Use, ...]] = {
    "edge": ("users", "cluster", "management"),
    "bridge": ("users", "cluster", "management"),
    "turn": ("users", "cluster", "management"),
    "signalling": ("cluster", "management"),
    "database": ("cluster", "management"),
    "control": ("cluster", "management"),
    "monitoring": ("cluster", "management"),
    "witness": ("cluster", "management"),
}
POOLED: tuple[Role, ...] = ("signalling", "bridge")
NEEDED: tuple[Role, ...] = ("edge", "signalling", "bridge", "turn", "database", "control", "monitoring")
# Ansible's own words, and names that would hide another machine in /etc/hosts.
RESERVED = frozenset(
    {*ROLES, "all", "ungrouped", "localhost", "controller", "mirror", "users", "mail", "time"}
)
# Names below the domain that mean something else: Prosody's components, the relays, the edge's virtual address.
TAKEN = frozenset(
    {
        *("turn", "auth", "guest", "conference", "lobby", "breakout", "internal", "focus", "speakerstats"),
        *("endconference", "avmoderation", "metadata", "polls", "edge", "ns"),
    }
)


@dataclass(frozen=True)
class Parts:
    """The sound parts of a site, and the names of those that exist but aren't sound."""

    networks: dict[str, Network]
    pools: dict[str, Pool]
    hosts: dict[str, Host]
    network_names: frozenset[str]
    pool_names: frozenset[str]


def broken(site: "Site") -> Broken:
    """Yield every rule that a site breaks."""
    names = frozenset(site.networks), frozenset(site.pools)
    yield from broken_parts(Parts(site.networks, site.pools, site.hosts, *names))
    yield from _uses_carried(site)
    yield from _controller_placed(site)
    yield from _reachable(site)
    yield from _served_once(site)
    yield from _roles_there(site)
    yield from _pools_complete(site)
    yield from _databases_odd(site)
    yield from _edges_share(site)
    yield from _name_servers_elsewhere(site)
    yield from _names_placed(site)
    yield from _certificates_checkable(site)


def broken_parts(parts: Parts) -> Broken:
    """Yield the rules that parts break whatever the rest of the site is."""
    yield from _networks_apart(parts)
    yield from _carried_once(parts)
    yield from _named_apart(parts)
    yield from _pool_known(parts)
    yield from _addresses_placed(parts)
    yield from _addresses_once(parts)
    for name, host in parts.hosts.items():
        for key, says in wrong_options(host):
            yield ("hosts", name, *key), says


def _networks_apart(parts: Parts) -> Broken:
    for (one, first), (two, second) in combinations(parts.networks.items(), 2):
        if first.cidr.version == second.cidr.version and first.cidr.overlaps(second.cidr):
            says = f"holds {second.cidr}, may hold a network that does not overlap with {one} ({first.cidr})"
            yield ("networks", two, "cidr"), says


def _carried_once(parts: Parts) -> Broken:
    for (one, first), (two, second) in combinations(parts.networks.items(), 2):
        for use in sorted(set(first.carries) & set(second.carries)):
            yield ("networks", two, "carries"), f"holds {use}, may hold what {one} does not carry already"


def _named_apart(parts: Parts) -> Broken:
    for name in parts.hosts:
        if name in RESERVED:
            yield ("hosts", name), "is a word with a meaning of its own, a host may have another name"
    seen: dict[str, str] = {}
    for key, pool in parts.pools.items():
        if pool.name in TAKEN:
            yield ("pools", key, "name"), f"holds {pool.name}, may hold a name that no service uses"
        if pool.name in seen:
            yield ("pools", key, "name"), f"holds {pool.name}, may hold another name than {seen[pool.name]}'s"
        seen.setdefault(pool.name, key)


def _pool_known(parts: Parts) -> Broken:
    for name, host in parts.hosts.items():
        pooled = [role for role in host.roles if role in POOLED]
        where = ("hosts", name, "pool")
        if host.pool is None and pooled:
            yield (
                where,
                f"is missing, may hold the pool that this {pooled[0]} serves: {_list(parts.pool_names)}",
            )
        if host.pool is not None and not pooled:
            yield where, f"holds {host.pool}, may stand at hosts with signalling or bridge only"
        if host.pool is not None and host.pool not in parts.pool_names:
            yield where, f"holds {host.pool}, may hold {_list(parts.pool_names)}"


def _addresses_placed(parts: Parts) -> Broken:
    for name, host in parts.hosts.items():
        for network, address in host.addresses.items():
            where = ("hosts", name, "addresses", network)
            if network not in parts.network_names:
                yield where, f"is no network of this site, may be {_list(parts.network_names)}"
            elif network in parts.networks:
                yield from _inside(where, address, network, parts.networks[network])


def _inside(where: Where, address: Address, name: str, network: Network) -> Broken:
    if address not in network.cidr:
        yield where, f"holds {address}, may hold an address in {name} ({network.cidr})"
    elif network.cidr.num_addresses > 2 and address in (
        network.cidr.network_address,
        network.cidr.broadcast_address,
    ):
        yield where, f"holds {address}, may hold an address that a host can have"


def _addresses_once(parts: Parts) -> Broken:
    seen: dict[Address, str] = {}
    for name, host in parts.hosts.items():
        for network, address in host.addresses.items():
            if address in seen:
                says = f"holds {address}, may hold an address that {seen[address]} does not have"
                yield ("hosts", name, "addresses", network), says
            seen.setdefault(address, name)


def _uses_carried(site: "Site") -> Broken:
    carried = {use for network in site.networks.values() for use in network.carries}
    for use in USES:
        if use not in carried:
            yield ("networks",), f"carries no {use}, one network may"


def _controller_placed(site: "Site") -> Broken:
    for name, network in site.networks.items():
        if "management" in network.carries:
            yield from _inside(("controller",), site.controller, name, network)
    for name, host in site.hosts.items():
        for network_name, address in host.addresses.items():
            if address == site.controller:
                says = f"holds {address}, may hold another address than the controller's"
                yield ("hosts", name, "addresses", network_name), says


def _reachable(site: "Site") -> Broken:
    carriers = {use: name for name, network in site.networks.items() for use in network.carries}
    for name, host in site.hosts.items():
        for role in host.roles:
            for use in NEEDS[role]:
                if carriers.get(use) is not None and carriers[use] not in host.addresses:
                    says = f"has no address in {carriers[use]}, where {role} must be reached ({use})"
                    yield ("hosts", name, "addresses"), says


def _served_once(site: "Site") -> Broken:
    pools = {name: frozenset(pool.classifications) for name, pool in site.pools.items()}
    for what in CLASSIFICATIONS:
        serving = [name for name, classifications in pools.items() if what in classifications]
        if len(serving) > 1:
            says = f"holds {what}, may hold what {serving[0]} does not serve already"
            yield ("pools", serving[1], "classifications"), says
        if serving and what in site.not_served:
            yield ("not_served",), f"holds {what}, which {serving[0]} serves"
        if not serving and what not in site.not_served:
            yield ("pools",), f"serve no {what} meetings, one may, or not_served may name it"


def _roles_there(site: "Site") -> Broken:
    for role in NEEDED:
        if not site.hosts_with(role):
            yield ("hosts",), f"hold no {role}, a working site has at least one"


def _pools_complete(site: "Site") -> Broken:
    for name in site.pools:
        for role in POOLED:
            if all(host.pool != name for host in site.hosts_with(role)):
                yield ("pools", name), f"has no {role}, at least one host of the pool may be"


def _databases_odd(site: "Site") -> Broken:
    many = len(site.hosts_with("database"))
    if many and many % 2 == 0:
        yield (
            ("hosts",),
            f"hold {many} database hosts, may hold 1, 3 or 5: half of an even number decides nothing",
        )


def _edges_share(site: "Site") -> Broken:
    where, edges, shared = ("virtual_address",), len(site.hosts_with("edge")), site.virtual_address
    if edges > 1 and shared is None:
        yield where, f"is missing, {edges} edges may share one address of the users' network"
    if shared is None:
        return
    if edges == 1:
        yield where, f"holds {shared}, may stand in a site with two edges or more"
    for name, network in site.networks.items():
        if "users" in network.carries:
            yield from _inside(where, shared, name, network)
    taken = {address: name for name, host in site.hosts.items() for address in host.addresses.values()}
    if shared in taken or shared == site.controller:
        yield (
            where,
            f"holds {shared}, which is {taken.get(shared, 'the controller')}'s, may hold a free address",
        )


def _name_servers_elsewhere(site: "Site") -> Broken:
    for number, server in enumerate(site.name_servers):
        if server == site.domain or server.endswith(f".{site.domain}"):
            says = f"holds {server}, may hold a name outside {site.domain}, whose address another zone knows"
            yield ("name_servers", number), says


def _names_placed(site: "Site") -> Broken:
    seen: dict[str, str] = {}
    for key, outside in site.outside.items():
        for name, address in outside.names.items():
            where = ("outside", key, "names", name)
            if address not in outside.cidr:
                yield where, f"holds {address}, may hold an address in {outside.cidr}"
            if name in seen:
                yield where, f"stands there twice, {seen[name]} has it already"
            seen.setdefault(name, key)


def _certificates_checkable(site: "Site") -> Broken:
    for name, pool in site.pools.items():
        if pool.client_certificates != "none" and site.people_authority is None:
            says = f"is missing, pool {name} asks for certificates and may hold who signs them: a PEM file"
            yield ("people_authority",), says


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "one that is declared"
