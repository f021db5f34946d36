"""A site that is as its file says: neither `up` nor `preview` finds a thing to do."""

import re
from collections import Counter

import pytest

from tests.lab.conftest import Lab

# One line a role of a host, as a pipe gets it: `edge1  base  7.1 s  nothing to do`.
ROLE = re.compile(r"^(\S+) {2,}(\S+(?: \S+)*) +[\d.]+ s {2}(.+)$", re.MULTILINE)
EVERY_HOST = {"base", "apt_source", "certificates", "firewall", "time", "hardening", "logs", "node_exporter"}
ROLES = {
    "edge1": {"web", "edge"},
    "signal1": {"prosody", "jicofo"},
    "bridge1": {"videobridge"},
    "bridge2": {"videobridge"},
    "turn1": {"coturn"},
    "db1": {"postgresql"},
    "control1": {"control_plane"},
    "monitor1": {"monitoring"},
    "witness1": set(),
}


@pytest.mark.timeout(360)
def test_a_second_up_changes_nothing(lab: Lab) -> None:
    """The fixture's `up` was the first."""
    said = lab.majlis("up", within=300)
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-3000:]
    lines = ROLE.findall(said.stdout)
    assert [line for line in lines if line[2] != "nothing to do"] == []
    seen: dict[str, set[str]] = {}
    for host, role, _ in lines:
        seen.setdefault(host, set()).add(role)
    assert {host: ROLES[host] | EVERY_HOST for host in ROLES} == {
        host: roles - {"first look"} for host, roles in seen.items()
    }
    assert max(Counter((host, role) for host, role, _ in lines).values()) == 1


@pytest.mark.timeout(360)
def test_a_preview_of_what_is_built_shows_no_difference(lab: Lab) -> None:
    said = lab.majlis("preview", within=300)
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-3000:]
    assert said.stdout.splitlines() == [
        "machines, keys and secrets: as they should be",
        "configuration of 9 hosts: no changes",
    ]
