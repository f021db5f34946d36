"""The passphrase that the site's secrets are encrypted with."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.state import SiteState, write_private

WORD = "PULUMI_CONFIG_PASSPHRASE"
SHORTEST = 12


class PassphraseMissing(Exception):
    """Nobody gave a passphrase and nobody is there to be asked; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Passphrase:
    """The passphrase, and a sentence about it when the operator should know where it comes from."""

    text: str = field(repr=False)
    note: str = ""


def find(
    state: SiteState,
    environ: Mapping[str, str],
    *,
    only_lab: bool,
    ask: Callable[[], str] | None,
    keep: bool = True,
) -> Passphrase:
    """Return the passphrase from the environment, a lab's file, or by asking (raises PassphraseMissing).

    A site whose hosts all run on this machine gets a random one that is kept beside its state: there is nobody
    to keep it from. For any other site a passphrase beside what it locks would lock nothing. Without `keep` a
    lab that has none yet gets one for this once.
    """
    if given := environ.get(WORD):
        return Passphrase(given)
    if file := environ.get(f"{WORD}_FILE"):
        return Passphrase(_read(Path(file)))
    if only_lab:
        return _kept(state.passphrase, keep=keep)
    if ask is None:
        raise PassphraseMissing(f"the site's secrets need a passphrase: set {WORD}_FILE or {WORD}")
    text = ask()
    if len(text) < SHORTEST:
        raise PassphraseMissing(f"a passphrase has at least {SHORTEST} characters")
    return Passphrase(text)


def _read(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise PassphraseMissing(f"{WORD}_FILE: {file} can't be read: {error.strerror}") from None
    if not text:
        raise PassphraseMissing(f"{WORD}_FILE: {file} is empty")
    return text


def _kept(file: Path, *, keep: bool) -> Passphrase:
    if file.exists():
        return Passphrase(file.read_text(encoding="utf-8").strip())
    text = secrets.token_urlsafe(32)
    if not keep:
        return Passphrase(text)
    write_private(file, text + "\n")
    return Passphrase(text, f"made a random passphrase for this lab's secrets: {file}")
