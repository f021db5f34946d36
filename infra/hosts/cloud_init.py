"""What a fresh virtual machine is told at its first boot: a NoCloud seed, on a small CD.

The seed carries the machine's SSH host key, so that the controller knows it before the machine ever answers.
Source: cloud-init's documentation of the NoCloud datasource and of network configuration version 2.
"""

import hashlib
import json
import subprocess
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.hosts.inspection import ACCOUNT
from infra.hosts.machine import LibraryMissing, MachineRefused, MachineSpec
from infra.memory import scratch_directory

LABEL = "cidata"  # cloud-init looks for a file system of this name
SECONDS = 60


@dataclass(frozen=True, slots=True)
class HostKey:
    """An Ed25519 host key in OpenSSH's forms."""

    private: str = field(repr=False)
    public: str


def new_host_key() -> HostKey:
    """Return a host key that nobody has."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return HostKey(private.decode(), public.decode())


def seed(spec: MachineSpec, key: HostKey) -> bytes:
    """Return the CD (ISO 9660) of a machine's first boot; it passes through memory only (raises LibraryMissing)."""
    with scratch_directory() as directory:
        for name, text in files(spec, key).items():
            (Path(directory) / name).write_text(text, "utf-8")
        command = ["genisoimage", "-quiet", "-volid", LABEL, "-joliet", "-rock", directory]
        try:
            made = subprocess.run(command, capture_output=True, check=True, timeout=SECONDS)
        except FileNotFoundError as missing:
            raise LibraryMissing(
                "virtual machines need genisoimage on the controller: install it"
            ) from missing
    return made.stdout


def files(spec: MachineSpec, key: HostKey) -> dict[str, str]:
    """Return the seed's files by name. All are JSON, which is YAML in which no value can begin a new key."""
    identity = hashlib.sha256(key.public.encode()).hexdigest()[:16]  # another key is another first boot
    return {
        "meta-data": _json(
            {"instance-id": f"{spec.site}-{spec.name}-{identity}", "local-hostname": spec.name}
        ),
        "user-data": "#cloud-config\n" + _json(_user_data(spec, key)),
        "network-config": _json(_network(spec)),
    }


def mac(spec: MachineSpec, network: str) -> str:
    """Return the hardware address of a machine's card: the same each time, in QEMU's range 52:54:00."""
    three = hashlib.sha256(f"{spec.site}/{spec.name}/{network}".encode()).digest()[:3]
    return ":".join(["52", "54", "00", *(f"{byte:02x}" for byte in three)])


def _user_data(spec: MachineSpec, key: HostKey) -> dict[str, Any]:
    return {
        "hostname": spec.name,
        "fqdn": f"{spec.name}.{spec.domain}",
        "users": [
            {
                "name": ACCOUNT,
                "shell": "/bin/bash",
                "lock_passwd": True,
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "ssh_authorized_keys": [spec.authorized_key],
            }
        ],
        "disable_root": True,
        "ssh_pwauth": False,
        "ssh_deletekeys": True,
        "ssh_genkeytypes": [],
        "package_update": False,  # the playbook names the site's own mirror first
        "growpart": {"mode": "auto", "devices": ["/"]},
        **(
            {"ssh_keys": {"ed25519_private": key.private, "ed25519_public": key.public}}
            if key.private
            else {}
        ),
    }


def _network(spec: MachineSpec) -> dict[str, Any]:
    cards = {}
    for name, net in spec.networks.items():
        card: dict[str, Any] = {
            "match": {"macaddress": mac(spec, name)},
            "addresses": [f"{net.address}/{ip_network(net.cidr).prefixlen}"],
            "dhcp4": False,
            "dhcp6": False,
            "accept-ra": False,
        }
        if "users" in net.uses and (gateway := spec.options.get("gateway")):
            card["routes"] = [{"to": "0.0.0.0/0", "via": str(gateway)}]
        cards[name] = card
    if not cards:
        raise MachineRefused(spec.name, ("stands in no network",))
    return {"version": 2, "ethernets": cards}


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"
