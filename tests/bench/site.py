"""`make bench-site`: how long building a site takes, against plain apt-get on as many hosts at once.

Everything happens in containers on a network of its own (10.84.0.0/16), which are removed at the end. Numbers of
one run, on one machine: compare the ratios, not the seconds.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra.building import Building
from infra.cli import open_machines
from infra.events import Event, Recap, TaskBegan
from infra.inventory import inventory
from infra.machines import Built
from infra.play import Options
from infra.site import Overrides, Site, parse_site, shipped
from infra.ssh import arguments
from infra.state import SiteState
from tests.doubles.jitsi import build

GOAL_RATIO, GOAL_AGAIN, GOAL_PREVIEW = 2.0, 60.0, 20.0
INSTALL = "apt-get update -q && apt-get install -q -y --no-install-recommends"


@dataclass(slots=True)
class Clock:
    """How long the playbook spent at what, as its tasks began."""

    spent: dict[str, float] = field(default_factory=dict)
    _task: str = ""
    _since: float = 0.0

    def hear(self, event: Event) -> None:
        match event:
            case TaskBegan(action=action, at=at):
                self._count(at)
                self._task = (
                    "facts" if action.split(".")[-1] in {"gather_facts", "setup", "host_facts"} else "tasks"
                )
            case Recap():
                self._count(time.monotonic())

    def _count(self, at: float) -> None:
        if self._task:
            self.spent[self._task] = self.spent.get(self._task, 0.0) + at - self._since
        self._since = at


def main() -> int:
    """Measure, print, and return the exit status."""
    if os.geteuid() != 0:
        print("the hosts are containers, which takes root", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="majlis-bench-") as directory:
        home = Path(directory)
        packages = home / "packages"
        build(packages)
        with _bare(home / "apt", packages) as (building, built):
            _apt_get(building, built, packages, "--download-only")  # both sides then find the cache warm
            plain = _timed(lambda: _apt_get(building, built, packages))
        with _bare(home / "site", packages) as (building, _):
            clock, again = Clock(), Clock()
            first = _timed(lambda: _up(building, clock))
            second = _timed(lambda: _up(building, again))
            preview = _timed(lambda: _preview(building))
    hosts = len(building.site.hosts)
    facts = again.spent.get("facts", 0.0)
    print(f"{hosts} hosts, machines made beforehand; seconds of one run")
    _row("plain apt-get of the same packages, all hosts at once", plain)
    _row("majlis site up on fresh hosts", first, f"{first / plain:.2f} times apt-get (goal {GOAL_RATIO})")
    _row(
        "majlis site up again",
        second,
        f"goal {GOAL_AGAIN:.0f}; gathering facts is {facts / second:.0%} of it",
    )
    _row("majlis site preview", preview, f"goal {GOAL_PREVIEW:.0f}")
    return 0


def _row(what: str, seconds: float, note: str = "") -> None:
    print(f"  {what:<56} {seconds:>7.1f} s  {note}")


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


@contextmanager
def _bare(home: Path, packages: Path) -> Iterator[tuple[Building, Built]]:
    """Give a site whose machines run and hold nothing but the image; they are removed at the end of the block."""
    site = _site(packages)
    state = SiteState(home)
    building = Building(site, state, open_machines(site, state, "for-a-bench-only"))
    try:
        yield building, building.machines_only(_quiet)
    finally:
        building.machines.down(_quiet)


def _site(packages: Path) -> Site:
    """Return the shipped lab under another name and in other networks."""
    text = shipped("lab").read_text().replace("10.77.", "10.84.").replace("name: lab ", "name: bench ")
    return parse_site(text, overrides=Overrides(jitsi_packages=packages))


def _up(building: Building, clock: Clock) -> None:
    building.up(_quiet, clock.hear, Options())


def _preview(building: Building) -> None:
    building.machines.preview()
    built = building.machines.built()
    assert built is not None
    building.compare(built, lambda _: None, Options())


def _apt_get(building: Building, built: Built, packages: Path, option: str = "") -> None:
    """Install on every host at once what its roles need; Jitsi's packages are laid beside, as the site's are."""
    told = inventory(building.site, None)["all"]["hosts"]
    local = {file.name.partition("_")[0]: file for file in packages.glob("*.deb")}
    with building.access(built) as access, ThreadPoolExecutor(len(told)) as pool:

        def install(host: dict[str, str | list[str]]) -> None:
            ssh = [
                "ssh",
                *arguments(access, connect_seconds=10),
                f"{host['ansible_user']}@{host['ansible_host']}",
            ]
            wanted = [name for name in host["host_packages"] if name not in local]
            files = [local[name] for name in host["host_packages"] if name in local]
            for file in files:
                with file.open("rb") as content:
                    _run([*ssh, f"cat > /var/tmp/{file.name}"], stdin=content)
            names = " ".join([*wanted, *(f"/var/tmp/{file.name}" for file in files)])
            _run([*ssh, f"export DEBIAN_FRONTEND=noninteractive; {INSTALL} {option} {names}"])

        list(pool.map(install, told.values()))


def _run(command: list[str], stdin: IO[bytes] | int = subprocess.DEVNULL) -> None:
    done = subprocess.run(command, stdin=stdin, capture_output=True, text=False, check=False, timeout=1200)
    if done.returncode != 0:
        sys.exit(f"{command[-1]}: {done.stderr.decode(errors='replace')[-2000:]}")


def _quiet(_: str) -> None:
    return None


if __name__ == "__main__":
    sys.exit(main())
