"""The sample parliament, loaded into a cluster over its API as an administrator would."""

from collections.abc import Callable
from typing import Any

from control_plane.people.payloads import BodyPayload, MembershipPayload, PersonPayload, Quorum
from control_plane.policy import Classification
from demo.parliament import (
    BODIES,
    DUTIES,
    PEOPLE,
    Parliament,
    body_details,
    email,
    memberships,
    person_details,
)
from demo.people import Visitor

Say = Callable[[str], None]


def load(administrator: Visitor, password: str, say: Say = lambda _: None) -> Parliament:
    """Load what isn't there yet, and give everybody this password (raises demo.people.Refused)."""
    say("bodies")
    bodies = _bodies(administrator)
    say("people")
    standing = {person["email"]: person for person in administrator.ask("GET", "/api/people")}
    people = {key: _person(administrator, standing, key) for key in PEOPLE}
    parliament = Parliament(bodies, people)
    say("memberships")
    _memberships(administrator, parliament)
    for key, duty in DUTIES.items():
        if duty.value not in standing.get(email(key), {}).get("duties", ()):
            administrator.ask("PUT", f"/api/people/{people[key]}/duties/{duty.value}", {})
    for done, person in enumerate(people.values(), start=1):
        say(f"passwords, {done} of {len(people)}")
        administrator.ask("PUT", f"/api/people/{person}/password", {"password": password})
    return parliament


def _bodies(administrator: Visitor) -> dict[str, str]:
    known = {body["names"]["fr"]: body["id"] for body in administrator.ask("GET", "/api/bodies")}
    return {
        key: known.get(body_details(key).names["fr"])
        or _made(administrator, "/api/bodies", body_payload(key))
        for key in BODIES
    }


def _person(administrator: Visitor, standing: dict[str, Any], key: str) -> str:
    if email(key) in standing:
        return str(standing[email(key)]["id"])
    return _made(administrator, "/api/people", person_payload(key))


def _memberships(administrator: Visitor, parliament: Parliament) -> None:
    held = {
        (body, one["person_id"], one["function"])
        for body in parliament.bodies.values()
        for one in administrator.ask("GET", f"/api/bodies/{body}/memberships")
    }
    for key, body_key, function, member in memberships():
        body, person = parliament.bodies[body_key], parliament.people[key]
        if (body, person, function.value) in held:
            continue
        substitute_for = parliament.people[member] if member else None
        payload = MembershipPayload(person_id=person, function=function, substitute_for=substitute_for)
        _made(administrator, f"/api/bodies/{body}/memberships", payload)


def body_payload(key: str) -> BodyPayload:
    """Return a body of the sample as the API takes it."""
    body = body_details(key)
    return BodyPayload.model_validate(
        {
            "kind": body.kind,
            "names": body.names,
            "zone": body.zone,
            "quorum": Quorum(kind=body.quorum.kind, value=body.quorum.value),
            "default": Classification(body.default).name.lower(),
            "highest": Classification(body.highest).name.lower(),
            "notice_hours": body.notice_hours,
            "capacity": body.capacity,
        }
    )


def person_payload(key: str) -> PersonPayload:
    """Return a person of the sample as the API takes them."""
    person = person_details(key)
    return PersonPayload.model_validate(
        {"names": person.names, "email": person.email, "language": person.language}
    )


def _made(administrator: Visitor, path: str, payload: BodyPayload | MembershipPayload | PersonPayload) -> str:
    return str(administrator.ask("POST", path, payload.model_dump(mode="json", exclude_none=True))["id"])
