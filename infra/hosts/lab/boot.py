"""One host of a lab: its power, and when it answers."""

import os
import socket
import time
from pathlib import Path

from infra.hosts.lab.cgroups import Cells
from infra.hosts.lab.names import Names
from infra.hosts.lab.network import NAMESPACES
from infra.hosts.lab.programs import PLACES
from infra.hosts.machine import MachineFailed, MachineSpec, MachineUnreachable

ANSWERS_WITHIN = 60.0  # seconds from power to SSH; nine at once on two cores take about five
REBOOT = 34 + 5  # SIGRTMIN+5 begins the reboot (systemd(1), "Signals"); Python's enum doesn't count so far


def power_on(names: Names, cells: Cells, host: str) -> None:
    """Boot the host, unless it runs."""
    if sound(names, cells, host):
        return
    cell = names.host_cell(host)
    cells.end(cell)
    command = (
        *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"),
        *(f"--machine={names.namespace(host)}", f"--hostname={host}"),
        f"--directory={names.host_directory(host) / 'root'}",
        f"--network-namespace-path={NAMESPACES / names.namespace(host)}",
        # With a namespace given, nspawn takes the right to set it up away.
        "--capability=CAP_NET_ADMIN",
        *("--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe"),
    )
    environment = {
        "PATH": PLACES,
        # The lock would lie in this machine's /run/systemd, which a container may lack.
        "SYSTEMD_NSPAWN_LOCK": "0",
        "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
    }
    cells.start(cell, command, environment, names.host_directory(host) / "console.log")


def sound(names: Names, cells: Cells, host: str) -> bool:
    """Tell whether the host runs on its own disk and cables, with nspawn over it.

    A guest goes on when only nspawn was killed, its disk unmounted or its namespace renamed, but can't boot again.
    """
    try:
        first = first_process(names, cells, host)
        watched = any(_comm(pid) == "systemd-nspawn" for pid in cells.pids(names.host_cell(host)))
        same = Path(f"/proc/{first}/ns/net").samefile(NAMESPACES / names.namespace(host))
    except (MachineFailed, FileNotFoundError):
        return False
    return watched and same and os.path.ismount(names.host_directory(host) / "root")


def cut_power(names: Names, cells: Cells, host: str) -> None:
    """Take the host's power away: nothing in it gets a chance to write."""
    cells.end(names.host_cell(host))


def reboot(names: Names, cells: Cells, host: str) -> None:
    """Ask the host's systemd to reboot and return when the old one is gone (raises MachineFailed)."""
    old = first_process(names, cells, host)
    os.kill(old, REBOOT)
    until = time.monotonic() + ANSWERS_WITHIN
    while Path(f"/proc/{old}").exists():
        if time.monotonic() > until:
            raise MachineFailed(f"{host} does not shut down within {ANSWERS_WITHIN:.0f} s")
        time.sleep(0.02)


def first_process(names: Names, cells: Cells, host: str) -> int:
    """Return the host's PID 1 as this machine counts it (raises MachineFailed: it has no power)."""
    for pid in cells.pids(names.host_cell(host)):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):  # ended while we looked
            continue
        inner = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
        if len(inner) > 1 and inner[-1] == "1":
            return pid
    raise MachineFailed(f"{host} is not running")


def wait_for_ssh(names: Names, cells: Cells, spec: MachineSpec) -> None:
    """Return when the host speaks SSH (raises MachineFailed: it died; MachineUnreachable: too late)."""
    until = time.monotonic() + ANSWERS_WITHIN
    log = names.host_directory(spec.name) / "console.log"
    while not speaks_ssh(spec.management):
        if not cells.pids(names.host_cell(spec.name)):
            raise MachineFailed(f"{spec.name} stopped while it booted; its console said: {_last_lines(log)}")
        if time.monotonic() > until:
            raise MachineUnreachable(
                f"{spec.name} speaks no SSH at {spec.management} after {ANSWERS_WITHIN:.0f} s; see {log}"
            )
        time.sleep(0.05)


def speaks_ssh(address: str) -> bool:
    """Tell whether an SSH server greets at this address."""
    try:
        with socket.create_connection((address, 22), timeout=1) as line:
            return line.recv(4) == b"SSH-"
    except OSError:
        return False


def _comm(pid: int) -> str:
    """Return a process's name; empty when it ended while one looked (proc(5): either error, by the moment)."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:]) if log.exists() else "nothing"
