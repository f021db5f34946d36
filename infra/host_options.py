"""What each kind of machine wants to know beside its size: the keys that may stand under a host's options."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from infra.site_types import Host
from infra.site_words import Kind, well_placed


@dataclass(frozen=True)
class Option:
    """One key: how its text looks (or that it is a number or true/false), and an example of it."""

    pattern: str
    example: str
    needed: bool = False


OPTIONS: dict[Kind, dict[str, Option]] = {
    "lab": {},
    "existing": {
        "user": Option(r"[a-z_][a-z0-9_-]{0,31}", "the account for the first contact, such as root"),
        "host_key": Option(r"ssh-ed25519 [A-Za-z0-9+/]{68}", "the host's key, such as ssh-ed25519 AAAA…"),
    },
    "libvirt": {
        "hypervisor": Option(
            r"(qemu|test)(\+(ssh|tls|unix|libssh2))?://[^\s#]*",
            "libvirt's address, such as qemu+tls://10.20.3.5/system",
            needed=True,
        ),
        "image": Option(
            r"[A-Za-z0-9._/-]+", "the volume of the base image, such as debian-12.qcow2", needed=True
        ),
        "storage": Option(r"[A-Za-z0-9._-]+", "the storage pool, such as default"),
        "gateway": Option(r"[0-9a-f.:]+", "the router of the users' network, such as 10.20.1.1"),
        "bridge_users": Option(r"[a-z][a-z0-9.-]{0,14}", "the hypervisor's bridge, such as br-users"),
        "bridge_cluster": Option(r"[a-z][a-z0-9.-]{0,14}", "the hypervisor's bridge, such as br-cluster"),
        "bridge_management": Option(
            r"[a-z][a-z0-9.-]{0,14}", "the hypervisor's bridge, such as br-management"
        ),
    },
    "redfish": {
        "bmc": Option(r"https?://[^\s@?#]+", "the board's address, such as https://10.20.4.11", needed=True),
        "system": Option(r"/redfish/v1/Systems/[^\s/]+", "the machine there, such as /redfish/v1/Systems/1"),
        "image": Option(
            r"https?://[^\s@?#]+", "the installer's image, such as http://10.20.3.1/debian.iso", needed=True
        ),
        "account": Option(r"[A-Za-z0-9_.-]{1,32}", "the board's account, such as majlis"),
        "board_authority": Option(r"[^\s#]+", "the PEM file of the boards' authority, such as boards.pem"),
        "unencrypted_board": Option(r"True|False", "true or false"),
        "install_until": Option(
            r"\d{4}-\d{2}-\d{2}", "the last day on which its disks may be overwritten, such as 2026-12-01"
        ),
        "user": Option(r"[a-z_][a-z0-9_-]{0,31}", "the account that the image makes, such as majlis-admin"),
        "host_key": Option(r"ssh-ed25519 [A-Za-z0-9+/]{68}", "the host's key, such as ssh-ed25519 AAAA…"),
        "accept_any_certificate": Option(r"True|False", "true or false"),
    },
}


def wrong_options(host: Host) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the key and what may stand there, for each option that the kind of machine can't use."""
    known = OPTIONS[host.kind]
    for key, value in host.options.items():
        if key not in known:
            may = ", ".join(known) or "nothing"
            yield ("options", key), f"is no option of the kind {host.kind}, may be {may}"
        elif not re.fullmatch(known[key].pattern, str(value)):
            yield ("options", key), f"holds {value}, may hold {known[key].example}"
        elif not _placed(str(value)):
            yield ("options", key), f"holds {value}, may hold the address of a host that can be"
    for key, option in known.items():
        if option.needed and key not in host.options:
            yield ("options", key), f"is missing, may hold {option.example}"


def _placed(value: str) -> bool:
    try:
        well_placed(value)
    except ValueError:
        return False
    return True
