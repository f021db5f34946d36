"""Questions as Cedar reads them: requests, grouped by action, and the entities they speak of."""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from control_plane.policy.entities import Facts, FactsUnreadable, Uid, instant
from control_plane.policy.facts import (
    Action,
    BodyFacts,
    GuestFacts,
    LogFacts,
    MeetingFacts,
    PersonFacts,
    Question,
    Resource,
    SignIn,
    SiteFacts,
)
from control_plane.policy.standing import Standing, name_of, standing_of

Request = dict[str, Any]
TYPES = {
    PersonFacts: "Person",
    GuestFacts: "Guest",
    MeetingFacts: "Meeting",
    BodyFacts: "Body",
    LogFacts: "Log",
    SiteFacts: "Site",
}


@dataclass(slots=True)
class Batch:
    """Questions whose facts agree with each other, so that one set of entities serves them all."""

    entities: dict[Uid, Facts] = field(default_factory=dict)
    requests: dict[Action, list[Request]] = field(default_factory=dict)
    places: dict[Action, list[int]] = field(default_factory=dict)

    def contradicts(self, entities: dict[Uid, Facts]) -> bool:
        """Return whether another question said something else of the same entity."""
        known = self.entities
        return any(known.get(uid, facts) != facts for uid, facts in entities.items())

    def add(self, place: int, action: Action, request: Request, entities: dict[Uid, Facts]) -> None:
        """Take the question that stands at this place of the caller's list."""
        self.entities.update(entities)
        self.requests.setdefault(action, []).append(request)
        self.places.setdefault(action, []).append(place)


def request_of(question: Question) -> tuple[Request, dict[Uid, Facts]]:
    """Return the request and the entities it needs (raises FactsUnreadable)."""
    try:
        return _request_of(question)
    except (AttributeError, KeyError, TypeError, ValueError) as unreadable:
        raise FactsUnreadable(f"unreadable facts: {unreadable}") from unreadable


def _request_of(question: Question) -> tuple[Request, dict[Uid, Facts]]:
    principal, resource = question.principal, question.resource
    if not isinstance(principal.id, str) or not isinstance(resource.id, str):
        raise TypeError("an id is not text")
    standing = standing_of(principal, resource)
    standing_uid, standing_ref = _standing(standing)
    sign_in_uid, sign_in_ref = _sign_in(question.sign_in)
    entities = _resource(resource)
    entities[standing_uid] = standing
    entities[sign_in_uid] = question.sign_in
    request = {
        "principal": {"type": TYPES[type(principal)], "id": principal.id},
        "action": {"type": "Action", "id": Action(question.action).value},
        "resource": {"type": TYPES[type(resource)], "id": resource.id},
        # Written by hand: json.dumps of the whole would cost as much as deciding.
        "context": f'{{"now":"{instant(question.now)}","sign_in":{sign_in_ref},"standing":{standing_ref}}}',
    }
    return request, entities


def _resource(resource: Resource) -> dict[Uid, Facts]:
    entities: dict[Uid, Facts] = {(TYPES[type(resource)], resource.id): resource}
    if isinstance(resource, MeetingFacts):
        entities["Body", resource.body.id] = resource.body
    return entities


@lru_cache(maxsize=4096)
def _standing(standing: Standing) -> tuple[Uid, str]:
    return _referred("Standing", name_of(standing))


@lru_cache(maxsize=1024)
def _sign_in(sign_in: SignIn) -> tuple[Uid, str]:
    certificate = "+certificate" if sign_in.certificate else ""
    return _referred("SignIn", f"{sign_in.strength.name.lower()}{certificate}@{sign_in.zone}")


def _referred(kind: str, name: str) -> tuple[Uid, str]:
    return (kind, name), json.dumps({"type": kind, "id": name})
