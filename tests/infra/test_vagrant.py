"""The Vagrantfile holds no fact of its own: its machines are the hosts of whatever site file it is given."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.site import load_site, shipped

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 100
SITES = ("lab", "single", "parliament")


def vagrant(tmp_path: Path, site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run vagrant with state and boxes of its own; it asks nobody for news."""
    if shutil.which("vagrant") is None:
        pytest.skip("vagrant is not installed")
    own = {
        "MAJLIS_SITE": str(site),
        "VAGRANT_HOME": str(tmp_path / "home"),
        "VAGRANT_DOTFILE_PATH": str(tmp_path / "state"),
        "VAGRANT_CHECKPOINT_DISABLE": "1",
        "VAGRANT_DEFAULT_PROVIDER": "lxc",
    }
    return subprocess.run(
        ["vagrant", *words],
        cwd=ROOT,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )


@pytest.mark.parametrize("name", SITES)
def test_the_machines_are_the_hosts_of_the_site(tmp_path: Path, name: str) -> None:
    said = vagrant(tmp_path, shipped(name), "status", "--machine-readable")
    assert said.returncode == 0, said.stderr + said.stdout
    machines = {line.split(",")[1] for line in said.stdout.splitlines() if ",state," in line}
    assert machines == set(load_site(shipped(name)).hosts)


def test_vagrant_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    said = vagrant(tmp_path, shipped("lab"), "validate")
    assert said.returncode == 0, said.stderr + said.stdout


def test_the_vagrantfile_holds_no_fact_of_a_site() -> None:
    text = (ROOT / "Vagrantfile").read_text("utf-8")
    for name in SITES:
        site = load_site(shipped(name))
        facts = [
            *site.hosts,
            site.domain,
            *(str(a) for h in site.hosts.values() for a in h.addresses.values()),
        ]
        assert len(facts) > 3
        assert not [fact for fact in facts if fact in text]
    assert str(load_site(shipped("lab")).network("management").network_address) not in text
