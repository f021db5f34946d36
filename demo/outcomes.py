"""What can happen to a player, as values and named errors."""

from dataclasses import dataclass
from typing import Any


class PlayersMissing(Exception):
    """Node or the npm modules aren't there; the message says what to run."""


class ConnectionRefused(Exception):
    """The server didn't let the client connect: `condition` as in SASL, `text` for the person."""

    def __init__(self, condition: str, text: str) -> None:
        super().__init__(f"{condition}: {text}")
        self.condition = condition
        self.text = text


class NotInTime(Exception):
    """What was waited for didn't happen in time; the message lists what did."""


class PlayerFailed(Exception):
    """The client couldn't carry the command out (nobody connected under that name, a socket that broke)."""


@dataclass(frozen=True)
class Joined:
    """Inside. `name` is the display name as everybody sees it, `nick` the occupant's address."""

    room: str
    nick: str
    name: str
    role: str
    affiliation: str


@dataclass(frozen=True)
class Waiting:
    """Sent to the lobby room, whose address is `lobby`."""

    lobby: str
    text: str


@dataclass(frozen=True)
class TurnedAway:
    """Refused, with the sentence for the person."""

    condition: str
    text: str


JoinOutcome = Joined | Waiting | TurnedAway


@dataclass(frozen=True)
class Happening:
    """Something that happened to a player unasked: seen, gone, message, kicked, invited, muted, …"""

    kind: str
    fields: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]


@dataclass(frozen=True)
class IqAnswer:
    """The answer to an IQ: `kind` is result or error."""

    kind: str
    condition: str
    text: str
    xml: str
