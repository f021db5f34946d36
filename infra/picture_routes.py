"""The ways of the arrows between cards: straight where they can, else by one corner in the gap between columns."""

from collections import defaultdict

from infra.picture_layout import AFTER, LANE, SLOT, Arrow, Box, Layout, wrapped
from infra.picture_scene import BACK, FRONT, MIDDLE, PEOPLE, Link, Scene

ORDER = (PEOPLE, FRONT, MIDDLE, BACK)


class Router:
    """Gives each link its way; it remembers which slots and lanes are taken."""

    def __init__(self, scene: Scene, layout: Layout) -> None:
        self.layout = layout
        self.column = {card.key: card.column for card in scene.cards}
        self.taken: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.lanes: dict[tuple[str, bool], int] = defaultdict(int)

    def routes(self, links: tuple[Link, ...]) -> list[Arrow]:
        """Return an arrow for each link; the straight ones choose first."""
        return [self._route(link) for link in sorted(links, key=self._difficulty)]

    def _difficulty(self, link: Link) -> tuple[int, float, float, str, str]:
        one, other = self.layout.boxes[link.source], self.layout.boxes[link.target]
        straight = self._overlap(link) is not None or self._adjacent(link)
        return (0 if straight else 1, abs(one.middle - other.middle), other.y, link.source, link.target)

    def _route(self, link: Link) -> Arrow:
        if self.column[link.source] == self.column[link.target]:
            return self._down(link) if self._adjacent(link) else self._around(link)
        return self._across(link)

    def _overlap(self, link: Link) -> tuple[float, float] | None:
        """Return the heights at which both cards stand, when nothing stands between them there."""
        one, other = self.layout.boxes[link.source], self.layout.boxes[link.target]
        top, bottom = max(one.y, other.y) + 22, min(one.bottom, other.bottom) - 8
        if self.column[link.source] == self.column[link.target] or bottom <= top:
            return None
        return top, bottom

    def _adjacent(self, link: Link) -> bool:
        if self.column[link.source] != self.column[link.target]:
            return False
        low, high = sorted(
            (self.layout.boxes[link.source], self.layout.boxes[link.target]), key=lambda b: b.y
        )
        return not any(
            box.x == low.x and low.y < box.y < high.y for box in self.layout.boxes.values() if box is not high
        )

    def _down(self, link: Link) -> Arrow:
        one, other = self.layout.boxes[link.source], self.layout.boxes[link.target]
        sides = ("bottom", "top") if one.y < other.y else ("top", "bottom")
        x = self._free(((link.source, sides[0]), (link.target, sides[1])), one.x + 60, one.right - 30, 50)
        start = one.bottom if sides[0] == "bottom" else one.y
        end = other.y if sides[1] == "top" else other.bottom
        label = tuple(wrapped(link.ports, 20))
        if end > start:
            return Arrow(
                link, ((x, start), (x, end)), label, (x + 7, start + 19 + 12 * (len(label) - 1)), "start"
            )
        return Arrow(link, ((x, start), (x, end)), label, (x - 7, start - 12), "end")

    def _around(self, link: Link) -> Arrow:
        """Leave to the right, go along the gap, and come back from the right."""
        one, other = self.layout.boxes[link.source], self.layout.boxes[link.target]
        name = self._gap_after(self.column[link.source])
        y1, y2 = self._height(one, (name,)), self._height(other, (name,))
        x = self._lane(name, back=True)
        return self._bent(link, (one.right, y1), x, (other.right, y2), name)

    def _across(self, link: Link) -> Arrow:
        one, other = self.layout.boxes[link.source], self.layout.boxes[link.target]
        right = one.x < other.x
        start, end = (one.right, other.x) if right else (one.x, other.right)
        gaps = self._gaps_between(link)
        if (span := self._overlap(link)) is not None and not self._blocked(link, sum(span) / 2):
            y = self._free(tuple((gap, "y") for gap in gaps), *span)
            return self._bent(link, (start, y), start, (end, y), gaps[-1] if right else gaps[0])
        first, last = (gaps[0], gaps[-1]) if right else (gaps[-1], gaps[0])
        y1, y2 = self._height(one, (first,)), self._height(other, (last,))
        turn = first if self._blocked(link, y1) and not self._blocked(link, y2) else last
        x = self._lane(turn, back=not right)
        return self._bent(link, (start, y1), x, (end, y2), last)

    def _bent(
        self, link: Link, start: tuple[float, float], x: float, end: tuple[float, float], gap: str
    ) -> Arrow:
        """Return an arrow with a corner at x; its label stands where its gap keeps room for it."""
        label = tuple(wrapped(link.ports, 14))
        straight = start[1] == end[1]
        points = (start, end) if straight else (start, (x, start[1]), (x, end[1]), end)
        room = self.layout.gaps[gap]
        if end[0] >= room.right - 0.1:
            return Arrow(link, points, label, (end[0] - 13, end[1] - 4), "end")
        return Arrow(link, points, label, (room.left + 8 + LANE * room.forth + 4, end[1] - 4), "start")

    def _blocked(self, link: Link, y: float) -> bool:
        """Tell whether a card stands between both columns at this height."""
        left, right = sorted(ORDER.index(self.column[key]) for key in (link.source, link.target))
        between = ORDER[left + 1 : right]
        return any(
            box.y - 6 < y < box.bottom + 6
            for key, box in self.layout.boxes.items()
            if self.column.get(key) in between
        )

    def _height(self, box: Box, gaps: tuple[str, ...]) -> float:
        """Return a height of a card's side at which nothing else crosses these gaps."""
        return self._free(tuple((gap, "y") for gap in gaps), box.y + 18, box.bottom - 6)

    def _free(self, sides: tuple[tuple[str, str], ...], low: float, high: float, step: float = SLOT) -> float:
        """Return the first place that no other arrow uses at any of these sides."""
        taken = [place for side in sides for place in self.taken[side]]
        place = low
        while place < high and any(abs(place - other) < step - 0.1 for other in taken):
            place += step / 4
        place = min(place, high)
        for side in sides:
            self.taken[side].append(place)
        return place

    def _lane(self, name: str, back: bool) -> float:
        gap = self.layout.gaps[name]
        number = self.lanes[name, back]
        self.lanes[name, back] += 1
        return (gap.back_at if back else gap.left + 12) + LANE * number

    def _gaps_between(self, link: Link) -> tuple[str, ...]:
        """Return the gaps between two columns, from the left."""
        left, right = sorted(ORDER.index(self.column[key]) for key in (link.source, link.target))
        return tuple(name for name in ORDER[left + 1 : right + 1] if name in self.layout.gaps)

    def _gap_after(self, column: str) -> str:
        later = [name for name in ORDER[ORDER.index(column) + 1 :] if name in self.layout.gaps]
        return later[0] if later else AFTER
