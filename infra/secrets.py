"""The site's shared secrets: their names, which of them can't be lost, and how they are drawn."""

import random
import string

from infra.inventory import FOR
from infra.site import Role

NAMES = tuple(FOR)
LENGTH = 40  # letters and digits: 238 bits; nothing in it needs quoting in any configuration file
ALPHABET = string.ascii_letters + string.digits
_DATABASE: Role = "database"
#: without these the database answers nobody, not even its own replicas
PRECIOUS = frozenset(name for name, roles in FOR.items() if _DATABASE in roles)


def draw(randomness: random.Random) -> str:
    """Return a new secret; give it random.SystemRandom() outside tests."""
    return "".join(randomness.choice(ALPHABET) for _ in range(LENGTH))
