"""Who may talk to whom: playbooks/flows.yml resolved to the firewall rules of each host, both ends from one line."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from pathlib import Path
from typing import get_args

from infra.places import places_of, resolve
from infra.playbook import PLAYBOOKS, Playbook, PlaybookWrong, Port, load, read_playbook
from infra.site import ROLES, Host, Net, Site, Use

OUTER = ("mirror", "mail", "time", "identity")  # services that the site file names; they aren't hosts of ours
WORDS = ("all", "users", "controller", *OUTER)
NTS_KEYS = 4460  # where time servers hand out keys (RFC 8915, section 7.6); nobody asks without NTS
KEYS = {"from", "to", "port", "on", "why"}


@dataclass(frozen=True)
class Flow:
    """One line of flows.yml: these may open connections to those, at this port, in the network of this use."""

    source: str
    target: str
    reference: str  # the port as the line names it: ROLE.NAME, or PROTOCOL/NUMBER for what isn't ours
    port: Port
    use: Use
    why: str


@dataclass(frozen=True, order=True)
class Rule:
    """What one host accepts from, or sends to, some networks."""

    protocol: str
    port: str  # "443", or a range as "49152:65535"
    networks: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class HostRules:
    """All that a host accepts and sends; anything else is dropped."""

    accept: tuple[Rule, ...]
    send: tuple[Rule, ...]


def read_flows(playbook: Playbook | None = None, directory: Path = PLAYBOOKS) -> tuple[Flow, ...]:
    """Return the lines of flows.yml (raises PlaybookWrong with the line's number in the list)."""
    known = playbook if playbook is not None else read_playbook(directory)
    lines = load(directory / "flows.yml") or []
    if not isinstance(lines, list):
        raise PlaybookWrong("flows.yml may hold a list of {from, to, port, on, why}")
    return tuple(_flow(f"flows.yml, item {number}", line, known) for number, line in enumerate(lines, 1))


def rules_for(site: Site, host: Host, flows: tuple[Flow, ...] | None = None) -> HostRules:
    """Return what the firewall of a host lets through (raises PlaybookWrong when flows.yml can't be used)."""
    accept: dict[tuple[str, str, str], set[Net]] = {}
    send: dict[tuple[str, str, str], set[Net]] = {}
    for flow in in_force(site, flows if flows is not None else read_flows()):
        if _is_at(host, flow.target) and host.address(flow.use) is not None:
            key = (flow.port.protocol, flow.port.spelled, flow.why)
            accept.setdefault(key, set()).update(_others(site, flow.source, flow.use, host))
        if _is_at(host, flow.source) and host.address(flow.use) is not None:
            for port, networks in _targets(site, flow, host):
                send.setdefault((port.protocol, port.spelled, flow.why), set()).update(networks)
    return HostRules(_rules(accept), _rules(send))


def in_force(site: Site, flows: tuple[Flow, ...]) -> tuple[Flow, ...]:
    """Return the flows that a site needs: without NTS nobody fetches keys for the time."""
    return tuple(
        flow for flow in flows if site.time.nts or (flow.target, flow.port.port) != ("time", NTS_KEYS)
    )


def _targets(site: Site, flow: Flow, host: Host) -> Iterator[tuple[Port, set[Net]]]:
    """Yield where a host sends: a service that the site file names stands at the port which it says there."""
    if flow.target in OUTER:
        for place in places_of(site, flow.target):
            port = Port(place.port, flow.port.protocol, place.port) if place.port else flow.port
            yield port, set(resolve(site, place.host))
    else:
        yield flow.port, _others(site, flow.target, flow.use, host)


def _flow(where: str, line: object, playbook: Playbook) -> Flow:
    if not isinstance(line, dict) or set(line) != KEYS or not all(isinstance(v, str) for v in line.values()):
        raise PlaybookWrong(f"{where} {_odd(line)}, may hold texts for {', '.join(sorted(KEYS))}")
    for end in ("from", "to"):
        if line[end] not in (*ROLES, *WORDS):
            may = ", ".join((*ROLES, *WORDS))
            raise PlaybookWrong(f"{where}: {end} holds {line[end]}, may hold {may}")
    if line["to"] == "users":
        raise PlaybookWrong(f"{where}: to holds users, but no host opens connections to people's machines")
    if line["from"] in OUTER:
        raise PlaybookWrong(f"{where}: from holds {line['from']}, which opens no connections to hosts")
    if line["on"] not in get_args(Use):
        raise PlaybookWrong(f"{where}: on holds {line['on']}, may hold {', '.join(get_args(Use))}")
    try:
        port = _port(line["port"], playbook)
    except PlaybookWrong as wrong:
        raise PlaybookWrong(f"{where}: {wrong}") from None
    return Flow(line["from"], line["to"], line["port"], port, line["on"], line["why"])


def _odd(line: object) -> str:
    if not isinstance(line, dict):
        return "is no line of keys"
    if extra := sorted(map(str, set(line) - KEYS)):
        return f"holds the key {extra[0]} (a text with a comma wants quotes)"
    return (
        f"lacks {', '.join(sorted(KEYS - set(line)))}"
        if KEYS - set(line)
        else "holds something that is no text"
    )


def _port(reference: str, playbook: Playbook) -> Port:
    """Return a role's port, or that of a service outside the hosts, written as tcp/3142."""
    protocol, slash, number = reference.partition("/")
    if not slash:
        return playbook.port(reference)
    if protocol not in ("tcp", "udp") or not number.isdecimal() or not 0 < int(number) < 65_536:
        raise PlaybookWrong(
            f"{reference} may be ROLE.PORT, or tcp/NUMBER or udp/NUMBER for what no role opens"
        )
    return Port(int(number), protocol, int(number))


def _is_at(host: Host, end: str) -> bool:
    return end == "all" or end in host.roles


def _others(site: Site, end: str, use: Use, host: Host) -> set[Net]:
    """Return the networks of the other end; a host's traffic with itself crosses no firewall."""
    match end:
        case "users":
            zones = (net for nets in site.zones.values() for net in nets)
            return {site.network("users"), *zones, *site.visitors}
        case "controller":
            return {ip_network(site.controller)}
    addresses = {
        address
        for other in site.hosts.values()
        if _is_at(other, end)
        and other.name != host.name
        and may_meet(host, other)
        and (address := other.address(use)) is not None
    }
    if end == "edge" and use == "users" and site.virtual_address is not None:
        addresses.add(site.virtual_address)
    return {ip_network(address) for address in addresses}


def may_meet(host: Host, other: Host) -> bool:
    """Keep pools apart: what serves some classifications has nothing to say to what serves others."""
    return host.pool is None or other.pool is None or host.pool == other.pool


def _rules(found: dict[tuple[str, str, str], set[Net]]) -> tuple[Rule, ...]:
    return tuple(
        Rule(protocol, port, _merged(networks), why)
        for (protocol, port, why), networks in sorted(found.items(), key=lambda item: _order(*item[0]))
        if networks
    )


def _order(protocol: str, port: str, why: str) -> tuple[str, int, str]:
    return protocol, int(port.partition(":")[0]), why


def _merged(networks: set[Net]) -> tuple[str, ...]:
    """Return networks in order, none inside another."""
    fourth = collapse_addresses(net for net in networks if isinstance(net, IPv4Network))
    sixth = collapse_addresses(net for net in networks if isinstance(net, IPv6Network))
    return tuple(str(net) for net in (*fourth, *sixth))
