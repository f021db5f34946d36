"""The door of this slice: what other slices may know and do about people and bodies."""

from control_plane.people.rules import (
    BodyDetails,
    BodyKind,
    PersonDetails,
    QuorumKind,
    QuorumRule,
    quorum_needed,
)
from control_plane.people.standing import (
    AccountDisabled,
    BodyView,
    NoSuchBody,
    Seat,
    Standing,
    actor_of,
    bodies,
    body,
    everybody,
    find_person,
    members_of,
    standings,
)

__all__ = [
    "AccountDisabled",
    "BodyDetails",
    "BodyKind",
    "BodyView",
    "NoSuchBody",
    "PersonDetails",
    "QuorumKind",
    "QuorumRule",
    "Seat",
    "Standing",
    "actor_of",
    "bodies",
    "body",
    "everybody",
    "find_person",
    "members_of",
    "quorum_needed",
    "standings",
]
