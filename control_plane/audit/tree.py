"""The Merkle tree of RFC 6962 section 2.1 (the same as RFC 9162's), grown leaf by leaf in logarithmic memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ leaf), 32 bytes."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right), 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """The roots of the perfect subtrees that cover `size` leaves, largest first.

    It is all a writer needs to go on: `size.bit_count()` hashes.
    """

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    @classmethod
    def parse(cls, size: int, packed: bytes) -> "Frontier":
        """Read what `packed` wrote (raises ValueError when the length does not fit the size)."""
        if len(packed) != HASH_BYTES * size.bit_count():
            raise ValueError(
                f"a frontier of {size} leaves has {size.bit_count()} hashes, not {len(packed)} bytes"
            )
        return cls(size, [packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES)])

    def packed(self) -> bytes:
        """Return the hashes end to end."""
        return b"".join(self.hashes)

    def append(self, leaf_digest: bytes) -> None:
        """Add one leaf's hash; costs one node hash on average."""
        digest, level = leaf_digest, self.size
        while level & 1:
            digest = node_hash(self.hashes.pop(), digest)
            level >>= 1
        self.hashes.append(digest)
        self.size += 1

    def root(self) -> bytes:
        """Return the tree head over everything appended so far."""
        if not self.hashes:
            return EMPTY_ROOT
        digest = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            digest = node_hash(left, digest)
        return digest


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the tree head over whole leaves, in order."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf_hash(leaf))
    return frontier.root()
