"""What each kind of machine promises, asked of each in the same words."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from infra.hosts.cloud_init import HostKey
from infra.hosts.existing import Existing
from infra.hosts.lab import LabMachine
from infra.hosts.lab.programs import missing_packages
from infra.hosts.lab.removal import remove_every_trace
from infra.hosts.libvirt_domains import LibvirtDomains
from infra.hosts.machine import MODULES, Absent, Machine, MachineRefused, MachineSpec
from infra.hosts.redfish import Redfish
from tests.infra.hosts import lab_trial
from tests.infra.hosts.answering import Answering, free_port
from tests.infra.hosts.board import board
from tests.infra.hosts.specs import door_of, secrets_of, spec


@dataclass(frozen=True)
class Trial:
    """A kind, a machine of it, one that was never made, one that can't be, and whether `destroy` ends it."""

    machine: Machine
    wanted: MachineSpec
    never_made: MachineSpec
    wrong: MachineSpec
    ends: bool


def _existing(request: pytest.FixtureRequest) -> Trial:
    host: Answering = request.getfixturevalue("host")
    wanted = spec("existing", options=door_of(host))
    nobody = spec("existing", options=door_of(host, port=free_port()))
    return Trial(Existing(secrets_of(host)), wanted, nobody, replace(wanted, cores=1024), ends=False)


def _libvirt(request: pytest.FixtureRequest) -> Trial:
    host: Answering = request.getfixturevalue("host")
    virtual = request.getfixturevalue("virtual")
    key = HostKey(host.host.private, host.host.public)
    wanted = spec(
        "libvirt",
        options={"hypervisor": virtual.uri, "image": "debian-12.qcow2", "port": host.port, "user": host.user},
        disk_gib=2,
    )
    wrong = replace(wanted, options={**wanted.options, "image": "../../etc/shadow"})
    maker = LibvirtDomains(secrets_of(host), new_key=lambda: key, boot_seconds=20)
    return Trial(maker, wanted, replace(wanted, name="never"), wrong, ends=True)


def _redfish(request: pytest.FixtureRequest) -> Trial:
    host: Answering = request.getfixturevalue("host")
    running = request.getfixturevalue("bmc")
    options = door_of(host, bmc=running.url, image=running.image, board_authority=str(running.authority))
    wanted = spec("redfish", options={**options, "install_until": "2026-11-24"})
    wrong = replace(wanted, options={**wanted.options, "image": "file:///etc/shadow"})
    maker = Redfish(secrets_of(host), today=lambda: date(2026, 11, 24), install_seconds=20)
    return Trial(maker, wanted, wanted, wrong, ends=True)


def _lab(request: pytest.FixtureRequest) -> Trial:
    if os.geteuid() != 0 or missing_packages():
        pytest.skip("a lab takes root and its programs")
    request.getfixturevalue("state")
    wanted = lab_trial.spec("box1", 11, site="clab", third=244)
    never = lab_trial.spec("never", 12, site="clab", third=244)
    return Trial(LabMachine(), wanted, never, replace(wanted, disk_encrypted=True), ends=True)


TRIALS: dict[str, Callable[[pytest.FixtureRequest], Trial]] = {
    "lab": _lab,
    "existing": _existing,
    "libvirt": _libvirt,
    "redfish": _redfish,
}


@pytest.fixture
def bmc(tmp_path: Path) -> Iterator[object]:
    """Give the board of a machine that is off."""
    with board(tmp_path) as running:
        yield running


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give a lab's hosts a directory of their own, and remove whatever a failed test left."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    yield
    remove_every_trace("clab")


def test_every_kind_is_asked() -> None:
    assert set(TRIALS) == set(MODULES)
    assert len(TRIALS) == 4


@pytest.mark.timeout(300)  # a lab builds its image once, and a hypervisor without KVM is slow
@pytest.mark.parametrize("kind", TRIALS)
def test_a_machine_is_made_once_seen_as_made_and_removed_once(
    kind: str, request: pytest.FixtureRequest
) -> None:
    trial = TRIALS[kind](request)
    assert isinstance(trial.machine, Machine)
    assert trial.machine.examine(trial.never_made) == Absent()
    try:
        made = trial.machine.create(trial.wanted)
        assert trial.machine.examine(trial.wanted) == made
        assert trial.machine.create(trial.wanted) == made
        with pytest.raises(MachineRefused) as refused:
            trial.machine.create(trial.wrong)
        assert str(refused.value).startswith("box1: ")
        assert trial.machine.examine(trial.wanted) == made
    finally:
        trial.machine.destroy(trial.wanted)
    trial.machine.destroy(trial.wanted)
    assert trial.machine.examine(trial.wanted) == (Absent() if trial.ends else made)
