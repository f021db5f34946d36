"""Looking at a host by SSH: the pinned key or nothing, one question, and facts that no opinion has touched."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from infra.hosts.machine import (
    HostKeyWrong,
    MachineFacts,
    MachineRefused,
    MachineSecrets,
    MachineSpec,
    MachineUnreachable,
)
from infra.memory import in_memory
from infra.ssh import Access, arguments

ACCOUNT = "majlis-admin"
ANSWER_SECONDS = 30

# POSIX sh, so that it runs on whatever answers and a wrong system can be named. util-linux's lsblk draws the devices.
QUESTION = """
. /etc/os-release; echo "os $ID ${VERSION_ID:-}"
echo "cores $(nproc)"
echo "memory_kib $(awk '/^MemTotal:/ {print $2}' /proc/meminfo)"
echo "root_bytes $(df -B1 --output=size / | tail -n 1)"
echo "now $(date -u +%s.%N)"
if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then echo "root_rights free"
elif command -v sudo >/dev/null; then echo "root_rights password"; else echo "root_rights none"; fi
echo "devices $(lsblk -J -b -o NAME,TYPE,SIZE,MOUNTPOINTS | tr -d '\\n')"
"""

# The boot loader must read these before anybody could type a passphrase, and they hold nothing of ours.
OPEN_MOUNTS = ("/boot", "/boot/efi")


@dataclass(frozen=True, slots=True)
class Door:
    """Where a host answers SSH, as whom, and the host key that it must show."""

    name: str
    address: str
    host_key: str
    user: str = ACCOUNT
    port: int = 22
    private_key: str = field(default="", repr=False)
    authorized_key: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a host says of itself. `clock_offset` is in seconds, positive when its clock is ahead.

    root_rights: free; password, which `majlis site up` can ask for; none, without sudo.
    """

    facts: MachineFacts
    clock_offset: float
    root_rights: str


def door(spec: MachineSpec, secrets: MachineSecrets, host_key: str) -> Door:
    """Return where SSH finds the machine of a description."""
    return Door(
        name=spec.name,
        address=spec.management,
        host_key=host_key,
        user=str(spec.options.get("user", ACCOUNT)),
        port=int(spec.options.get("port", 22)),
        private_key=secrets.ssh_key,
        authorized_key=spec.authorized_key,
    )


def inspect(at: Door, clock: Callable[[], float] = time.time) -> Inspection:
    """Ask the host behind a door about itself (raises HostKeyWrong, MachineUnreachable, MachineRefused)."""
    began = clock()
    answer = _ask(at)
    return parse(answer, at.host_key, began=began, ended=clock())


def await_answer(
    at: Door,
    seconds: float,
    look: Callable[[Door], Inspection] = inspect,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Inspection:
    """Ask until the host answers, at most so long (raises as `inspect`; a wrong key is never asked twice)."""
    until = clock() + seconds
    while True:
        try:
            return look(at)
        except MachineUnreachable:
            if clock() >= until:
                raise
            pause(2)


def parse(answer: str, host_key: str, began: float, ended: float) -> Inspection:
    """Return what the answer to QUESTION says; it was under way between these two moments of our clock."""
    said = dict(line.split(" ", 1) for line in answer.splitlines() if " " in line)
    devices = json.loads(said["devices"])["blockdevices"] if said["devices"] else []
    disk = _root_disk_bytes(devices) or int(said["root_bytes"])
    facts = MachineFacts(
        host_key=host_key,
        os_release=said["os"].strip(),
        cores=int(said["cores"]),
        memory_mib=int(said["memory_kib"]) // 1024,
        disk_gib=disk // 2**30,
        encrypted=sealed(devices),
    )
    return Inspection(facts, _offset(float(said["now"]), began, ended), said["root_rights"])


def sealed(devices: list[Mapping[str, Any]]) -> bool:
    """Tell whether all that is mounted, swap too, lies on encrypted devices; only the boot loader's may not."""
    mounts = [mount for device in devices for mount in _mounts(device, under_crypt=False)]
    sealed_mounts = [crypt for where, crypt in mounts if where not in OPEN_MOUNTS]
    return "/" in dict(mounts) and all(sealed_mounts)


def offered_key(address: str, port: int = 22) -> str:
    """Return the key that a host shows, for a person to compare with its console; empty when none answers."""
    scan = ["ssh-keyscan", "-T", "5", "-p", str(port), "-t", "ed25519", "--", address]
    shown = subprocess.run(scan, capture_output=True, text=True, check=False, timeout=ANSWER_SECONDS)
    keys = [line.split(" ", 1)[1] for line in shown.stdout.splitlines() if " ssh-ed25519 " in line]
    return keys[0] if keys else ""


def _ask(at: Door) -> str:
    where = f"[{at.address}]:{at.port}" if at.port != 22 else at.address
    with ExitStack() as files:
        known = files.enter_context(in_memory("known_hosts", f"{where} {at.host_key}"))
        key = files.enter_context(in_memory("key", at.private_key)) if at.private_key else None
        options = arguments(Access(known, key), connect_seconds=5)
        command = ["ssh", *options, "-p", str(at.port), "-l", at.user, "--", at.address, "sh -s"]
        try:
            answer = subprocess.run(
                command, input=QUESTION, capture_output=True, text=True, check=False, timeout=ANSWER_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise MachineUnreachable(
                f"{at.name}: {at.address} took the connection and gave no answer within {ANSWER_SECONDS} s"
            ) from None
    if answer.returncode != 0:
        raise _why(at, answer.stderr.strip())
    return answer.stdout


def _why(at: Door, said: str) -> HostKeyWrong | MachineUnreachable | MachineRefused:
    """Return what ssh's complaint means; OpenSSH's own words, those of Debian 12's 9.2."""
    if "Host key verification failed" in said or "no matching host key type" in said:
        return HostKeyWrong(
            f"{at.name}: what answers at {at.address} port {at.port} shows another host key than the site's "
            f"({at.host_key}). Either the machine was installed anew, or somebody stands between. Compare with its "
            f"console: ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub"
        )
    if "Permission denied" in said:
        line = at.authorized_key or "the public half of the site's key"
        return MachineRefused(
            at.name,
            (f"lets {at.user} in with no key of ours: add to ~{at.user}/.ssh/authorized_keys there: {line}",),
        )
    return MachineUnreachable(f"{at.name}: no answer by SSH from {at.address} port {at.port} ({said})")


def _offset(there: float, began: float, ended: float) -> float:
    """Return how far their clock is off at least: any time within the question's own length is right."""
    if there < began:
        return there - began
    return max(0.0, there - ended)


def _mounts(device: Mapping[str, Any], *, under_crypt: bool) -> Iterator[tuple[str, bool]]:
    crypt = under_crypt or device.get("type") == "crypt"
    yield from ((where, crypt) for where in device.get("mountpoints") or () if where)
    for child in device.get("children") or ():
        yield from _mounts(child, under_crypt=crypt)


def _root_disk_bytes(devices: list[Mapping[str, Any]]) -> int | None:
    """Return the size of the disk under the root; the smallest where a mirror lies on several."""
    holding = [d for d in devices if "/" in dict(_mounts(d, under_crypt=False))]
    return min((int(device["size"]) for device in holding), default=None)
