"""A cell: a control group that holds one host (or the apt cache) with all its children, so that all can be ended at once.

Two kinds of machine can hold cells: a workstation where systemd is PID 1 and cgroup v2 is all there is, and a
container as CI has it (no systemd, cgroup v1 controllers, an empty v2 tree). Others are refused with a sentence.
"""

import os
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from infra.hosts.lab.programs import run
from infra.hosts.machine import MachineFailed, MachineRefused

# The v1 hierarchies that a guest's systemd needs; cpuset stays out: nothing runs there before it is filled in.
HIERARCHIES = ("memory", "pids", "cpu", "freezer")
AGAIN = 133  # systemd-nspawn's exit status when the guest rebooted (systemd-nspawn(1), --keep-unit)
ENDING = 10.0  # seconds for the kernel to let go of killed processes


class Cells(Protocol):
    """How this machine holds processes together."""

    def start(self, cell: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """Start the command in a new cell and return at once; what it says goes to `log`."""

    def pids(self, cell: str) -> list[int]:
        """Return the processes in the cell; none: it is not running."""

    def end(self, cell: str) -> None:
        """Kill everything in the cell, as a power cut does, and remove it; nothing happens when it is gone."""

    def named(self, beginning: str) -> list[str]:
        """Return the cells whose names begin so."""


@dataclass(frozen=True)
class Probed:
    """What was seen of this machine: PID 1's name, whether systemd rules, and the cgroup mounts."""

    first: str
    systemd: bool
    v2: Path | None
    v1: Mapping[str, Path]  # controller, or name=systemd, → where it is mounted


def cells() -> Cells:
    """Return how this machine holds cells (raises MachineRefused)."""
    return choose(probe())


def choose(probed: Probed) -> Cells:
    """Return the kind of cells for a machine like this (raises MachineRefused)."""
    if probed.systemd:
        if probed.v1 or probed.v2 is None:
            raise _refused("systemd keeps cgroup v1 here: boot with systemd.unified_cgroup_hierarchy=1")
        return SystemdCells(probed.v2)
    if probed.v2 is None or "name=systemd" not in probed.v1:
        raise _refused(
            f"PID 1 is {probed.first}, not systemd, and there are not both the cgroup v1 hierarchy name=systemd "
            "and a cgroup v2 tree: take a machine with systemd, or mount both"
        )
    if missing := [name for name in HIERARCHIES if name not in probed.v1]:
        raise _refused(f"the cgroup v1 controllers {' '.join(missing)} are not mounted")
    places = [probed.v1["name=systemd"], *(probed.v1[name] for name in HIERARCHIES)]
    return DirectoryCells(probed.v2, tuple(dict.fromkeys(places)))


def probe(mounts: Path = Path("/proc/self/mounts")) -> Probed:
    """Look at this machine."""
    v1: dict[str, Path] = {}
    v2: Path | None = None
    for line in mounts.read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2":
            v2 = v2 or Path(place)
        elif kind == "cgroup":
            v1 |= {option: Path(place) for option in options.split(",")}
    return Probed(
        first=Path("/proc/1/comm").read_text().strip(),
        systemd=Path("/run/systemd/system").is_dir(),
        v2=v2,
        v1=v1,
    )


@dataclass(frozen=True)
class DirectoryCells:
    """Cells as directories under each hierarchy, where no systemd has the say."""

    v2: Path
    v1: tuple[Path, ...]

    def start(self, cell: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        doors = []
        for place in (self.v2, *self.v1):
            (place / cell).mkdir(exist_ok=True)
            doors.append(shlex.quote(str(place / cell / "cgroup.procs")))
        # The shell goes in first and then starts the command, so that no process is ever outside.
        enter = f'for door in {" ".join(doors)}; do echo $$ >"$door" || exit 1; done'
        stay = f'{{ while "$@"; [ $? = {AGAIN} ]; do :; done; }} </dev/null &'
        try:
            with log.open("a") as said:
                subprocess.run(
                    ["sh", "-c", f"{enter}; {stay}", "sh", *command],
                    env=dict(environment),
                    check=True,
                    start_new_session=True,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                )
        except subprocess.CalledProcessError as failed:
            raise MachineFailed(f"the control groups of {cell} take no process: see {log}") from failed

    def pids(self, cell: str) -> list[int]:
        return _inside(self.v2 / cell)

    def end(self, cell: str) -> None:
        until = time.monotonic() + ENDING
        while left := [place / cell for place in (self.v2, *self.v1) if (place / cell).is_dir()]:
            if time.monotonic() > until:
                raise MachineFailed(f"the kernel does not let go of {', '.join(map(str, left))}")
            if (kill := self.v2 / cell / "cgroup.kill").exists():
                kill.write_text("1")
            for place in left:
                _remove(place)
            time.sleep(0.01)

    def named(self, beginning: str) -> list[str]:
        found = {
            each.name
            for place in (self.v2, *self.v1)
            for each in place.glob(f"{beginning}*")
            if each.is_dir()
        }
        return sorted(found)


@dataclass(frozen=True)
class SystemdCells:
    """Cells as transient units of systemd, one a cell."""

    v2: Path

    def start(self, cell: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        run(
            *("systemd-run", "--quiet", "--collect", f"--unit={cell}.service", "--property=Delegate=yes"),
            *("--property=KillMode=control-group", "--property=TasksMax=16384"),
            *(f"--property=RestartForceExitStatus={AGAIN}", f"--property=SuccessExitStatus={AGAIN}"),
            *(f"--property=StandardOutput=append:{log}", f"--property=StandardError=append:{log}"),
            *(f"--setenv={key}={value}" for key, value in environment.items()),
            *("--", *command),
        )

    def pids(self, cell: str) -> list[int]:
        shown = run("systemctl", "show", "--property=ControlGroup", "--value", f"{cell}.service").strip()
        return _inside(self.v2 / shown.lstrip("/")) if shown else []

    def end(self, cell: str) -> None:
        unit = f"{cell}.service"
        if self.pids(cell):
            run("systemctl", "kill", "--signal=SIGKILL", unit)
        if cell in self.named(cell):
            run("systemctl", "stop", unit)

    def named(self, beginning: str) -> list[str]:
        units = run("systemctl", "list-units", "--all", "--plain", "--no-legend", f"{beginning}*.service")
        return sorted(line.split()[0].removesuffix(".service") for line in units.splitlines() if line.strip())


def _inside(group: Path) -> list[int]:
    """Return the processes in the group and in those below it; groups vanish while one looks."""
    found: list[int] = []
    # os.walk passes over what vanishes under it, which Path.glob doesn't.
    for inner, _, _ in os.walk(group):
        with suppress(OSError):
            found += [int(pid) for pid in Path(inner, "cgroup.procs").read_text().split()]
    return sorted(set(found) - {0})


def _remove(group: Path) -> None:
    """Remove the group from the innermost outwards; one that is still busy stays for the next try."""
    for inner, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):
            Path(inner).rmdir()


def _refused(why: str) -> MachineRefused:
    return MachineRefused("lab", (f"this machine can hold no lab: {why}",))
