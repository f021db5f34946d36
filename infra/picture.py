"""A picture of a site: its hosts, what they carry, and who may open connections to whom, as SVG."""

from html import escape
from pathlib import Path

from infra.flows import Flow, read_flows
from infra.picture_layout import (
    HEAD,
    LINE,
    Arrow,
    Box,
    Layout,
    entry_height,
    place,
    wide_labels,
    wrapped,
)
from infra.picture_routes import Router
from infra.picture_scene import BELOW, PEOPLE, Card, Entry, Scene, scene
from infra.site import USES, Site, Use, load_site, shipped

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
COLOURS: dict[Use, str] = {"users": "#1d5fa8", "cluster": "#1b7f5c", "management": "#9a5b13"}
DASHES: dict[Use, str] = {"users": "", "cluster": "", "management": "5 3"}  # told apart without colour, too
WEIGHTS: dict[Use, float] = {"users": 2.2, "cluster": 1.4, "management": 1.4}
HEADS = {
    "edge": "#1f4e79",
    "bridge": "#24647a",
    "turn": "#3a5a8c",
    "signalling": "#4b4f8f",
    "control": "#5a3d77",
    "database": "#37474f",
    "witness": "#7a4a2b",
    "monitoring": "#6b5a1e",
}
PLAIN_HEAD = "#5f6b76"
STYLE = """
text { font-family: system-ui, "Segoe UI", "DejaVu Sans", "Liberation Sans", sans-serif; fill: #1c2733; font-size: 11px; }
.title { font-size: 20px; font-weight: 600; } .sub { fill: #51606e; font-size: 12px; }
.head { fill: #ffffff; font-weight: 600; font-size: 12.5px; } .name { font-weight: 600; font-size: 11.5px; }
.note { fill: #667482; font-size: 9.5px; } .address { font-family: ui-monospace, "DejaVu Sans Mono", "Liberation Mono", monospace; font-size: 10px; }
.pool { fill: #3b3f73; font-weight: 600; font-size: 11.5px; }
.label { font-size: 10.5px; font-weight: 600; paint-order: stroke; stroke: #ffffff; stroke-width: 3.5px; stroke-linejoin: round; }
@media (prefers-color-scheme: dark) { svg { filter: invert(0.92) hue-rotate(180deg); } }
""".strip()


def draw(site: Site, flows: tuple[Flow, ...] | None = None) -> str:
    """Return the picture of a site; the same site gives the same bytes (raises PlaybookWrong)."""
    shown = scene(site, flows if flows is not None else read_flows())
    layout = place(shown)
    arrows = Router(shown, layout).routes(shown.links)
    body = [
        *_headline(site),
        _rect(layout.stage, fill="#f6f8fa", stroke="#c9d2da", rx=12),
        *(line for pool, box in layout.pools.items() for line in _pool(site, pool, box)),
        *(line for arrow in arrows for line in _arrow(arrow)),
        *(line for card in shown.cards if card.column == BELOW for line in _wide(shown, layout, card)),
        *(line for card in shown.cards for line in _card(card, layout.boxes[card.key])),
        *(line for arrow in arrows for line in _label(arrow)),
        *_legend(site, layout),
    ]
    return "\n".join((*_opening(site, shown, layout), *body, "</svg>", ""))


def write_pictures(directory: Path = PICTURES) -> None:
    """Draw the sites that the documents show."""
    for name in ("lab", "parliament"):
        (directory / f"site-{name}.svg").write_text(draw(load_site(shipped(name))), "utf-8")


def _opening(site: Site, shown: Scene, layout: Layout) -> tuple[str, ...]:
    width, height = round(layout.width), round(layout.height)
    told = "; ".join(
        f"{_spoken(link.source)} to {_spoken(link.target)}: {', '.join(link.ports)}"
        for link in (*shown.links, *shown.wide)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="title desc">',
        f'<title id="title">Site {escape(site.name)}: hosts and who may talk to whom</title>',
        f'<desc id="desc">{len(site.hosts)} hosts. {escape(told)}. Nothing else is let through.</desc>',
        f"<style>{STYLE}</style>",
        "<defs>",
        *(
            f'<marker id="tip-{use}" viewBox="0 0 8 8" refX="7.4" refY="4" markerWidth="8" markerHeight="8" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.6 8 4 0 7.4z" fill="{COLOURS[use]}"/></marker>'
            for use in USES
        ),
        "</defs>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    )


def _spoken(key: str) -> str:
    """Return a card's key as one says it."""
    roles, _, pool = key.partition("@")
    return f"{roles.replace('+', ' and ')} of pool {pool}" if pool else roles


def _headline(site: Site) -> tuple[str, ...]:
    hosts = len(site.hosts)
    many = f"{hosts} hosts" if hosts > 1 else "one host"
    return (
        _text(32, 34, site.domain, "title"),
        _text(32, 53, f"Site {site.name}, {many}. An arrow points to who accepts the connection.", "sub"),
        _text(32, 69, "Ports are TCP unless they say udp. What has no arrow is dropped.", "sub"),
    )


def _legend(site: Site, layout: Layout) -> list[str]:
    y = layout.height - 24
    x = 32.0
    lines: list[str] = []
    for use in USES:
        names = [name for name, network in site.networks.items() if use in network.carries]
        told = (
            f"{use} {site.network(use)}" if names == [use] else f"{use}, over {names[0]} {site.network(use)}"
        )
        lines.append(_path(((x, y - 4), (x + 30, y - 4)), use))
        lines.append(_text(x + 37, y, told))
        x += 37 + 6.4 * len(told) + 28
    return lines


def _pool(site: Site, name: str, box: Box) -> tuple[str, ...]:
    told = f"Pool {name}: {', '.join(site.pools[name].classifications)}"
    return (
        _rect(box, fill="#eceefa", stroke="#b9bfe3", rx=10),
        _text(box.right - 12, box.y + 17, told, "pool", "end"),
    )


def _card(card: Card, box: Box) -> list[str]:
    colour = HEADS.get(card.key.split("@")[0].split("+")[0], PLAIN_HEAD)
    fill = "#f2f6fb" if card.key == PEOPLE else "#ffffff"
    lines = [_rect(box, fill=fill, stroke=colour, rx=7), _head(box, colour)]
    lines += [_text(box.x + 11, box.y + 20, card.title, "head")]
    y = box.y + HEAD + 4
    for line in wrapped(card.roles, 30):
        lines.append(_text(box.x + 11, y + 14, line, "note"))
        y += LINE
    y += 6 if card.roles else 0
    for entry in card.entries:
        lines += _stacked(entry, box, y) if card.stacked else _beside(entry, box, y)
        y += entry_height(card, entry)
    if card.inner:
        lines.append(_text(box.x + 11, y + 14, "among themselves", "note"))
        lines += _list(box.x + 11, y + 14 + LINE, wrapped(card.inner, 26))
    return lines


def _beside(entry: Entry, box: Box, y: float) -> list[str]:
    lines = [_text(box.x + 11, y + 14, entry.name, "name")]
    if entry.note and len(entry.addresses) > 1:
        lines.append(_text(box.x + 11, y + 14 + LINE, entry.note, "note"))
    for number, (use, address) in enumerate(entry.addresses):
        at = y + 14 + number * LINE
        lines.append(_text(box.right - 15, at, address, "address", "end"))
        lines += _dot(box.right - 8.5, at, use)
    return lines


def _stacked(entry: Entry, box: Box, y: float) -> list[str]:
    lines = [_text(box.x + 11, y + 14, entry.name, "name")] if entry.name else []
    for number, (use, address) in enumerate(entry.addresses, len(lines)):
        at = y + 14 + number * LINE
        lines += _dot(box.x + 13.5, at, use)
        lines.append(_text(box.x + (11 if use is None else 20), at, address, "address"))
    return lines


def _dot(x: float, y: float, use: Use | None) -> list[str]:
    return [] if use is None else [f'<circle cx="{_n(x)}" cy="{_n(y - 3.5)}" r="2.5" fill="{COLOURS[use]}"/>']


def _wide(shown: Scene, layout: Layout, card: Card) -> list[str]:
    """Draw what a card below has with all hosts: an arrow up, an arrow down, and the lists beside them."""
    up, down = wide_labels(shown, card.key)
    box, stage = layout.boxes[card.key], layout.stage
    lines: list[str] = []
    if up:
        lines.append(_path(((box.x + 16, box.y), (box.x + 16, stage.bottom)), "management"))
        lines += _list(box.x + 24, stage.bottom + 24, up)
    if down:
        x = box.x + 40 + 6.3 * max((len(line) for line in up), default=-3)
        lines.append(_path(((x, stage.bottom), (x, box.y)), "management"))
        lines += _list(x + 8, stage.bottom + 24, down)
    for link in shown.wide:
        if link.source == card.key and shown.column(link.target) == BELOW:
            other, y = layout.boxes[link.target], box.y + HEAD / 2
            start, end = (box.right, other.x) if box.x < other.x else (box.x, other.right)
            lines.append(_path(((start, y), (end, y)), link.use))
            lines.append(_text((start + end) / 2 - 3, y - 5, ", ".join(link.ports), "label", "middle"))
    return lines


def _list(x: float, y: float, lines: list[str]) -> list[str]:
    return [_text(x, y + LINE * number, line, "label") for number, line in enumerate(lines)]


def _arrow(arrow: Arrow) -> tuple[str, ...]:
    return (_path(arrow.points, arrow.link.use),)


def _label(arrow: Arrow) -> list[str]:
    x, y = arrow.at
    return [
        _text(x, y - 12 * (len(arrow.label) - 1 - number), line, "label", arrow.anchor)
        for number, line in enumerate(arrow.label)
    ]


def _path(points: tuple[tuple[float, float], ...], use: Use) -> str:
    way = "M" + " L".join(f"{_n(x)} {_n(y)}" for x, y in points)
    dash = f' stroke-dasharray="{DASHES[use]}"' if DASHES[use] else ""
    return (
        f'<path d="{way}" fill="none" stroke="#ffffff" stroke-width="4.5"/>'
        f'<path d="{way}" fill="none" stroke="{COLOURS[use]}" stroke-width="{WEIGHTS[use]}" '
        f'stroke-linejoin="round"{dash} marker-end="url(#tip-{use})"/>'
    )


def _rect(box: Box, fill: str, stroke: str, rx: float) -> str:
    return (
        f'<rect x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.w)}" height="{_n(box.h)}" rx="{_n(rx)}" '
        f'fill="{fill}" stroke="{stroke}"/>'
    )


def _head(box: Box, colour: str) -> str:
    x, y, r = box.x, box.y, 7
    return (
        f'<path d="M{_n(x)} {_n(y + HEAD)} v{_n(r - HEAD)} a{r} {r} 0 0 1 {r} -{r} h{_n(box.w - 2 * r)} '
        f'a{r} {r} 0 0 1 {r} {r} v{_n(HEAD - r)} z" fill="{colour}"/>'
    )


def _text(x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    turned = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{_n(x)}" y="{_n(y)}"{style}{turned}>{escape(said)}</text>'


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
