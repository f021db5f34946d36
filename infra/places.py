"""Every place that a site file sends something to, and where on the network it is."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from infra.site import Net, Site
from infra.site_file import Where
from infra.site_words import endpoint_of

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Place:
    """A host that the file names, by address or name, and the port there (None: the protocol's own)."""

    what: str  # mirror, mail, time, identity, state, machine
    where: Where
    host: str
    port: int | None


def places(site: Site) -> tuple[Place, ...]:
    """Return all places that a site depends on."""
    return (*_software(site), *_services(site), *_makers(site))


def places_of(site: Site, what: str) -> tuple[Place, ...]:
    """Return the places of one sort."""
    return tuple(place for place in places(site) if place.what == what)


def resolve(site: Site, host: str) -> tuple[Net, ...]:
    """Return the networks in which a host is; none when the site file doesn't say where that name is."""
    try:
        return (ip_network(ip_address(host)),)
    except ValueError:
        found = (outside.names[host] for outside in site.outside.values() if host in outside.names)
        return tuple(ip_network(address) for address in found)


def _software(site: Site) -> tuple[Place, ...]:
    debian, jitsi = site.packages.debian, site.packages.jitsi
    urls = {
        ("packages", "debian", "proxy"): debian.proxy,
        ("packages", "debian", "mirror"): debian.mirror,
        ("packages", "debian", "security"): debian.security,
        ("packages", "jitsi", "repository"): jitsi.repository if jitsi else None,
    }
    return tuple(_place("mirror", where, url) for where, url in urls.items() if url)


def _services(site: Site) -> tuple[Place, ...]:
    found = [
        Place("time", ("time", "servers", number), server, None)
        for number, server in enumerate(site.time.servers)
    ]
    if site.mail.host:
        found.append(Place("mail", ("mail", "host"), site.mail.host, site.mail.port))
    if site.identity.issuer:
        found.append(_place("identity", ("identity", "issuer"), site.identity.issuer))
    return tuple(found)


def _makers(site: Site) -> tuple[Place, ...]:
    """Return what the controller speaks to: hypervisors, boards, images, the place of the state."""
    found = [
        _place("machine", ("hosts", name, "options", key), value)
        for name, host in site.hosts.items()
        for key, value in host.options.items()
        if isinstance(value, str) and "://" in value and urlsplit(value).hostname
    ]
    if site.state and "://" in site.state:
        found.append(_place("state", ("state",), endpoint_of(site.state)))
    return tuple(found)


def _place(what: str, where: Where, url: str) -> Place:
    parts = urlsplit(url)
    return Place(what, where, parts.hostname or "", parts.port or PORTS.get(parts.scheme))
