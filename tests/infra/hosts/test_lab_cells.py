"""Control groups: which machines can hold a lab, and that a cell ends whole.

The systemd kind can't run where PID 1 isn't systemd: here stand-ins for its two programs write down what they are told.
"""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from infra.hosts.lab.cgroups import Cells, DirectoryCells, Probed, SystemdCells, cells, choose, probe
from infra.hosts.lab.limits import lower_limits, raise_limits
from infra.hosts.machine import MachineRefused

CGROUPS = Path("/sys/fs/cgroup")
CONTAINER = Probed(
    first="tini",
    systemd=False,
    v2=CGROUPS / "unified",
    v1={name: CGROUPS / name for name in ("name=systemd", "memory", "pids", "cpu", "freezer", "devices")},
)
WORKSTATION = Probed(first="systemd", systemd=True, v2=CGROUPS, v1={})
CELL = "majlis.cells.trial"
here = pytest.mark.skipif(
    os.geteuid() != 0 or WORKSTATION.systemd == probe().systemd, reason="takes root where PID 1 isn't systemd"
)


def test_a_container_holds_cells_as_directories() -> None:
    held = choose(CONTAINER)
    assert held == DirectoryCells(
        CGROUPS / "unified",
        tuple(CGROUPS / name for name in ("name=systemd", "memory", "pids", "cpu", "freezer")),
    )


def test_a_controller_mounted_with_another_is_entered_once() -> None:
    together = {**CONTAINER.v1, "cpu": CGROUPS / "both", "pids": CGROUPS / "both"}
    held = choose(replace(CONTAINER, v1=together))
    assert isinstance(held, DirectoryCells)
    assert held.v1.count(CGROUPS / "both") == 1


def test_a_workstation_holds_them_as_units_of_systemd() -> None:
    assert choose(WORKSTATION) == SystemdCells(CGROUPS)


@pytest.mark.parametrize(("machine", "why"), [
    (replace(WORKSTATION, v1=CONTAINER.v1), "systemd keeps cgroup v1 here: boot with systemd.unified_cgroup_hierarchy=1"),
    (replace(WORKSTATION, v2=None), "systemd keeps cgroup v1 here"),
    (replace(CONTAINER, v2=None), "PID 1 is tini, not systemd, and there are not both"),
    (replace(CONTAINER, v1={}), "PID 1 is tini, not systemd, and there are not both"),
    (replace(CONTAINER, v1={"name=systemd": CGROUPS}), "the cgroup v1 controllers memory pids cpu freezer are not mounted"),
])  # fmt: skip
def test_any_other_machine_is_refused_with_a_sentence(machine: Probed, why: str) -> None:
    with pytest.raises(MachineRefused, match="this machine can hold no lab: ") as refused:
        choose(machine)
    assert why in str(refused.value)


def test_a_machine_is_looked_at_by_its_mounts(tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text(
        "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"
        "cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n"
        "tmpfs /tmp tmpfs rw 0 0\n"
    )
    seen = probe(tmp_path / "mounts")
    assert seen.v2 is None
    assert seen.v1["name=systemd"] == Path("/sys/fs/cgroup/systemd")
    assert "/tmp" not in map(str, seen.v1.values())


@here
def test_a_cell_ends_with_all_that_began_in_it(tmp_path: Path) -> None:
    held = cells()
    held.start(
        CELL, ("sh", "-c", "setsid sleep 300 & setsid sh -c 'sleep 300 & wait'"), _path(), tmp_path / "log"
    )
    _until(lambda: len(held.pids(CELL)) >= 4)
    inside = held.pids(CELL)
    assert held.named(CELL) == [CELL]
    held.end(CELL)
    assert held.named(CELL) == []
    assert held.pids(CELL) == []
    _until(lambda: not any(_lives(pid) for pid in inside))
    held.end(CELL)


@here
def test_a_guest_that_reboots_is_started_again_and_one_that_stops_is_not(tmp_path: Path) -> None:
    held = cells()
    script = f"echo began; [ $(wc -l <{tmp_path}/log) -lt 3 ] && exit 133; exit 0"
    held.start(CELL, ("sh", "-c", script), _path(), tmp_path / "log")
    _until(lambda: not held.pids(CELL))
    held.end(CELL)
    assert (tmp_path / "log").read_text() == "began\n" * 3


@dataclass(frozen=True)
class Running:
    """A machine on which these cells run."""

    cells: tuple[str, ...]

    def named(self, beginning: str) -> list[str]:
        return [cell for cell in self.cells if cell.startswith(beginning)]


def test_the_inotify_limit_is_put_back_by_the_last_lab_and_not_before(tmp_path: Path) -> None:
    setting, before = tmp_path / "setting", tmp_path / "before"
    setting.write_text("128\n")
    for _ in range(2):
        raise_limits(setting, before)
    assert setting.read_text() == "8192"
    lower_limits(cast(Cells, Running(("majlis.other.host.edge1",))), setting, before)
    assert setting.read_text() == "8192"
    lower_limits(cast(Cells, Running(("somebody.else",))), setting, before)
    assert setting.read_text() == "128"
    assert not before.exists()


def test_a_machine_that_allows_enough_is_left_as_it_is(tmp_path: Path) -> None:
    setting, before = tmp_path / "setting", tmp_path / "before"
    setting.write_text("65536\n")
    raise_limits(setting, before)
    lower_limits(cast(Cells, Running(())), setting, before)
    assert setting.read_text() == "65536\n"


def test_systemd_is_asked_for_a_unit_of_its_own_that_nspawn_may_divide(systemd: Path, tmp_path: Path) -> None:
    SystemdCells(tmp_path).start("majlis.lab.host.edge1", ("nspawn", "--boot"), {"A": "b"}, tmp_path / "log")
    asked = (systemd / "asked").read_text()
    assert asked.startswith("systemd-run --quiet --collect --unit=majlis.lab.host.edge1.service ")
    for property_ in ("Delegate=yes", "KillMode=control-group", "RestartForceExitStatus=133"):
        assert f" --property={property_} " in asked
    assert asked.endswith("--setenv=A=b -- nspawn --boot\n")


def test_systemd_is_asked_to_kill_all_of_a_unit_and_to_forget_it(systemd: Path, tmp_path: Path) -> None:
    group = tmp_path / "machine.slice/majlis.lab.host.edge1.service/payload"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("4242\n")
    held: Cells = SystemdCells(tmp_path)
    assert held.named("majlis.lab.") == ["majlis.lab.host.edge1"]
    assert held.pids("majlis.lab.host.edge1") == [4242]
    held.end("majlis.lab.host.edge1")
    asked = (systemd / "asked").read_text()
    assert "systemctl kill --signal=SIGKILL majlis.lab.host.edge1.service\n" in asked
    assert asked.endswith("systemctl stop majlis.lab.host.edge1.service\n")


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for systemd-run and systemctl, which write down what they are asked."""
    place = tmp_path / "bin"
    place.mkdir()
    (place / "systemd-run").write_text(f'#!/bin/sh\necho "systemd-run $*" >>{place}/asked\n')
    (place / "systemctl").write_text(
        f'#!/bin/sh\necho "systemctl $*" >>{place}/asked\n'
        'case "$1" in\n'
        "show) echo /machine.slice/majlis.lab.host.edge1.service ;;\n"
        "list-units) echo 'majlis.lab.host.edge1.service loaded active running x' ;;\n"
        "esac\n"
    )
    for program in ("systemd-run", "systemctl"):
        (place / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    return place


def _path() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


def _lives(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def _until(holds) -> None:  # type: ignore[no-untyped-def]
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)
