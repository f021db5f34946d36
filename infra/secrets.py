"""The site's shared secrets: their names, how they are drawn, and how all of them leave Pulumi together."""

import json
import random
import string
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from infra.inventory import FOR, Leaf, Secrets
from infra.machines import Built
from infra.site import Role

__all__ = ["LENGTH", "NAMES", "PRECIOUS", "draw", "pack", "unpack"]

NAMES = tuple(FOR)
LENGTH = 40  # letters and digits: 238 bits; nothing in it needs quoting in any configuration file
ALPHABET = string.ascii_letters + string.digits
_DATABASE: Role = "database"
#: without these the database answers nobody, not even its own replicas
PRECIOUS = frozenset(name for name, roles in FOR.items() if _DATABASE in roles)


def draw(randomness: random.Random) -> str:
    """Return a new secret; give it random.SystemRandom() outside tests."""
    return "".join(randomness.choice(ALPHABET) for _ in range(LENGTH))


def pack(built: Built) -> str:
    """Return all that was built as one text, the one output of the Pulumi program; it is as secret as its parts."""
    leaves = {
        host: {name: asdict(leaf) for name, leaf in by_name.items()}
        for host, by_name in built.secrets.certificates.items()
    }
    return json.dumps(
        {
            "values": dict(built.secrets.values),
            "certificates": leaves,
            "authority": built.secrets.authority,
            "ssh_key": built.ssh_key,
            "host_keys": dict(built.host_keys),
        },
        sort_keys=True,
    )


def unpack(text: str) -> Built:
    """Return what was built from its one text (raises KeyError, ValueError for a text that `pack` didn't make)."""
    told: Mapping[str, Any] = json.loads(text)
    leaves = {
        host: {name: Leaf(**leaf) for name, leaf in by_name.items()}
        for host, by_name in told["certificates"].items()
    }
    return Built(Secrets(told["values"], leaves, told["authority"]), told["ssh_key"], told["host_keys"])
