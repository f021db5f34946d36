"""Creating bodies and changing their rules."""

from typing import Any

from control_plane.audit.entries import BodyChanged, BodyCreated
from control_plane.people.authority import Authority, leave_to_manage
from control_plane.people.models import Body
from control_plane.people.rules import LANGUAGES, BodyDetails
from control_plane.people.standing import NoSuchBody
from control_plane.permission import Permission
from control_plane.unit import Unit


def create_body(unit: Unit, permission: Permission, authority: Authority, details: BodyDetails) -> str:
    """Return the id of a new body (raises NotPermitted, DetailsInvalid)."""
    decision = leave_to_manage(unit, permission, authority)
    details.check()
    body = Body(**_columns(details))
    unit.session.add(body)
    unit.record(
        BodyCreated(body=body.id, type=details.kind, **decision), readable={"names": dict(details.names)}
    )
    return body.id


def change_body(
    unit: Unit, permission: Permission, authority: Authority, body_id: str, details: BodyDetails
) -> tuple[str, ...]:
    """Give a body these details and return what differs (raises NotPermitted, NoSuchBody, DetailsInvalid).

    Booked meetings keep the classification they have; the policies judge them by the new highest one.
    """
    decision = leave_to_manage(unit, permission, authority)
    details.check()
    body = unit.session.get(Body, body_id, with_for_update=True)
    if body is None:
        raise NoSuchBody(f"no body {body_id!r}")
    wanted = _columns(details)
    changed = {name: value for name, value in wanted.items() if getattr(body, name) != value}
    if changed:
        before = {name: getattr(body, name) for name in changed}
        for name, value in changed.items():
            setattr(body, name, value)
        unit.record(
            BodyChanged(body=body.id, fields=tuple(sorted(changed)), **decision),
            readable={"before": before, "after": changed},
        )
    return tuple(sorted(changed))


def _columns(details: BodyDetails) -> dict[str, Any]:
    return {
        "kind": details.kind.value,
        **{f"name_{language}": details.names.get(language, "") for language in LANGUAGES},
        "zone": details.zone,
        "quorum_kind": details.quorum.kind.value,
        "quorum_value": details.quorum.value,
        "default_classification": int(details.default),
        "highest_classification": int(details.highest),
        "notice_hours": details.notice_hours,
        "capacity": details.capacity,
    }
