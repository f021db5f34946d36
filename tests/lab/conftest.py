"""One real site for all tests in this folder: built once a session by the operator's own command, then removed.

MAJLIS_LAB_SITE names another site file than the shipped lab (all its hosts of the kind lab); MAJLIS_KEEP_LAB leaves
what was built running; MAJLIS_JITSI is a directory of Jitsi's own .deb files, without it doubles stand in.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import testinfra  # type: ignore[import-untyped]
from testinfra.host import Host  # type: ignore[import-untyped]

from infra.cli import open_machines
from infra.describing import only_lab
from infra.hosts.lab.names import Names, cache_directory
from infra.hosts.lab.programs import missing_packages
from infra.hosts.lab.removal import remove_every_trace, traces
from infra.hosts.lab.trial import ensure_visitors, read
from infra.hosts.lab.visitor import STRANGER, VISITOR
from infra.memory import scratch_directory
from infra.passphrase import find
from infra.site import Site
from infra.ssh import Access, arguments
from infra.state import SiteState, state_of

MAJLIS = Path(sys.executable).with_name("majlis")
UP_WITHIN = 1500  # seconds on two busy cores; `make bench-site` has the goals


#: what the roles could not do on these hosts, a line for each host
LEFT_OUT: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end of the run what the roles left out, once a reason."""
    for why in sorted({line.partition(": ")[2] for line in LEFT_OUT}):
        count = sum(line.endswith(why) for line in LEFT_OUT)
        terminalreporter.write_line(f"LEFT OUT on {count} hosts: {why}")


@dataclass(frozen=True)
class Lab:
    """A site that runs: its hosts as testinfra sees them, and programs run from outside."""

    where: str  # what `majlis site` is told
    site: Site
    state: SiteState
    hosts: Mapping[str, Host] = field(repr=False)

    def majlis(self, *words: str, within: int = UP_WITHIN) -> subprocess.CompletedProcess[str]:
        """Run `majlis site VERB SITE …`, as the operator does; what it says is returned, not judged."""
        verb, *rest = words
        command = [str(MAJLIS), "site", verb, self.where, *rest]
        return subprocess.run(command, capture_output=True, text=True, timeout=within, check=False)

    def visitor(self, *command: str, within: int = 60) -> subprocess.CompletedProcess[str]:
        """Run a program as a person's computer in the users' network."""
        return self._outside(VISITOR, command, within)

    def stranger(self, *command: str, within: int = 60) -> subprocess.CompletedProcess[str]:
        """Run a program as a foreign computer in the inner networks."""
        return self._outside(STRANGER, command, within)

    def _outside(self, who: str, command: tuple[str, ...], within: int) -> subprocess.CompletedProcess[str]:
        entered = ["ip", "netns", "exec", Names(self.site.name).namespace(who), *command]
        return subprocess.run(entered, capture_output=True, text=True, timeout=within, check=False)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The site, with everything on it."""
    if os.geteuid() != 0 or missing_packages():
        pytest.skip(
            f"the lab takes root and the programs of {', '.join(missing_packages()) or 'no package more'}"
        )
    where = os.environ.get("MAJLIS_LAB_SITE", "lab")
    site = read(where)
    state = state_of(site.name, os.environ, None)
    built = Lab(where, site, state, {})
    try:
        done = built.majlis("up", "--jitsi-packages", _jitsi_packages())
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        last = state.last_up()
        LEFT_OUT.extend(last.left_out if last else ())
        ensure_visitors(site)
        with scratch_directory() as secret:
            yield Lab(where, site, state, _hosts(site, state, Path(secret)))
    finally:
        if "MAJLIS_KEEP_LAB" not in os.environ:
            built.majlis("down", "--yes", site.name, "--with-data", site.name)
            remove_every_trace(site.name)
            shutil.rmtree(state.directory, ignore_errors=True)
            assert traces(site.name) == []


@pytest.fixture(scope="session")
def hosts(lab: Lab) -> Mapping[str, Host]:
    """The site's hosts by name."""
    return lab.hosts


def _hosts(site: Site, state: SiteState, secret: Path) -> dict[str, Host]:
    """Return a door to each host, with the site's own key and pinned host keys, one connection a host."""
    passphrase = find(state, os.environ, only_lab=only_lab(site), ask=None).text
    made = open_machines(site, state, passphrase).built()
    assert made is not None
    key = secret / "key"
    key.touch(mode=0o600)
    key.write_text(made.ssh_key if made.ssh_key.endswith("\n") else f"{made.ssh_key}\n")
    return {
        name: door(str(host.address("management")), Access(state.known_hosts, key), secret)
        for name, host in site.hosts.items()
    }


def door(address: str, access: Access, sockets: Path) -> Host:
    """Return a host as testinfra sees it, over one connection that lasts a minute beyond its last use."""
    shared = ("-oControlMaster=auto", "-oControlPersist=60", f"-oControlPath={sockets}/%C")
    extra = " ".join((*arguments(access, connect_seconds=10), *shared))
    return testinfra.get_host(f"ssh://root@{address}", ssh_extra_args=extra)


def _jitsi_packages() -> str:
    """Return the directory of Jitsi's packages, or of their doubles made now."""
    if given := os.environ.get("MAJLIS_JITSI"):
        return given
    # Imported here and nowhere else, so that a run says in its last lines when doubles stood in.
    from tests.doubles.jitsi import build  # noqa: PLC0415

    doubles = cache_directory() / "doubles"
    build(doubles)
    return str(doubles)
