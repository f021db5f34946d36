"""A password as bcrypt, the only form that Prometheus's pages take."""

import base64
import hashlib
import warnings
from typing import Any

with (
    warnings.catch_warnings()
):  # Python 3.13 drops it; Ansible's own filter wants passlib, which nobody keeps up
    warnings.simplefilter("ignore", DeprecationWarning)
    import crypt

TO_BCRYPT = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
)


def bcrypted(password: str, user: str, cost: int = 10) -> str:
    """Return the password as bcrypt; its salt comes from both, so a second run changes nothing.

    That is good enough for secrets that were drawn at random, and for no password that a person chose.
    """
    salt = hashlib.sha256(f"{user}\0{password}".encode()).digest()[:16]
    letters = base64.b64encode(salt).translate(TO_BCRYPT).decode()[:22]
    done = crypt.crypt(password, f"$2b${cost}${letters}")
    if not done or not done.startswith("$2b$"):
        raise ValueError("the C library of this machine has no bcrypt")
    return done


class FilterModule:
    """The filter, as Ansible asks for it."""

    def filters(self) -> dict[str, Any]:
        return {"bcrypted": bcrypted}
