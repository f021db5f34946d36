"""A whole morning on the cluster, from a person's computer through the edge, and nothing of it leaves the site."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.hosts.lab.cutoff import packets_outside
from infra.hosts.lab.names import Names
from infra.hosts.lab.visitor import VISITOR
from tests.lab.conftest import Lab

ROOT = Path(__file__).parents[2]
DECIDED = (
    "all inside, 2 of them moderators",
    "admits Me Samir Rami",
    "connects with a token that was used",
    "moves the sitting in camera",
    "the conference is gone, every token is worth",
)


@pytest.mark.timeout(400)
def test_a_morning_is_held_through_the_edge_and_no_packet_leaves_the_site(lab: Lab) -> None:
    names = Names(lab.site.name)
    before = packets_outside(names)
    account = lab.majlis("password")
    assert account.returncode == 0, account.stderr
    played = subprocess.run(
        [
            *("ip", "netns", "exec", names.namespace(VISITOR)),
            *(sys.executable, "-m", "demo", "--cluster", f"https://{lab.site.domain}"),
            *("--authority", str(lab.state.authority)),
        ],
        input=account.stdout,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=360,
        check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "COLUMNS": "200", "LANG": "C.UTF-8"},
    )
    assert played.returncode == 0, played.stdout[-3000:] + played.stderr[-2000:]
    assert "not as planned" not in played.stdout
    assert [said for said in DECIDED if said not in played.stdout] == []
    assert packets_outside(names) == before


def test_the_log_of_that_morning_verifies_on_the_control_plane(lab: Lab) -> None:
    verified = lab.hosts["control1"].run("majlis audit verify")
    assert verified.rc == 0, verified.stderr
    assert verified.stdout.startswith("sound: ")
    assert int(verified.stdout.split()[1]) > 100
