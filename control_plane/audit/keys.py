"""The log's own key: made once, kept in a file of mode 0600, needed to say where the log ends."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from control_plane.audit.checkpoint import Signer

FILE = "log.pem"


class NoLogKey(Exception):
    """The log's key is missing or is no Ed25519 key."""


def log_signer(directory: Path, origin: str) -> Signer:
    """Read the log's key (raises NoLogKey)."""
    path = directory / FILE
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError as error:
        raise NoLogKey(f"{path} is missing; `majlis setup` makes the log's key once") from error
    except ValueError as error:
        raise NoLogKey(f"{path} can't be read as a PEM key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise NoLogKey(f"{path} is not an Ed25519 key")
    return Signer(origin, key)


def make_log_key(directory: Path) -> bool:
    """Make the log's key if there is none; return whether it was made."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(directory / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        file.flush()
        os.fsync(file.fileno())
    return True
