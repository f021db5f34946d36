#!/usr/bin/python
"""Refuse ports that another program already has, by its name, before anything is touched."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: ports_free
short_description: Refuse ports that another program already has
description:
  - A port is fine when nobody listens there, or a unit that is named.
  - Ranges are not looked at, relays take and give their ports all the time.
options:
  ports: {type: dict, required: true, description: The role's ports as its vars/main.yml has them.}
  units:
    type: list
    elements: str
    required: true
    description: Units of systemd, without .service, that may listen there; a shell pattern fits instances too.
author: Majlis
"""

LISTENING = {"tcp": "0A", "udp": "07"}  # states of /proc/net/tcp and udp: LISTEN, and a socket without a peer


class Socket(NamedTuple):
    """A socket that waits, and the inode by which a process is known to hold it."""

    protocol: str
    port: int
    inode: str


def sockets(net: Path = Path("/proc/net")) -> Iterator[Socket]:
    """Yield the sockets that wait for somebody."""
    for protocol, state in LISTENING.items():
        for file in (net / protocol, net / f"{protocol}6"):
            for line in file.read_text().splitlines()[1:] if file.exists() else ():
                words = line.split()
                if words[3] == state:
                    yield Socket(protocol, int(words[1].rpartition(":")[2], 16), words[9])


def holders(inodes: Iterable[str], proc: Path = Path("/proc")) -> dict[str, tuple[str, str]]:
    """Return, for each inode that a process holds, the process as PROGRAM (process PID) and its unit."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, tuple[str, str]] = {}
    for process in proc.glob("[0-9]*"):
        for link in _links(process / "fd"):
            if link in wanted:
                name = (process / "comm").read_text().strip()
                found[wanted[link]] = (f"{name} (process {process.name})", _unit(process))
    return found


def _links(directory: Path) -> list[str]:
    links = []
    # Processes end while one looks, and some hide even from root.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for entry in directory.iterdir():
            links.append(str(entry.readlink()))
    return links


def _unit(process: Path) -> str:
    """Return the unit that systemd runs a process in, without .service."""
    for line in (process / "cgroup").read_text().splitlines():
        if found := re.search(r"/([^/]+)\.service", line):
            return found[1]
    return ""


def taken(ports: dict[str, dict[str, Any]], units: list[str], listening: Iterable[Socket]) -> list[str]:
    """Return a sentence for each port that somebody else has."""
    single = {(port["protocol"], int(port["port"])): name for name, port in ports.items() if "to" not in port}
    meant = [socket for socket in listening if (socket.protocol, socket.port) in single]
    held = holders(socket.inode for socket in meant) if meant else {}
    ours = re.compile("|".join(re.escape(unit).replace(r"\*", ".*") for unit in units))
    found = []
    for socket in meant:
        who, unit = held.get(socket.inode, ("a program that can't be seen from here", ""))
        if not ours.fullmatch(unit):
            of = f" of {unit}.service" if unit else ""
            name = single[socket.protocol, socket.port]
            found.append(f"Port {socket.port}/{socket.protocol} ({name}) is taken by {who}{of}.")
    return list(dict.fromkeys(found))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "ports": {"type": "dict", "required": True},
            "units": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    found = taken(module.params["ports"], module.params["units"], sockets())
    if found:
        module.fail_json(msg=" ".join(found))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
