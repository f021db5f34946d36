"""The secret of a guest's link: made once, kept only as a hash."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256

LINK_BYTES = 32  # 256 bits: nobody guesses one
Randomness = Callable[[int], bytes]


def new_token(randomness: Randomness) -> str:
    """Return the secret of a link: 256 bits in characters that an address can hold."""
    return urlsafe_b64encode(randomness(LINK_BYTES)).rstrip(b"=").decode()


def hash_of(token: str) -> bytes:
    """Return what is kept of a link's secret; 256 random bits need no salt and no slow hash."""
    return sha256(token.encode()).digest()
