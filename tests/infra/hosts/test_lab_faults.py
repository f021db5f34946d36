"""Failures on purpose fail as they say, and leave nothing behind."""

import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from infra.hosts.lab import LabMachine
from infra.hosts.lab.boot import speaks_ssh
from infra.hosts.lab.names import Names
from infra.hosts.lab.programs import missing_packages
from infra.hosts.lab.removal import remove_every_trace
from infra.hosts.machine import MachineRefused, MachineSpec
from tests.infra.hosts.lab_trial import said, spec
from tests.lab.faults import Faults, apt_source_gone

SITE = "tfault"
FAULTS = Faults(SITE, "one")

pytestmark = [
    pytest.mark.skipif(
        os.geteuid() != 0 or bool(missing_packages()), reason="takes root and the lab's programs"
    ),
    pytest.mark.timeout(300),  # the first run on a machine builds the image
]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MachineSpec]:
    """One bare host."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        host = spec("one", 11, site=SITE, third=246)
        LabMachine().create(host)
        yield host
        remove_every_trace(SITE)


def test_a_host_that_is_away_answers_nobody_and_comes_back(one: MachineSpec) -> None:
    with FAULTS.away():
        assert not speaks_ssh(one.management)
    assert said(one, "echo back") == "back"


def test_a_host_without_power_boots_at_the_end(one: MachineSpec) -> None:
    with FAULTS.without_power():
        assert not speaks_ssh(one.management)
    assert said(one, "echo back") == "back"


def test_a_full_disk_keeps_what_is_there_and_takes_no_more(one: MachineSpec) -> None:
    write = "head -c 3M /dev/zero >/var/tmp/big 2>&1 && echo fits; rm -f /var/tmp/big"
    with FAULTS.disk_full("/var"):
        assert said(one, "test -e /var/lib/dpkg/status && df --output=size -m /var | tail -1") == "1"
        assert "fits" not in said(one, write)
    assert said(one, write) == "fits"
    assert "majlis-full" not in said(one, "cat /proc/mounts; ls /run")


def test_a_taken_port_is_taken_until_the_end(one: MachineSpec) -> None:
    taken = "bash -c ': </dev/tcp/127.0.0.1/3478' 2>/dev/null && echo taken"
    with FAULTS.port_taken(3478):
        assert said(one, taken) == "taken"
    assert said(one, taken) == ""


def test_a_clock_is_off_for_programs_that_start_from_now_on(one: MachineSpec) -> None:
    with FAULTS.clock_off(300):
        assert 295 < int(said(one, "date +%s")) - time.time() < 305
        assert 295 < float(said(one, "python3 -c 'import time; print(time.time())'")) - time.time() < 305
    assert abs(int(said(one, "date +%s")) - time.time()) < 5
    assert said(one, "find /usr/local -name date -o -name '*.pth'") == ""


def test_packets_are_lost_about_as_often_as_asked(one: MachineSpec) -> None:
    with FAULTS.loss(40):
        assert 45 < _lost(one) < 80  # 64 are expected: the answer crosses the bridge too
    assert _lost(one) == 0


def test_an_apt_source_dies_half_way_and_returns(one: MachineSpec) -> None:
    asks = f"bash -c ': </dev/tcp/{one.controller}/3142' 2>/dev/null && echo there"
    with apt_source_gone(SITE):
        assert said(one, asks) == ""
    assert said(one, asks) == "there"


def test_a_fault_of_a_host_that_is_not_there_is_told(one: MachineSpec) -> None:
    with pytest.raises(MachineRefused, match="the lab tfault has no such host"), Faults(SITE, "two").away():
        pass
    assert (
        "loss"
        not in subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    )


def _lost(host: MachineSpec) -> float:
    """Return how many of a hundred pings from the host had no answer; not by SSH, which would suffer as well."""
    names = Names(host.site)
    inside = (
        "ip",
        "netns",
        "exec",
        names.namespace(host.name),
        "chroot",
        names.host_directory(host.name) / "root",
    )
    ping = ("ping", "-q", "-c200", "-i0.005", "-W1", host.controller)
    said = subprocess.run([*inside, *ping], capture_output=True, text=True, timeout=30, check=False).stdout
    return float(said.split("% packet loss")[0].split()[-1])
