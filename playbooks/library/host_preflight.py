#!/usr/bin/python
"""Look whether a host can carry what is about to be built, and touch nothing."""

import os
import platform
import pwd
import shutil
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: host_preflight
short_description: Look whether a host can carry what is about to be built, and touch nothing
description: Fails with a sentence for each thing that is wrong; returns its name and the keys by which the controller came in.
options:
  release: {type: str, required: true, description: What /etc/os-release must say, as ID VERSION_ID.}
  machine: {type: str, required: true, description: What uname says of the processor.}
  controller_time: {type: float, required: true, description: Seconds since 1970 on the controller, now.}
  clock_seconds: {type: float, required: true, description: How far the host's clock may be from the controller's.}
  disk_mib: {type: dict, required: true, description: How many MiB must be free under each path.}
author: Majlis
"""

INODES = 20_000  # Debian's packages of one host bring about as many files


def objections(wanted: dict[str, Any], now: float) -> list[str]:
    """Return a sentence for each thing that is wrong."""
    return [*_system(wanted), *_clock(wanted, now), *_disks(wanted["disk_mib"])]


def _system(wanted: dict[str, Any]) -> list[str]:
    said = platform.freedesktop_os_release()
    release, machine = f"{said['ID']} {said.get('VERSION_ID', 'testing')}", platform.machine()
    found = []
    if release != wanted["release"]:
        found.append(f"The system is {release}, and only {wanted['release']} is supported.")
    if machine != wanted["machine"]:
        found.append(f"The processor is {machine}, and only {wanted['machine']} is supported.")
    if os.geteuid() != 0:
        found.append(f"sudo doesn't work: the tasks run as user {os.geteuid()}, not as root.")
    if not Path("/run/systemd/system").is_dir():
        found.append("systemd isn't the init system here.")
    return found


def _clock(wanted: dict[str, Any], now: float) -> list[str]:
    off = now - wanted["controller_time"]
    if abs(off) <= wanted["clock_seconds"]:
        return []
    way = "ahead of" if off > 0 else "behind"
    return [
        f"The clock is {abs(off):.0f} seconds {way} the controller's; {wanted['clock_seconds']:.0f} are allowed. "
        "Certificates and tokens would be refused: set the clock first."
    ]


def _disks(disk_mib: dict[str, Any]) -> list[str]:
    found = []
    for path, wanted in disk_mib.items():
        free = shutil.disk_usage(path).free // 2**20
        if free < int(wanted):
            found.append(f"Not enough free space under {path}: {free} MiB are left, {wanted} MiB are needed.")
        inodes = os.statvfs(path)
        if inodes.f_files and inodes.f_favail < INODES:
            found.append(
                f"Not enough free space under {path}: {inodes.f_favail} inodes are left, {INODES} are needed."
            )
    return found


def came_with(environment: "os._Environ[str] | dict[str, str]") -> list[str]:
    """Return the keys that open the account by which the controller came in."""
    name = environment.get("SUDO_USER") or "root"
    file = Path(pwd.getpwnam(name).pw_dir) / ".ssh" / "authorized_keys"
    lines = file.read_text().splitlines() if file.is_file() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "release": {"type": "str", "required": True},
            "machine": {"type": "str", "required": True},
            "controller_time": {"type": "float", "required": True},
            "clock_seconds": {"type": "float", "required": True},
            "disk_mib": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    found = objections(module.params, time.time())
    if found:
        module.fail_json(msg=" ".join(found), objections=found)
    module.exit_json(changed=False, keys=came_with(os.environ), hostname=platform.node())


if __name__ == "__main__":
    main()
