"""Where everything of a picture stands: cards in three columns, pools as lanes across two, what all share below."""

from dataclasses import dataclass, field
from itertools import groupby

from infra.picture_scene import BACK, BELOW, EVERY, FRONT, MIDDLE, PEOPLE, Card, Entry, Link, Scene

MARGIN = 32.0
CARD = 196.0  # width of a card
PEOPLE_CARD = 150.0
HEAD = 30.0  # a card's coloured head
LINE = 15.0  # a line of text
APART = 54.0  # between cards above each other: room for an arrow and its label
LANE = 9.0  # between arrows side by side
LETTER = 6.3  # width of a letter of a label, generously
PAD = 14.0  # of a pool around its cards
TAB = 22.0  # a pool's own head
SLOT = 20.0  # between arrows that end at the same side of a card
MOST = 70.0  # of free room added between cards
AFTER = "after"
TOP = 104.0  # the picture's head


@dataclass
class Box:
    """A rectangle."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        """Return where it ends on the right."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """Return where it ends below."""
        return self.y + self.h

    @property
    def middle(self) -> float:
        """Return the height of its middle."""
        return self.y + self.h / 2


@dataclass
class Gap:
    """The room between two columns, from the left: lanes of arrows that go right, labels of those that come

    left or turn back, their lanes, labels of those that go right. Nothing crosses a label but by accident.
    """

    left: float
    forth: int
    back: int
    back_label: float
    forth_label: float

    @property
    def back_at(self) -> float:
        """Return where the lanes of arrows that come left begin."""
        return self.left + 12 + LANE * self.forth + self.back_label + 10

    @property
    def right(self) -> float:
        """Return where the gap ends."""
        end = self.back_at + LANE * self.back if self.back else self.left + 12 + LANE * self.forth
        return end + self.forth_label + 30


@dataclass(frozen=True)
class Arrow:
    """A drawn link: corners from source to target, and its label with where it stands."""

    link: Link
    points: tuple[tuple[float, float], ...]
    label: tuple[str, ...]
    at: tuple[float, float]
    anchor: str


@dataclass
class Layout:
    """All that has a place."""

    boxes: dict[str, Box] = field(default_factory=dict)
    pools: dict[str, Box] = field(default_factory=dict)
    stage: Box = field(default_factory=lambda: Box(0, 0, 0, 0))
    width: float = 0.0
    height: float = 0.0
    gaps: dict[str, Gap] = field(default_factory=dict)  # by the column after it


def place(scene: Scene) -> Layout:
    """Return where the cards of a scene stand."""
    layout = Layout()
    stacks = _columns(scene)
    people = next(card for card in scene.cards if card.key == PEOPLE)
    x = MARGIN + max(PEOPLE_CARD, width(people))
    layout.boxes[PEOPLE] = Box(MARGIN, TOP, x - MARGIN, 0)
    for gap, column in _gaps(scene, stacks):
        layout.gaps[column] = gap
        gap.left = x
        x = gap.right
        wide = max([CARD, *(width(card) for card in stacks.get(column, []))])
        for card in stacks.get(column, []):
            layout.boxes[card.key] = Box(x, 0, wide, height(card))
        x += wide if column in stacks else 0
    inner = max(_stack(scene, stacks, layout), height(people))
    _spread([layout.boxes[card.key] for card in stacks[BACK] if card.pool is None], TOP + inner)
    layout.boxes[PEOPLE].h = inner
    _place_pools(scene, layout)
    left = layout.gaps[FRONT].right - PAD - 14 if FRONT in layout.gaps else layout.boxes[PEOPLE].right + 40
    layout.stage = Box(left, TOP - 16, x - left, inner + 32)
    layout.width = max(layout.stage.right, _place_below(scene, layout)) + MARGIN
    layout.stage.w = layout.width - MARGIN - left
    return layout


def height(card: Card) -> float:
    """Return how high a card is."""
    lines = sum(entry_height(card, entry) for entry in card.entries)
    inner = LINE * len(wrapped(card.inner, 26)) + 20 if card.inner else 0
    return HEAD + 12 + lines + inner + LINE * len(wrapped(card.roles, 30)) + (6 if card.roles else 0)


def entry_height(card: Card, entry: Entry) -> float:
    """Return how high one host in a card is."""
    own = 1 if card.stacked and entry.name else 0
    return (max(1 - own, len(entry.addresses)) + own) * LINE + 7


def width(card: Card) -> float:
    """Return how wide a card must be for its names and addresses."""
    beside = [7.2 * len(entry.name) for entry in card.entries]
    addresses = [6.4 * max((len(said) for _, said in entry.addresses), default=0) for entry in card.entries]
    if card.stacked:
        return 34 + max(*beside, *addresses, 7.6 * len(card.title))
    return max(7.8 * len(card.title), *(sum(both) for both in zip(beside, addresses, strict=True))) + 44


def wrapped(ports: tuple[str, ...], letters: int) -> list[str]:
    """Return ports in lines of so many letters."""
    lines: list[str] = []
    for port in ports:
        if lines and len(lines[-1]) + len(port) + 2 <= letters:
            lines[-1] += f", {port}"
        else:
            lines.append(port)
    return lines


def _columns(scene: Scene) -> dict[str, list[Card]]:
    order = {"edge": 0, "turn": 9, "control": 0, "database": 1, "witness": 2}
    found: dict[str, list[Card]] = {FRONT: [], MIDDLE: [], BACK: [], BELOW: []}
    for card in scene.cards:
        if card.column != PEOPLE:
            found[card.column].append(card)
    for cards in (found[FRONT], found[BACK]):
        cards.sort(key=lambda card: order.get(card.key.split("@")[0].split("+")[0], 5))
    return found


def _gaps(scene: Scene, stacks: dict[str, list[Card]]) -> list[tuple[Gap, str]]:
    """Return the gap before each column that is there, and the one after the last; their left edge is not set."""
    column = {card.key: card.column for card in scene.cards}
    columns = [PEOPLE, *(name for name in (FRONT, MIDDLE, BACK) if stacks[name])]
    found: list[tuple[Gap, str]] = []
    for before, after in zip(columns, [*columns[1:], AFTER], strict=True):
        forth = [link for link in scene.links if column[link.target] == after != column[link.source]]
        back = [
            link for link in scene.links if column[link.target] == before and column[link.source] != PEOPLE
        ]
        rows = [card.key for card in stacks.get(before, [])]
        back = [
            link
            for link in back
            if column[link.source] == after
            or (column[link.source] == before and abs(rows.index(link.source) - rows.index(link.target)) > 1)
        ]  # neighbours meet without leaving their column
        lanes = len(forth) if before != PEOPLE else 0
        gap = Gap(0.0, lanes, len(back) if before != PEOPLE else 0, _widest(back), _widest(forth))
        found.append((gap, after))
    return found


def _widest(links: list[Link]) -> float:
    return LETTER * max([len(line) for link in links for line in wrapped(link.ports, 14)], default=0)


def _stack(scene: Scene, stacks: dict[str, list[Card]], layout: Layout) -> float:
    """Put cards above each other, pools side by side in both columns; return how high it all is."""
    pools = list(dict.fromkeys(card.pool for card in scene.cards if card.pool))
    y = TOP
    lone = [card for card in stacks[FRONT] if card.pool is None]
    before = [card for card in lone if card.key.startswith("edge")]
    for card in before:
        layout.boxes[card.key].y = y
        y += layout.boxes[card.key].h + APART
    for pool in pools:
        y += PAD + TAB - (0 if y > TOP else 6)
        ends = [
            _pile([card for card in stacks[name] if card.pool == pool], y, layout)
            for name in (FRONT, MIDDLE, BACK)
        ]
        y = max(ends) + PAD + APART
    for card in [card for card in lone if card not in before]:
        layout.boxes[card.key].y = y
        y += layout.boxes[card.key].h + APART
    back = _pile([card for card in stacks[BACK] if card.pool is None], TOP, layout) + APART
    return max(y, back) - APART - TOP


def _pile(cards: list[Card], y: float, layout: Layout) -> float:
    end = y
    for card in cards:
        layout.boxes[card.key].y = y
        end = y + layout.boxes[card.key].h
        y = end + APART
    return end


def _place_pools(scene: Scene, layout: Layout) -> None:
    pooled = sorted((card for card in scene.cards if card.pool), key=lambda card: str(card.pool))
    for pool, cards in groupby(pooled, key=lambda card: str(card.pool)):
        boxes = [layout.boxes[card.key] for card in cards]
        x, y = min(box.x for box in boxes), min(box.y for box in boxes)
        right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
        layout.pools[pool] = Box(x - PAD, y - TAB - 6, right - x + 2 * PAD, bottom - y + TAB + 6 + PAD)


def _spread(boxes: list[Box], end: float) -> None:
    """Move cards of a column down, so that what is free stands between them, as far as that looks well."""
    if len(boxes) > 1:
        free = min(MOST, max(0.0, (end - boxes[-1].bottom) / (len(boxes) - 1)))
        for number, box in enumerate(boxes):
            box.y += number * free


def _place_below(scene: Scene, layout: Layout) -> float:
    """Put what all hosts share below them, far enough apart for the labels; return where it ends."""
    cards = [card for card in scene.cards if card.column == BELOW]
    lists = {card.key: wide_labels(scene, card.key) for card in cards}
    longest = max(max(len(up), len(down)) for up, down in lists.values())
    x, y = layout.stage.x, layout.stage.bottom + 46 + LINE * longest
    for card, following in zip(cards, [*cards[1:], None], strict=True):
        up, down = lists[card.key]
        letters = sum(max((len(line) for line in lines), default=0) for lines in (up, down))
        layout.boxes[card.key] = Box(x, y, max(112.0, width(card), 48 + LETTER * letters), height(card))
        between = [
            link
            for link in scene.wide
            if following and {link.source, link.target} == {card.key, following.key}
        ]
        x = layout.boxes[card.key].right + (44 + _widest(between) if between else 18)
    layout.height = max(box.bottom for box in layout.boxes.values()) + 70
    return max(layout.boxes[card.key].right for card in cards)


def wide_labels(scene: Scene, key: str) -> tuple[list[str], list[str]]:
    """Return what a card below opens to hosts, and what hosts open to it: lines of ports with whom."""
    below = {card.key for card in scene.cards if card.column == BELOW}
    up = [link for link in scene.wide if link.source == key and link.target not in below]
    down = [link for link in scene.wide if link.target == key and link.source not in below]
    return (
        _lines(scene, "to", [(link.target, link) for link in up]),
        _lines(scene, "from", [(link.source, link) for link in down]),
    )


def _lines(scene: Scene, way: str, found: list[tuple[str, Link]]) -> list[str]:
    """Return whom with which ports, and over which network where it isn't management."""
    names = {card.key: card.short for card in scene.cards}
    merged: dict[tuple[str, str], dict[str, None]] = {}
    for who, link in found:
        over = "" if link.use == "management" else f" ({link.use})"
        merged.setdefault((names.get(who, who), over), {}).update(dict.fromkeys(link.ports))
    order = sorted(merged, key=lambda end: (end[0] != EVERY, end))
    return [f"{', '.join(merged[name, over])} {way} {name}{over}" for name, over in order]
