"""By what right people and bodies are changed."""

from control_plane.permission import Actor, Decision, Permission, from_console
from control_plane.policy import Action, SiteFacts
from control_plane.unit import Unit

SITE = SiteFacts("site")

Authority = Actor | None
"""Somebody signed in, or None: the operator at the machine's console."""


def leave_to_manage(unit: Unit, permission: Permission, authority: Authority) -> Decision:
    """Return what the entry must say of who decided (raises NotPermitted)."""
    if authority is None:
        return from_console()
    return permission.require(unit, authority, Action.manage_people, SITE)
