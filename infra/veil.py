"""Keeps secrets out of what is printed or written, should a task ever say one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

VEIL = "•••"
SHORTEST = 8  # characters; a shorter word would blot out harmless text


@dataclass(frozen=True, slots=True)
class Veil:
    """Replaces each of `words` in a text."""

    words: tuple[str, ...]

    def over(self, text: str) -> str:
        """Return the text without the secrets."""
        for word in self.words:
            text = text.replace(word, VEIL)
        return text


def veil_over(inventory: Mapping[str, Any]) -> Veil:
    """Return the veil for every secret and private key of an inventory, whole and line by line."""
    found = {line for secret in _secrets(inventory) for line in _lines(secret)}
    return Veil(tuple(sorted(found, key=len, reverse=True)))


SECRET_KEYS = frozenset({"secrets", "key", "ansible_become_password"})


def _secrets(value: Any, *, secret: bool = False) -> Iterable[str]:
    match value:
        case Mapping():
            for key, inner in value.items():
                yield from _secrets(inner, secret=secret or key in SECRET_KEYS)
        case list() | tuple():
            for inner in value:
                yield from _secrets(inner, secret=secret)
        case str() if secret:
            yield value


def _lines(secret: str) -> Iterable[str]:
    return (line for line in secret.splitlines() if len(line) >= SHORTEST and not line.startswith("-----"))
