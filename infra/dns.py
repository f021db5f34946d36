"""The site's DNS zone, as the state's own name servers load it (RFC 1035, section 5).

It holds what browsers ask for and nothing else: hosts know each other without DNS, and how they are called and
addressed inside is nobody's business outside.
"""

from collections.abc import Iterator

from infra.site import Address, Site

TTL = 300  # seconds: an edge that moves is found again within five minutes
TURN, TURNS = 3478, 5349  # registered for TURN and TURN over TLS (RFC 8656, section 18); coturn listens there
SERIALS = 2**32


def zone(site: Site, serial: int) -> str:
    """Return the zone file; the serial must grow with each change (raises ValueError outside 1…2³²-1)."""
    if not 0 < serial < SERIALS:
        raise ValueError(f"serial is {serial}, may be 1 to {SERIALS - 1}")
    lines = (
        f"$ORIGIN {site.domain}.",
        f"$TTL {TTL}",
        *(_line(*record) for record in _records(site, serial)),
    )
    return "\n".join(lines) + "\n"


def _records(site: Site, serial: int) -> Iterator[tuple[str, str, str]]:
    servers = tuple(f"{name}." for name in site.name_servers) or (f"ns.{site.domain}.",)
    # Refresh, retry, expire, and how long "there is no such name" is believed, in seconds.
    yield "@", "SOA", f"{servers[0]} hostmaster.{site.domain}. {serial} 3600 900 1209600 {TTL}"
    for server in servers:
        yield "@", "NS", server
    if not site.name_servers:
        yield from _addresses("ns", (site.controller,))
    yield from _addresses("@", _edges(site))
    for pool in site.pools.values():
        yield from _addresses(pool.name, _edges(site))
    yield from _addresses("turn", _relays(site))
    if site.certificate is None:
        yield "@", "CAA", '0 issue ";"'  # the site's own authority signs; no public one may (RFC 8659)
    for service, port in (("_turn._udp", TURN), ("_turn._tcp", TURN), ("_turns._tcp", TURNS)):
        yield service, "SRV", f"0 0 {port} turn.{site.domain}."  # RFC 5928
    for service in ("_xmpp-client._tcp", "_xmpp-server._tcp"):
        yield (
            service,
            "SRV",
            "0 0 0 .",
        )  # decidedly not offered (RFC 2782): XMPP is spoken through the edge only


def _line(name: str, kind: str, value: str) -> str:
    return f"{name:<20} IN {kind:<5} {value}"


def _addresses(name: str, addresses: tuple[Address, ...]) -> Iterator[tuple[str, str, str]]:
    for address in addresses:
        yield name, "A" if address.version == 4 else "AAAA", str(address)


def _edges(site: Site) -> tuple[Address, ...]:
    if site.virtual_address is not None:
        return (site.virtual_address,)
    return tuple(
        address for host in site.hosts_with("edge") if (address := host.address("users")) is not None
    )


def _relays(site: Site) -> tuple[Address, ...]:
    return tuple(
        address for host in site.hosts_with("turn") if (address := host.address("users")) is not None
    )
