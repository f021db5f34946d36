"""A small site to break: three hosts, and of the playbook only what needs no service's packages."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from infra.hosts.lab.programs import missing_packages
from infra.hosts.lab.removal import remove_every_trace, traces
from tests.lab.faults import Faults

MAJLIS = Path(sys.executable).with_name("majlis")
NAME = "fail"
HOSTS = ("box1", "db1", "turn1")
FIRST_ROLES = ("--tags", "base", "--tags", "certificates", "--tags", "firewall")
WITHIN = 150  # seconds for one `up` on two busy cores

SITE = """\
name: fail
domain: meet.fail.majlis.test
networks:
  users:      {cidr: 10.87.1.0/24, carries: [users]}
  cluster:    {cidr: 10.87.2.0/24, carries: [cluster]}
  management: {cidr: 10.87.3.0/24, carries: [management]}
controller: 10.87.3.1
zones: {government: [10.87.1.0/24], parliament: []}
pools:
  open: {classifications: [public, restricted], name: rooms, client_certificates: none}
not_served: [confidential, secret]
one_box: true
hosts:
  box1:
    kind: lab
    roles: [edge, signalling, bridge, control, monitoring]
    pool: open
    addresses: {users: 10.87.1.11, cluster: 10.87.2.11, management: 10.87.3.11}
  db1:   {kind: lab, roles: [database], addresses: {cluster: 10.87.2.51, management: 10.87.3.51}}
  turn1: {kind: lab, roles: [turn], addresses: {users: 10.87.1.41, cluster: 10.87.2.41, management: 10.87.3.41}}
identity: {provider: local}
mail: {host: "", port: 25, sender: majlis@meet.fail.majlis.test}
time: {servers: [10.87.3.1], nts: false}
packages: {debian: {proxy: "http://10.87.3.1:3142"}, jitsi: null}
retention: {log_readable_days: 3650, journal_days: 30, backups_days: 7}
"""


@dataclass(frozen=True)
class Breakable:
    """A site that runs, and the operator's command upon it."""

    file: Path
    state: Path

    def faults(self, host: str) -> Faults:
        return Faults(NAME, host)

    def command(self, *words: str) -> list[str]:
        return [str(MAJLIS), "site", "up", str(self.file), "--state", str(self.state), *words]

    def up(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `majlis site up`; what it says is returned, not judged."""
        command = self.command(*(words or FIRST_ROLES))
        return subprocess.run(command, capture_output=True, text=True, timeout=WITHIN, check=False)

    def begin(self) -> "subprocess.Popen[str]":
        """Begin `majlis site up` in a process group of its own."""
        return subprocess.Popen(
            self.command(*FIRST_ROLES),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def with_lines(self, lines: str) -> "Breakable":
        """Return the same site from a file with so much more in it."""
        file = self.file.with_name("more.yaml")
        file.write_text(SITE + lines)
        return replace(self, file=file)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    """The site, built as far as its first roles, and every trace of it gone afterwards."""
    if missing_packages():
        pytest.skip(f"the lab takes root and the programs of {', '.join(missing_packages())}")
    place = tmp_path_factory.mktemp("fail")
    (place / "fail.yaml").write_text(SITE)
    small = Breakable(place / "fail.yaml", place / "state")
    try:
        done = small.up()
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        yield small
    finally:
        remove_every_trace(NAME)
        shutil.rmtree(place, ignore_errors=True)
        assert traces(NAME) == []
