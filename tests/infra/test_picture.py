"""The picture shows all that the firewalls let through, is the same each time, and can be read."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import pytest

from infra.flows import Flow, read_flows
from infra.picture import draw
from infra.picture_layout import Box, place
from infra.picture_routes import Router
from infra.picture_scene import EVERY, scene
from infra.playbook import read_playbook
from infra.site import Site, load_site, parse_site, shipped
from tests.infra.playbooks import small_playbooks

NAMES = ("lab", "single", "parliament", "odd")
SVG = "{http://www.w3.org/2000/svg}"
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
# Between all pairs that a real site has, with ports of every shape.
CROWDED = """
- {from: controller, to: all, port: base.ssh, on: management, why: a}
- {from: controller, to: monitoring, port: tcp/9090, on: management, why: a}
- {from: users, to: edge, port: tcp/443, on: users, why: a}
- {from: users, to: turn, port: coturn.turn, on: users, why: a}
- {from: users, to: turn, port: tcp/3478, on: users, why: a}
- {from: users, to: turn, port: tcp/5349, on: users, why: a}
- {from: users, to: bridge, port: videobridge.media, on: users, why: a}
- {from: turn, to: bridge, port: videobridge.media, on: users, why: a}
- {from: bridge, to: turn, port: coturn.relay, on: users, why: a}
- {from: bridge, to: bridge, port: videobridge.media, on: cluster, why: a}
- {from: bridge, to: signalling, port: tcp/5222, on: cluster, why: a}
- {from: edge, to: signalling, port: tcp/5281, on: cluster, why: a}
- {from: edge, to: bridge, port: tcp/9090, on: cluster, why: a}
- {from: edge, to: control, port: control_plane.api, on: cluster, why: a}
- {from: signalling, to: control, port: control_plane.api, on: cluster, why: a}
- {from: control, to: signalling, port: tcp/5281, on: cluster, why: a}
- {from: control, to: database, port: tcp/5432, on: cluster, why: a}
- {from: control, to: witness, port: tcp/8100, on: cluster, why: a}
- {from: database, to: database, port: tcp/2379, on: cluster, why: a}
- {from: monitoring, to: all, port: tcp/9100, on: management, why: a}
- {from: monitoring, to: edge, port: tcp/8404, on: management, why: a}
- {from: all, to: monitoring, port: tcp/19532, on: management, why: a}
- {from: all, to: mirror, port: tcp/80, on: management, why: a}
- {from: all, to: time, port: udp/123, on: management, why: a}
- {from: all, to: time, port: tcp/4460, on: management, why: a}
- {from: control, to: mail, port: tcp/25, on: management, why: a}
- {from: control, to: identity, port: tcp/443, on: management, why: a}
"""


@pytest.fixture
def flows(tmp_path: Path) -> tuple[Flow, ...]:
    return read_flows(read_playbook(small_playbooks(tmp_path, flows=CROWDED)), tmp_path)


def site_named(name: str) -> Site:
    """Return a shipped site, or one in which roles share hosts in unusual ways and names are long."""
    if name != "odd":
        return load_site(shipped(name))
    text = shipped("lab").read_text("utf-8")
    text = text.replace("roles: [control]", "roles: [control, database]").replace(
        "roles: [witness]", "roles: [witness, monitoring]"
    )
    text = re.sub(r"  (db1|monitor1):.*\n", "", text).replace("  bridge2:", f"  {'long-' * 5}name:")
    text = text.replace(
        "  turn1:",
        "  edge2: {kind: lab, roles: [edge, signalling], pool: open, addresses: {users: 10.77.1.12, cluster: 10.77.2.12, management: 10.77.3.12}}\n  turn1:",
    )
    return parse_site(
        f"{text}\nvirtual_address: 10.77.1.10\nvisitors: ['2001:db8:1234:5678::/64', 198.51.100.0/24]\n"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_is_well_formed_and_stands_alone(flows: tuple[Flow, ...], name: str) -> None:
    text = draw(site_named(name), flows)
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert re.findall(r"(?:https?:|url\(|href|@import|<image|<script|<foreignObject)[^\"')<]*", text) == [
        "http://www.w3.org/2000/svg",
        *re.findall(r"url\(#tip-[a-z]+", text),
    ]
    assert "font-face" not in text


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_speaks_to_who_cannot_see_it(flows: tuple[Flow, ...], name: str) -> None:
    root = ET.fromstring(draw(site_named(name), flows))
    assert root.get("role") == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert "controller to every host: 22" in str(desc.text)


@pytest.mark.parametrize("name", NAMES)
def test_every_host_and_address_is_there(flows: tuple[Flow, ...], name: str) -> None:
    site = site_named(name)
    told = [str(node.text) for node in ET.fromstring(draw(site, flows)).iter(f"{SVG}text")]
    assert len(told) > 20
    for host in site.hosts.values():
        assert host.name in told
        assert {str(address) for address in host.addresses.values()} <= set(told)


def test_every_connection_of_the_lab_is_drawn(flows: tuple[Flow, ...]) -> None:
    """All that flows.yml says, written a second time as who meets whom."""
    drawn = scene(site_named("lab"), flows)
    assert {(link.source, link.target): link.ports for link in (*drawn.links, *drawn.wide)} == {
        ("controller", EVERY): ("22",),
        ("controller", "monitoring"): ("9090",),
        ("people", "edge"): ("443",),
        ("people", "turn"): ("3478 tcp+udp", "5349"),
        ("people", "bridge@open"): ("10000 udp",),
        ("turn", "bridge@open"): ("10000 udp",),
        ("bridge@open", "turn"): ("49152–65535 udp",),
        ("bridge@open", "signalling@open"): ("5222",),
        ("edge", "signalling@open"): ("5281",),
        ("edge", "bridge@open"): ("9090",),
        ("edge", "control"): ("8000",),
        ("signalling@open", "control"): ("8000",),
        ("control", "signalling@open"): ("5281",),
        ("control", "database"): ("5432",),
        ("control", "witness"): ("8100",),
        ("monitoring", EVERY): ("9100",),
        ("monitoring", "edge"): ("8404",),
        (EVERY, "monitoring"): ("19532",),
        (EVERY, "mirror"): ("3142",),
        (EVERY, "time"): ("123 udp",),
    }


def test_pools_are_drawn_as_strangers(flows: tuple[Flow, ...]) -> None:
    drawn = scene(site_named("parliament"), flows)
    pooled = [(link.source, link.target) for link in drawn.links if "@" in link.source and "@" in link.target]
    assert sorted(pooled) == [("bridge@closed", "signalling@closed"), ("bridge@open", "signalling@open")]


@pytest.mark.parametrize("name", NAMES)
def test_no_card_covers_another_and_all_are_on_the_paper(flows: tuple[Flow, ...], name: str) -> None:
    layout = place(scene(site_named(name), flows))
    assert len(layout.boxes) >= 5
    for (_, one), (_, other) in combinations(layout.boxes.items(), 2):
        assert one.right <= other.x or other.right <= one.x or one.bottom <= other.y or other.bottom <= one.y
    for box in layout.boxes.values():
        assert box.x >= 0
        assert box.right <= layout.width
        assert box.bottom <= layout.height


@pytest.mark.parametrize("name", NAMES)
def test_no_arrow_runs_through_a_card(flows: tuple[Flow, ...], name: str) -> None:
    shown = scene(site_named(name), flows)
    layout = place(shown)
    arrows = Router(shown, layout).routes(shown.links)
    assert len(arrows) == len(shown.links) > 0
    for arrow in arrows:
        for (x1, y1), (x2, y2) in zip(arrow.points, arrow.points[1:], strict=False):
            crossed = [key for key, box in layout.boxes.items() if _inside(box, x1, y1, x2, y2)]
            assert crossed == [], (arrow.link, crossed)


@pytest.mark.parametrize("name", ["lab", "parliament"])
def test_no_two_arrows_lie_on_each_other(flows: tuple[Flow, ...], name: str) -> None:
    shown = scene(site_named(name), flows)
    arrows = Router(shown, place(shown)).routes(shown.links)
    flat = [
        (min(x1, x2), max(x1, x2), y1, arrow.link)
        for arrow in arrows
        for (x1, y1), (x2, y2) in zip(arrow.points, arrow.points[1:], strict=False)
        if y1 == y2 and x1 != x2
    ]
    for (a, b, y, one), (c, d, z, other) in combinations(flat, 2):
        assert abs(y - z) > 3 or b <= c or d <= a, (one, other)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_site_gives_the_same_bytes(flows: tuple[Flow, ...], name: str) -> None:
    assert draw(site_named(name), flows) == draw(site_named(name), tuple(flows))


def test_a_name_cannot_become_markup(flows: tuple[Flow, ...]) -> None:
    """The types refuse such names; the picture does not rely on it."""
    site = site_named("lab").model_copy(update={"domain": "<script>&\"'", "name": "</title>"})
    text = draw(site, flows)
    assert "<script" not in text
    assert ET.fromstring(text) is not None


@pytest.mark.parametrize("name", ["lab", "parliament"])
def test_the_pictures_in_the_docs_are_up_to_date(name: str) -> None:
    """Mend them with `python -c 'from infra.picture import write_pictures; write_pictures()'`."""
    assert (PICTURES / f"site-{name}.svg").read_text("utf-8") == draw(load_site(shipped(name)))


def _inside(box: Box, x1: float, y1: float, x2: float, y2: float) -> bool:
    left, right = sorted((x1, x2))
    top, bottom = sorted((y1, y2))
    return left < box.right - 1 and right > box.x + 1 and top < box.bottom - 1 and bottom > box.y + 1
