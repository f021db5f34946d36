#!/usr/bin/python
"""Have Debian packages on a host, in one step, from the sources it has and from .deb files that lie on it."""

# A module and not apt: that one opens apt's whole cache (a second of processor a host) to find that nothing is missing,
# and it can't go on after a run that died while dpkg was at work.

import os
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: host_packages
short_description: Have Debian packages on a host, in one step
description:
  - Asks dpkg what is missing. Fetches the sources' lists only where packages are missing and lists are missing or old.
  - Goes on where an earlier run was interrupted.
options:
  names: {type: list, elements: str, required: true, description: The packages.}
  directory: {type: path, default: "", description: Where .deb files lie that are taken before any source.}
  answers: {type: list, elements: str, default: [], description: What packages ask, as debconf-set-selections reads it.}
  lists_hours: {type: float, default: 24, description: After how many hours lists are old.}
author: Majlis
"""

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_SUSPEND": "1",
}
APT = (
    "apt-get",
    "-qq",
    "-y",
    "-o",
    "DPkg::Lock::Timeout=300",
    "-o",
    "Dpkg::Use-Pty=0",
    "-o",
    "Acquire::Retries=2",
)
KEEP = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")


class Failed(Exception):
    """A program of Debian's failed; the text holds its last words."""


def run(*command: str, given: str = "") -> str:
    """Return what a program printed (raises Failed)."""
    done = subprocess.run(command, input=given, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    if done.returncode != 0:
        said = [
            line
            for line in (done.stderr + done.stdout).splitlines()
            if line.startswith(("E:", "W:", "dpkg:"))
        ]
        raise Failed(" ".join(said[-6:]) or (done.stderr or done.stdout).strip()[-600:])
    return done.stdout


def installed(status: str) -> dict[str, str]:
    """Read dpkg's status file: the version of each package that is wholly there."""
    found = {}
    for stanza in status.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in stanza.splitlines() if ": " in line[:40] and line[0] != " "
        )
        if fields.get("Status", "").endswith(" ok installed"):
            found[fields["Package"]] = fields["Version"]
    return found


def local_files(directory: str) -> dict[str, tuple[str, str]]:
    """Return version and path of each package that lies in the directory as a .deb file."""
    found = {}
    for file in sorted(Path(directory).glob("*.deb")) if directory else ():
        name, version = run("dpkg-deb", "--show", "--showformat=${Package} ${Version}", str(file)).split()
        found[name] = (version, str(file))
    return found


def lists_are_old(hours: float, now: float) -> bool:
    """Return whether a source has no list yet, or one is older than so many hours."""
    said = run("apt-get", "indextargets", "--format", "$(FILENAME)", "Created-By: Packages")
    for name in said.splitlines():
        path = Path(name)
        lists = list(path.parent.glob(f"{path.name}*"))
        if not lists or now - lists[0].stat().st_ctime > hours * 3600:
            return True
    return False


def install(wanted: list[str], answers: list[str], hours: float) -> None:
    """Install packages, given as names or paths (raises Failed)."""
    run("dpkg", "--configure", "-a", "--force-confdef", "--force-confold")
    if answers:
        run("debconf-set-selections", given="\n".join(answers) + "\n")
    fresh = lists_are_old(hours, time.time())
    if fresh:
        _update()
    command = (*APT, *KEEP, "install", "--no-install-recommends", "--allow-downgrades", *wanted)
    try:
        run(*command)
    except Failed:
        if fresh:
            raise
        _update()  # lists that are young by the clock may still name files that a mirror has replaced
        run(*command)


def _update() -> None:
    run(*APT, "-o", "APT::Update::Error-Mode=any", "update")


def missing(names: list[str], have: dict[str, str], local: dict[str, tuple[str, str]]) -> list[str]:
    """Return what must be installed: a path where a .deb file lies here, else a name."""
    wanted = []
    for name in names:
        if name in local:
            version, path = local[name]
            if have.get(name) != version:
                wanted.append(path)
        elif name not in have:
            wanted.append(name)
    return wanted


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "directory": {"type": "path", "default": ""},
            "answers": {"type": "list", "elements": "str", "default": []},
            "lists_hours": {"type": "float", "default": 24},
        },
        supports_check_mode=True,
    )
    asked: dict[str, Any] = module.params
    os.umask(0o022)
    try:
        have = installed(Path("/var/lib/dpkg/status").read_text())
        wanted = missing(asked["names"], have, local_files(asked["directory"]))
        if wanted and not module.check_mode:
            install(wanted, asked["answers"], asked["lists_hours"])
    except Failed as failed:
        module.fail_json(msg=str(failed))
    after = "".join(f"{Path(name).name}\n" for name in wanted)
    module.exit_json(
        changed=bool(wanted),
        diff={"before_header": "packages", "after_header": "packages", "before": "", "after": after},
    )


if __name__ == "__main__":
    main()
