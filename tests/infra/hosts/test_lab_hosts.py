"""Real hosts of a lab: made, cut off, without power, broken in every way we know, and gone."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from infra.hosts.lab import LabMachine, disk, power
from infra.hosts.lab.boot import first_process
from infra.hosts.lab.cgroups import cells
from infra.hosts.lab.cutoff import packets_outside
from infra.hosts.lab.programs import missing_packages
from infra.hosts.lab.removal import remove_every_trace, traces
from infra.hosts.machine import Absent, Attachment, Machine, MachineRefused, MachineSpec
from tests.infra.hosts.lab_trial import NAMES, OUTSIDE, SITE, said, spec

OTHER = "tlab-b"

pytestmark = [
    pytest.mark.skipif(
        os.geteuid() != 0 or bool(missing_packages()), reason="takes root and the lab's programs"
    ),
    pytest.mark.timeout(300),  # the first run on a machine builds the image
]


ONE, TWO = spec("one", 11), spec("two", 12)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A maker of hosts whose state lies in a directory of these tests; all it made is removed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield LabMachine()
        for site in (SITE, OTHER):
            remove_every_trace(site)


@pytest.fixture
def one(lab: Machine) -> MachineSpec:
    """A host that runs, whatever the test before did to it."""
    lab.create(ONE)
    return ONE


def test_a_host_is_made_once_and_found_as_it_was_made(lab: Machine) -> None:
    assert isinstance(lab.examine(ONE), Absent)
    made = lab.create(ONE)
    booted = said(ONE, "cat /proc/sys/kernel/random/boot_id /etc/machine-id; stat -c %Y /proc/1")
    assert made.os_release == "debian 12"
    assert not made.encrypted
    assert lab.create(ONE) == made == lab.examine(ONE)
    assert said(ONE, "cat /proc/sys/kernel/random/boot_id /etc/machine-id; stat -c %Y /proc/1") == booted


def test_its_host_key_is_known_before_the_first_word_and_is_its_own(lab: Machine, one: MachineSpec) -> None:
    keys = {lab.create(each).host_key for each in (one, TWO)}
    assert len(keys) == 2
    assert said(one, "cat /etc/ssh/ssh_host_*_key.pub").split()[1] in {key.split()[1] for key in keys}
    assert said(one, "ls /etc/ssh | grep -c _key.pub") == "1"


def test_it_has_one_interface_a_network_and_runs_debians_systemd(one: MachineSpec) -> None:
    assert said(one, "ls /sys/class/net").split() == ["cluster", "lo", "management"]
    assert said(one, "systemctl is-system-running --wait; systemctl --failed --no-legend") == "running"
    assert said(one, "hostname; ss -tlnH | wc -l").split() == ["one", "2"]  # sshd, IPv4 and IPv6
    assert said(one, "sysctl -w net.ipv4.ip_nonlocal_bind=1")


def test_hosts_reach_each_other_and_packages_and_send_nothing_elsewhere(
    lab: Machine, one: MachineSpec
) -> None:
    before = packets_outside(NAMES)
    lab.create(TWO)
    assert (
        said(one, f"ping -c1 -W2 {TWO.networks['cluster'].address} >/dev/null && echo reached") == "reached"
    )
    assert said(one, "cd /tmp && apt-get download -qq hello && ls").startswith("hello_")
    assert "unreachable" in said(one, f"ping -c1 -W1 {OUTSIDE} 2>&1 || true")
    assert packets_outside(NAMES) == before


def test_a_host_that_makes_itself_a_way_out_is_stopped_and_counted(one: MachineSpec) -> None:
    before = packets_outside(NAMES)
    said(
        one,
        f"ip route add {OUTSIDE} via {one.controller}; ping -c3 -i0.2 -W1 {OUTSIDE}; ip route del {OUTSIDE}; true",
    )
    assert packets_outside(NAMES) == before + 3


def test_a_foreign_address_of_this_machine_is_outside_too(one: MachineSpec) -> None:
    subprocess.run(["ip", "address", "add", f"{OUTSIDE}/32", "dev", "lo"], check=True)
    try:
        tried = said(
            one,
            f"ip route add {OUTSIDE} via {one.controller}; ping -c1 -W1 {OUTSIDE} | grep -c 'bytes from'; true",
        )
    finally:
        subprocess.run(["ip", "address", "del", f"{OUTSIDE}/32", "dev", "lo"], check=True)
        said(one, f"ip route del {OUTSIDE}")
    assert tried == "0"


def test_a_power_cut_ends_all_at_once_and_the_disk_stays(lab: Machine, one: MachineSpec) -> None:
    said(one, "echo kept >/root/mark; sync; setsid sleep 300 >/dev/null 2>&1 &")
    inside = cells().pids(NAMES.host_cell("one"))
    assert len(inside) > 5
    power.cut(SITE, "one")
    assert not any(_lives(pid) for pid in inside)
    assert lab.examine(one) == Absent("it has no power")
    power.on(SITE, "one")
    assert said(one, "cat /root/mark") == "kept"


def test_it_reboots_as_often_as_it_is_told_and_keeps_its_cables(one: MachineSpec) -> None:
    for _ in range(2):
        before = first_process(NAMES, cells(), "one")
        power.reboot(SITE, "one")
        assert first_process(NAMES, cells(), "one") != before
    assert said(one, "ls /sys/class/net").split() == ["cluster", "lo", "management"]


@pytest.mark.parametrize(("wrong", "why"), [
    ({"disk_encrypted": True}, "a container's disk is not encrypted"),
    ({"name": "visitor"}, "visitor is the name of a lab's own computer outside the site"),
    ({"networks": {"cluster": ONE.networks["cluster"]}}, "has no address in the network that carries management"),
    ({"networks": {"all": Attachment("127.0.0.9", "127.0.0.0/24", ("management",))}}, "127.0.0.0/24 overlaps 127.0.0.0/8"),
])  # fmt: skip
def test_what_cannot_be_made_is_refused_before_anything_is(
    lab: Machine, wrong: dict[str, object], why: str
) -> None:
    with pytest.raises(MachineRefused, match=why):
        lab.create(replace(ONE, site=OTHER, **wrong))  # type: ignore[arg-type]
    remove_every_trace(OTHER)
    assert traces(OTHER) == []


def test_two_labs_live_beside_each_other_and_one_goes_alone(lab: Machine, one: MachineSpec) -> None:
    other = spec("one", 11, site=OTHER, third=244)
    lab.create(other)
    lab.destroy(other)
    lab.destroy(other)
    assert traces(OTHER) == []
    assert not isinstance(lab.examine(one), Absent)
    assert int(Path("/proc/sys/fs/inotify/max_user_instances").read_text()) >= 8192


def test_the_last_host_takes_the_networks_along_and_the_first_does_not(
    lab: Machine, one: MachineSpec
) -> None:
    lab.create(TWO)
    lab.destroy(TWO)
    assert said(one, "echo here") == "here"
    lab.destroy(one)
    assert traces(SITE) == []


def _half_mounted() -> None:
    power.cut(SITE, "one")
    disk.unmount(NAMES.host_directory("one") / "root")


def _half_made() -> None:
    power.cut(SITE, "one")
    (NAMES.host_directory("one") / "spec.json").unlink()


def _directory_gone() -> None:
    _half_mounted()
    shutil.rmtree(NAMES.directory)


BROKEN: dict[str, Callable[[], None]] = {
    "nspawn was killed and the guest runs on": lambda: _kill("systemd-nspawn"),
    "everything was killed": lambda: power.cut(SITE, "one"),
    "the disk was unmounted while it ran": lambda: _run(
        "umount", "--lazy", str(NAMES.host_directory("one") / "root")
    ),
    "the disk is not mounted": _half_mounted,
    "the disk was half made": _half_made,
    "the namespace is gone": lambda: _run("ip", "netns", "delete", f"{SITE}.one"),
    "a bridge is gone": lambda: _run("ip", "link", "delete", NAMES.bridge("management")),
    "a cable was pulled": lambda: _run("ip", "link", "set", NAMES.plug("one", "management"), "down"),
    "the rules are gone": lambda: _run("nft", "delete", "table", "bridge", NAMES.table),
    "the apt cache died": lambda: cells().end(NAMES.packages_cell),
    "the directory is gone": _directory_gone,
}


@pytest.mark.parametrize("broken", BROKEN)
def test_from_a_broken_state_it_is_made_whole(lab: Machine, one: MachineSpec, broken: str) -> None:
    BROKEN[broken]()
    facts = lab.create(one)
    assert lab.examine(one) == facts
    power.reboot(SITE, "one")
    assert said(one, f"bash -c ': </dev/tcp/{one.controller}/3142' && echo packages") == "packages"
    said(
        one,
        f"ip route add {OUTSIDE} via {one.controller}; ping -c1 -W1 {OUTSIDE}; ip route del {OUTSIDE}; true",
    )
    assert packets_outside(NAMES) > 0


@pytest.mark.parametrize("broken", BROKEN)
def test_from_a_broken_state_it_is_removed_without_a_trace(one: MachineSpec, broken: str) -> None:
    BROKEN[broken]()
    remove_every_trace(SITE)
    assert traces(SITE) == []
    assert SITE not in subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout
    assert str(NAMES.directory) not in Path("/proc/self/mounts").read_text()
    remove_every_trace(SITE)


def _lives(pid: int) -> bool:
    """Tell whether a process is there and not only its entry, which its parent has yet to read."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] not in "ZX"


def _kill(program: str) -> None:
    for pid in cells().pids(NAMES.host_cell("one")):
        # A host that is at work ends processes while one looks at them.
        with suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == program:
                os.kill(pid, signal.SIGKILL)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
