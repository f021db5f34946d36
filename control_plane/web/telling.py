"""Entries of the log as sentences that a person reads."""

from typing import Any

from msgspec import structs

from control_plane.audit.entries import (
    ActionRefused,
    Admitted,
    ConnectionRefused,
    Decided,
    Entry,
    GateUnreachable,
    GuestLinkRefused,
    LetIn,
    MailFailed,
    PolicySetRejected,
    Refused,
    Removed,
    RoomRefused,
    SignInRefused,
)
from control_plane.permission import CONSOLE
from control_plane.web.locales import Words

REFUSALS = (
    *(SignInRefused, GuestLinkRefused, ConnectionRefused, Refused, ActionRefused, RoomRefused, Removed),
    *(MailFailed, PolicySetRejected, GateUnreachable),
)
ADMISSIONS = (Admitted, LetIn)
NOTES = ("reason", "why", "address", "name", "organisation", "problems")


def tell(entry: Entry, words: Words) -> str:
    """Return one sentence about what happened, without who and where."""
    kind = type(entry).__name__
    fields = structs.asdict(entry)
    told = words.told[kind]
    for name, value in fields.items():
        if value is True:
            told = words.told.get(f"{kind}.{name}", told)
    return told.format(**{name: _said(name, value, words) for name, value in fields.items()})


def tone(entry: Entry) -> str:
    """Return `refused`, `admitted` or `plain`: how the sentence is coloured, which it doesn't depend on."""
    if isinstance(entry, REFUSALS):
        return "refused"
    return "admitted" if isinstance(entry, ADMISSIONS) else "plain"


def decided_by(entry: Entry) -> tuple[str, ...]:
    """Return the ids of the policies that decided, none where no policy was asked or none permits."""
    return entry.policies if isinstance(entry, Decided) else ()


def nothing_permits(entry: Entry) -> bool:
    """Tell whether this is a refusal for want of a policy that permits."""
    if not isinstance(entry, Refused | ActionRefused) or entry.by == CONSOLE:
        return False
    return not entry.policies and entry.why in {"", "policy"}


def notes(readable: dict[str, Any], words: Words) -> list[tuple[str, str]]:
    """Return what a reader of the log may see of the readable part, each with its label.

    Titles and agendas are not among it: who reads the log doesn't thereby read about the meetings.
    """
    return [(words.term("note", name), str(readable[name])) for name in NOTES if readable.get(name)]


def _said(name: str, value: Any, words: Words) -> str:
    if isinstance(value, tuple):
        return ", ".join(words.term(name, each) for each in value) or "—"
    return words.term(name, value) if isinstance(value, str) else str(value)
