"""Real Pulumi over machines that are files: what the tests of the engine and of the cluster start from."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.engine import Engine
from infra.machines import Change
from infra.pulumi_program import Program, find_engine
from infra.site import Site, parse_site, shipped
from infra.state import SiteState
from tests.doubles.fake_machines import FakeMachines

PASSPHRASE = "a passphrase of the tests"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def lab(change: Callable[[str], str] = lambda text: text) -> Site:
    """Return the lab's site, with its text changed first."""
    return parse_site(change(shipped("lab").read_text()))


@dataclass
class Place:
    """A directory with a site's state and its machines, and the engine that works there."""

    directory: Path
    site: Site = field(default_factory=lab)
    after: timedelta = timedelta()
    passphrase: str = PASSPHRASE
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machines.mkdir(exist_ok=True)

    @property
    def machines(self) -> Path:
        return self.directory / "machines"

    @property
    def state(self) -> SiteState:
        return SiteState(self.directory / "state")

    @property
    def engine(self) -> Engine:
        program = Program(find_engine(os.environ), os.environ)
        return Engine(
            self.site,
            self.state,
            self.passphrase,
            program,
            FakeMachines(self.machines),
            clock=lambda: NOW + self.after,
        )

    def later(self, **days: float) -> "Place":
        """Return the same place seen at another time."""
        return replace(self, after=timedelta(**days), said=[])

    def of(self, site: Site) -> "Place":
        """Return the same place after its site file changed."""
        return replace(self, site=site, said=[])

    def up(self, **arguments: dict[str, str]) -> None:
        self.engine.up(self.said.append, **arguments)

    def pending(self) -> dict[str, Change]:
        """Return what `up` would change, by kind and name."""
        return {f"{one.kind} {one.name}": one for one in self.engine.preview() if one.action != "same"}

    def there(self) -> set[str]:
        """Return which machines exist."""
        return {path.stem for path in self.machines.glob("*.json")}

    def verbs(self) -> list[str]:
        """Return what was done to machines, in order."""
        noted = self.machines / "verbs"
        return noted.read_text().splitlines() if noted.exists() else []
