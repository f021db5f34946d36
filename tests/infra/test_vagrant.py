"""The Vagrantfile holds no fact of its own: its machines are the hosts of whatever site file it is given."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.hosts.lab.programs import missing_packages
from infra.site import load_site, shipped
from tests.infra.vagrant_box import box

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 100
UP_SECONDS = 240  # 17 s for two machines on a busy one; the lab's image is built when it was never
SITES = ("lab", "single", "parliament")


def vagrant(tmp_path: Path, site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run vagrant with state and boxes of its own; it asks nobody for news."""
    if shutil.which("vagrant") is None:
        pytest.skip("vagrant is not installed")
    return subprocess.run(
        ["vagrant", *words],
        cwd=ROOT,
        env=os.environ | _own(tmp_path, site),
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


# Network, mounts and processes of their own: bridges and machines end with the last line, whatever happens above it.
# LXC looks for bridges in /sys, which has to be that of the new network.
STARTS = """
set -e
mount --make-rprivate /
mkdir -p "$1/lxc" "$1/sys"
mount --bind "$1/lxc" /var/lib/lxc
mount -t sysfs sysfs "$1/sys"
mount --rbind /sys/fs/cgroup "$1/sys/fs/cgroup"
mount --rbind "$1/sys" /sys
ip link set lo up
for pair in users:1 cluster:2 management:3; do
  bridge=$(printf 'two-%s' "${pair%%:*}" | cut -c1-15)
  ip link add "$bridge" type bridge
  ip addr add "10.83.${pair#*:}.1/24" dev "$bridge"
  ip link set "$bridge" up
done
vagrant box add --name majlis-lxc "$1/majlis.box"
trap 'vagrant destroy -f' EXIT
vagrant up --provider lxc
for machine in edge1 db1; do vagrant ssh "$machine" -c 'echo "says $(hostname) $(hostname -I) $(sudo id -u)"'; done
"""


@pytest.mark.timeout(2 * UP_SECONDS)
def test_two_hosts_come_up_in_lxc_with_the_addresses_of_their_site(tmp_path: Path) -> None:
    _skip_where_lxc_cannot_run()
    box(tmp_path, next(Path("/usr/share/rubygems-integration").rglob("vagrant-*/keys/vagrant.pub")))
    site = tmp_path / "two.yaml"
    site.write_text(json.dumps(_two_hosts()))
    own = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    said = subprocess.run(
        [*own, "sh", "-c", STARTS, "sh", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | _own(tmp_path, site),
        capture_output=True,
        text=True,
        check=False,
        timeout=UP_SECONDS,
    )
    for left in Path("/sys/fs/cgroup").glob("*/lxc.pivot"):
        left.rmdir()  # LXC leaves these empty ones behind
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-3000:]
    words = " ".join(said.stdout.split())
    assert "says edge1 10.83.1.11 10.83.2.11 10.83.3.11 0" in words
    assert "says db1 10.83.2.51 10.83.3.51 0" in words
    assert "majlis site up" in said.stdout
    assert not list((tmp_path / "lxc").iterdir())


def _own(tmp_path: Path, site: Path) -> dict[str, str]:
    return {
        "MAJLIS_SITE": str(site),
        "VAGRANT_HOME": str(tmp_path / "home"),
        "VAGRANT_DOTFILE_PATH": str(tmp_path / "state"),
        "VAGRANT_CHECKPOINT_DISABLE": "1",
        "VAGRANT_DEFAULT_PROVIDER": "lxc",
    }


def _two_hosts() -> dict[str, object]:
    networks = {
        use: {"cidr": f"10.83.{number}.0/24", "carries": [use]}
        for number, use in enumerate(("users", "cluster", "management"), start=1)
    }
    edge = {use: f"10.83.{number}.11" for number, use in enumerate(networks, start=1)}
    database = {"cluster": "10.83.2.51", "management": "10.83.3.51"}
    return {
        "name": "two",
        "networks": networks,
        "hosts": {"edge1": {"addresses": edge}, "db1": {"addresses": database}},
    }


def _skip_where_lxc_cannot_run() -> None:
    programs = ("vagrant", "lxc-start", "unshare", "sudo")
    lacking = [program for program in programs if shutil.which(program) is None]
    if lacking or os.geteuid() != 0 or missing_packages():
        pytest.skip(
            f"no LXC for Vagrant here: {', '.join(lacking) or 'it takes root and the programs of the lab'}"
        )
