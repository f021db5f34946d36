"""Argon2id (RFC 9106), with a bound on how much of the machine it may take."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from control_plane.people.rules import LONGEST_PASSWORD, password_text


class PasswordsBusy(Exception):
    """More people are signing in than the machine checks passwords for; try again in a second."""


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """Passes, KiB of memory and lanes; the default is above OWASP's minimum and takes some 50 ms."""

    passes: int = 2
    memory_kib: int = 47_104
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password about to be set, and its hash."""

    text: str = field(repr=False)
    hash: str = field(repr=False)


class Passwords:
    """Hashes and checks passwords at one cost: `at_once` at a time, with `waiting` more in the queue."""

    def __init__(self, cost: Argon2Cost, *, at_once: int = 2, waiting: int = 8) -> None:
        self._hasher = PasswordHasher(
            time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes, type=Type.ID
        )
        self._nobodys = self._hasher.hash("nobody's")
        self._running = BoundedSemaphore(at_once)
        self._places = BoundedSemaphore(at_once + waiting)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place in the queue (raises PasswordsBusy): a flood of sign-ins must not take every thread."""
        if not self._places.acquire(blocking=False):
            raise PasswordsBusy("too many passwords are being checked")
        try:
            yield
        finally:
            self._places.release()

    def prepare(self, password: str) -> NewPassword:
        """Hash a password that is to be set. Slow on purpose: call it before a unit begins."""
        text = password_text(password[: LONGEST_PASSWORD + 1])
        with self._running:
            return NewPassword(text, self._hasher.hash(_bytes(text)))

    def matches(self, stored: str | None, password: str) -> bool:
        """Tell whether this is the password; where there is none, take as long to say no."""
        text = password_text(password[: LONGEST_PASSWORD + 1])
        with self._running:
            try:
                self._hasher.verify(stored or self._nobodys, _bytes(text))
            except (VerifyMismatchError, InvalidHashError):
                return False
        return stored is not None

    def outdated(self, stored: str) -> bool:
        """Tell whether a stored hash was made at another cost."""
        return self._hasher.check_needs_rehash(stored)


def _bytes(text: str) -> bytes:
    # JSON can say half a surrogate pair; that is a strange password and no reason to fall over.
    return text.encode("utf-8", "surrogatepass")
