"""How the controller reaches hosts by SSH: only pinned host keys count, and nothing of the operator's own ~/.ssh."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Access:
    """The file of the pinned host keys, and that of the site's private key; without it the operator's agent serves."""

    known_hosts: Path
    key: Path | None = None


def arguments(access: Access, *, connect_seconds: int) -> list[str]:
    """Return ssh's arguments; a host that dies half way is noticed within 20 s."""
    settings = {
        "UserKnownHostsFile": str(access.known_hosts),
        "GlobalKnownHostsFile": os.devnull,
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "HashKnownHosts": "no",
        "HostKeyAlgorithms": "ssh-ed25519",
        "BatchMode": "yes",
        "PreferredAuthentications": "publickey",
        "ConnectTimeout": str(connect_seconds),
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "4",
        "LogLevel": "ERROR",
    }
    if access.key is not None:
        settings |= {"IdentityFile": str(access.key), "IdentitiesOnly": "yes", "IdentityAgent": "none"}
    return ["-F", os.devnull, *(f"-o{key}={value}" for key, value in settings.items())]
