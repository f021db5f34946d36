"""What a picture of a site shows: cards of hosts, and who of them may open connections to whom. No coordinates."""

from dataclasses import dataclass

from infra.flows import OUTER, Flow, in_force, may_meet
from infra.places import places_of
from infra.site import ROLES, USES, Host, Site, Use

FRONT, MIDDLE, BACK, BELOW, PEOPLE = "front", "middle", "back", "below", "people"
COLUMN = {
    **dict.fromkeys(("edge", "bridge", "turn"), FRONT),
    "signalling": MIDDLE,
    **dict.fromkeys(("control", "database", "witness"), BACK),
    "monitoring": BELOW,
}
ROLE_TITLES = {
    "edge": "Edge",
    "signalling": "Signalling",
    "bridge": "Bridge",
    "turn": "Relay (TURN)",
    "database": "Database",
    "control": "Control plane",
    "monitoring": "Monitoring",
    "witness": "Witness",
}
TITLES = {
    "people": "People",
    "controller": "Controller",
    "mirror": "Packages",
    "time": "Time",
    "mail": "Mail",
    "identity": "Sign-in",
}
EVERY = "every host"


@dataclass(frozen=True)
class Entry:
    """One line of a card: a host with its addresses by use, or a place with none."""

    name: str
    addresses: tuple[tuple[Use | None, str], ...]
    note: str = ""


@dataclass(frozen=True)
class Card:
    """A box: hosts that carry the same roles (in the same pool), people, or what the site speaks to."""

    key: str
    title: str
    column: str
    pool: str | None
    entries: tuple[Entry, ...]
    inner: tuple[str, ...] = ()  # what its hosts say to each other
    roles: tuple[str, ...] = ()  # told one by one where the title has no room for them
    stacked: bool = False  # addresses below the name instead of beside it

    @property
    def short(self) -> str:
        """Return how a list names the card: in the middle of a sentence."""
        return (
            self.entries[0].name
            if self.roles
            else " and ".join(word[0].lower() + word[1:] for word in self.title.split(" · "))
        )


@dataclass(frozen=True)
class Link:
    """Connections that one card may open to another, over one network."""

    source: str
    target: str
    use: Use
    ports: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """All that is drawn; `wide` are the links with every host, and with what stands below."""

    cards: tuple[Card, ...]
    links: tuple[Link, ...]
    wide: tuple[Link, ...]

    def column(self, key: str) -> str | None:
        """Return the column of a card; None for what is no card."""
        return next((card.column for card in self.cards if card.key == key), None)


def scene(site: Site, flows: tuple[Flow, ...]) -> Scene:
    """Return what the picture of a site shows."""
    flows = in_force(site, flows)
    groups = _groups(site)
    hosts = tuple(_card(site, key, members, flows) for key, members in groups.items())
    controller, *services = _outer(site, flows)
    above = [card for card in hosts if card.column != BELOW]
    monitors = [card for card in hosts if card.column == BELOW]
    cards = (_people(site), *above, controller, *monitors, *services)
    below = {card.key for card in (controller, *monitors, *services)}
    drawn = {EVERY, *(card.key for card in cards)}
    alone = set(groups) if len(site.hosts) == 1 else set()  # every host is itself, which crosses no network
    links = [
        link
        for link in _links(groups, flows, site)
        if {link.source, link.target} <= drawn
        and not (EVERY in (link.source, link.target) and {link.source, link.target} & alone)
    ]
    return Scene(
        cards,
        tuple(link for link in links if not {link.source, link.target} & {*below, EVERY}),
        tuple(link for link in links if {link.source, link.target} & {*below, EVERY}),
    )


def _groups(site: Site) -> dict[str, tuple[Host, ...]]:
    found: dict[str, list[Host]] = {}
    for host in sorted(site.hosts.values(), key=lambda host: min(ROLES.index(role) for role in host.roles)):
        roles = "+".join(role for role in ROLES if role in host.roles)
        found.setdefault(f"{roles}@{host.pool}" if host.pool else roles, []).append(host)
    return {key: tuple(hosts) for key, hosts in found.items()}


def _card(site: Site, key: str, hosts: tuple[Host, ...], flows: tuple[Flow, ...]) -> Card:
    roles = [role for role in ROLES if role in hosts[0].roles]
    entries = [
        Entry(
            host.name,
            tuple((_use(site, network), str(address)) for network, address in host.addresses.items()),
            host.kind,
        )
        for host in hosts
    ]
    if "edge" in roles and site.virtual_address is not None:
        entries.insert(0, Entry("shared address", (("users", str(site.virtual_address)),)))
    titles = tuple(ROLE_TITLES[role] for role in roles)
    many = titles if len(titles) > 2 else ()
    title = f"{len(titles)} roles on one host" if many else " · ".join(titles)
    among = [flow for flow in flows if len(hosts) > 1 and {flow.source, flow.target} <= set(roles)]
    return Card(key, title, COLUMN[roles[0]], hosts[0].pool, tuple(entries), _ports(among, site), many)


def _use(site: Site, network: str) -> Use:
    return next(use for use in USES if use in site.networks[network].carries)


def _people(site: Site) -> Card:
    entries = [Entry("users", (("users", str(site.network("users"))),))]
    entries += [
        Entry(zone, tuple(("users", str(net)) for net in nets)) for zone, nets in site.zones.items() if nets
    ]
    if site.visitors:
        entries.append(Entry("visitors", tuple(("users", str(net)) for net in site.visitors)))
    return Card(PEOPLE, TITLES[PEOPLE], PEOPLE, None, tuple(entries), stacked=True)


def _outer(site: Site, flows: tuple[Flow, ...]) -> tuple[Card, ...]:
    used = {flow.target for flow in flows} | {flow.source for flow in flows}
    controller = Entry("", (("management", str(site.controller)),))
    found = [Card("controller", TITLES["controller"], BELOW, None, (controller,), stacked=True)]
    for what in OUTER:
        hosts = tuple(dict.fromkeys(place.host for place in places_of(site, what)))
        if hosts and what in used:
            entry = Entry("", tuple((None, host) for host in hosts))
            found.append(Card(what, TITLES[what], BELOW, None, (entry,), stacked=True))
    return tuple(found)


def _links(groups: dict[str, tuple[Host, ...]], flows: tuple[Flow, ...], site: Site) -> tuple[Link, ...]:
    """Return links by card, each with all its ports."""
    met: dict[tuple[str, str, Use], list[Flow]] = {}
    for flow in flows:
        for source in _ends(flow.source, groups):
            for target in _ends(flow.target, groups):
                if source != target and _meet(groups.get(source, ()), groups.get(target, ())):
                    met.setdefault((source, target, flow.use), []).append(flow)
    return tuple(
        Link(source, target, use, _ports(same, site)) for (source, target, use), same in sorted(met.items())
    )


def _ports(flows: list[Flow], site: Site) -> tuple[str, ...]:
    """Return ports as people read them: TCP unless it is said, a port with both protocols once."""
    protocols: dict[tuple[int, str], set[str]] = {}
    for flow in flows:
        places = places_of(site, flow.target) if flow.target in OUTER else ()
        ports = {place.port for place in places if place.port} or {flow.port.port}
        for port in ports:
            spelled = str(port) if places else flow.port.spelled.replace(":", "–")
            protocols.setdefault((port, spelled), set()).add(flow.port.protocol)
    return tuple(
        spelled if said == {"tcp"} else f"{spelled} {'+'.join(sorted(said))}"
        for (_, spelled), said in sorted(protocols.items())
    )


def _ends(end: str, groups: dict[str, tuple[Host, ...]]) -> tuple[str, ...]:
    if end == "all":
        return (EVERY,)
    if end == "users":
        return (PEOPLE,)
    if end == "controller" or end in OUTER:
        return (end,)
    return tuple(key for key, hosts in groups.items() if end in hosts[0].roles)


def _meet(sources: tuple[Host, ...], targets: tuple[Host, ...]) -> bool:
    return not sources or not targets or any(may_meet(one, other) for one in sources for other in targets)
