"""Which signalling hosts may carry which meetings: a pool serves some classifications and no others."""

from collections.abc import Mapping
from dataclasses import dataclass

from control_plane.policy import Classification


@dataclass(frozen=True, slots=True)
class Pool:
    """Signalling hosts, by name, and the address of their WebSocket as clients reach it."""

    classifications: frozenset[Classification]
    hosts: frozenset[str]
    websocket: str


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of a site, by name; with none declared every host carries every meeting."""

    declared: Mapping[str, Pool]

    def serving(self, classification: Classification) -> Pool | None:
        """Return the pool for meetings of this classification, None when the site has none for them."""
        return next((pool for pool in self.declared.values() if classification in pool.classifications), None)

    def why_not(self, host: str, classification: Classification) -> str:
        """Return the word of rooms/reasons.py why this host may not carry such a meeting; empty if it may."""
        if not self.declared:
            return ""
        pool = self.serving(classification)
        if pool is None:
            return "no_pool"
        return "" if host in pool.hosts else "wrong_pool"
