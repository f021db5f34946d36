"""Signed tree heads as text: C2SP tlog-checkpoint in a C2SP signed-note, Ed25519."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ED25519 = b"\x01"  # signed-note's algorithm byte


class CheckpointInvalid(Exception):
    """The text is not a checkpoint of this log, or its signature does not hold."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`size` leaves under `root` (32 bytes), said by the log called `origin`."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """Return the three signed lines."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


class Signer:
    """Signs checkpoints as `origin`; the note's key hash is SHA-256(name ‖ \\n ‖ 0x01 ‖ public key)[:4]."""

    def __init__(self, origin: str, key: Ed25519PrivateKey) -> None:
        self.origin = origin
        self.verifier = Verifier(origin, key.public_key())
        self._key = key

    def sign(self, size: int, root: bytes) -> str:
        """Return the checkpoint as a signed note."""
        body = Checkpoint(self.origin, size, root).body()
        signature = self._key.sign(body.encode())
        return f"{body}\n— {self.origin} {b64encode(self.verifier.key_hash + signature).decode()}\n"


class Verifier:
    """Checks checkpoints of one log by its public key."""

    def __init__(self, origin: str, key: Ed25519PublicKey) -> None:
        self.origin = origin
        self._key = key
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_hash = sha256(origin.encode() + b"\n" + ED25519 + raw).digest()[:4]
        #: the key as golang.org/x/mod/sumdb/note spells it
        self.vkey = f"{origin}+{self.key_hash.hex()}+{b64encode(ED25519 + raw).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Read `name+hash+key` (raises CheckpointInvalid)."""
        try:
            origin, key_hash, encoded = vkey.strip().split("+", 2)
            raw = b64decode(encoded, validate=True)
            verifier = cls(origin, Ed25519PublicKey.from_public_bytes(raw[1:]))
        except (ValueError, Base64Error) as error:
            raise CheckpointInvalid(f"not a verifier key (name+hash+key): {error}") from error
        if raw[:1] != ED25519 or verifier.key_hash.hex() != key_hash:
            raise CheckpointInvalid("the verifier key's hash does not fit its name and key")
        return verifier

    def open(self, note: str) -> Checkpoint:
        """Return the checkpoint that this log signed (raises CheckpointInvalid saying what is wrong)."""
        body, separator, signatures = note.partition("\n\n")
        if not separator:
            raise CheckpointInvalid("no signature block")
        body += "\n"
        self._check(body, signatures)
        lines = body.split("\n")
        try:
            size, root = int(lines[1]), b64decode(lines[2], validate=True)
        except (IndexError, ValueError, Base64Error) as error:
            raise CheckpointInvalid(f"size or root can't be read: {error}") from error
        if lines[0] != self.origin or str(size) != lines[1] or len(root) != 32:
            raise CheckpointInvalid("origin, size or root is not in canonical form")
        return Checkpoint(self.origin, size, root)

    def _check(self, body: str, signatures: str) -> None:
        for line in signatures.splitlines():
            if not line.startswith(f"— {self.origin} "):
                continue
            try:
                blob = b64decode(line.rsplit(" ", 1)[1], validate=True)
            except Base64Error as error:
                raise CheckpointInvalid(f"a signature is not base64: {error}") from error
            if blob[:4] != self.key_hash:
                continue
            try:
                self._key.verify(blob[4:], body.encode())
            except InvalidSignature as error:
                raise CheckpointInvalid("the signature does not hold") from error
            return
        raise CheckpointInvalid(f"not signed by {self.origin} with the key that was given")
