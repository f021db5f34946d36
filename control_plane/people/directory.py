"""Who and what there is, for those who manage it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from control_plane.people.authority import Authority, leave_to_manage
from control_plane.people.models import Membership
from control_plane.people.standing import BodyView, Standing, bodies, body, everybody
from control_plane.permission import Permission
from control_plane.policy import Function
from control_plane.unit import Unit


@dataclass(frozen=True, slots=True)
class Holding:
    """A membership with its dates, past and future ones too; `ends` is None while no end is arranged."""

    id: str
    person_id: str
    function: Function
    substitute_for: str | None
    begins: datetime
    ends: datetime | None


def list_people(unit: Unit, permission: Permission, authority: Authority) -> list[Standing]:
    """Return everybody with an account, as they stand now (raises NotPermitted)."""
    leave_to_manage(unit, permission, authority)
    return everybody(unit.session, unit.now)


def list_bodies(unit: Unit, permission: Permission, authority: Authority) -> list[BodyView]:
    """Return all bodies (raises NotPermitted)."""
    leave_to_manage(unit, permission, authority)
    return list(bodies(unit.session).values())


def list_memberships(unit: Unit, permission: Permission, authority: Authority, body_id: str) -> list[Holding]:
    """Return who is, was and will be what in a body, oldest first (raises NotPermitted, NoSuchBody)."""
    leave_to_manage(unit, permission, authority)
    rows = unit.session.execute(
        select(
            col(Membership.id),
            col(Membership.person_id),
            col(Membership.function),
            col(Membership.substitute_for),
            col(Membership.valid_from),
            col(Membership.valid_until),
        )
        .where(col(Membership.body_id) == body(unit.session, body_id).id)
        .order_by(col(Membership.valid_from), col(Membership.id))
    )
    return [Holding(row[0], row[1], Function(row[2]), row[3], row[4], row[5]) for row in rows]
