"""What the engine says while it works, as changes, failures and lines for the operator."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pulumi.automation import EngineEvent

from infra.engine_failures import MachineFailed
from infra.machines import Change
from infra.resource_names import KINDS, named

ACTIONS = {
    "same": "same",
    "create": "create",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "delete": "delete",
    "refresh": "same",
}
DONE = {"create": "made", "update": "changed", "replace": "made anew", "delete": "removed"}
WHY = re.compile(rf"(?P<kind>{'|'.join(KINDS.values())}) (?P<name>\S+): (?P<why>.+)")
WRAPPING = re.compile(r"^(?:\S* ?)*?Exception calling application: ")


@dataclass
class Listener:
    """Hears the engine's events; `tell` gets a line for each resource that was changed."""

    tell: Callable[[str], None] = lambda _: None
    changes: dict[tuple[str, str], Change] = field(default_factory=dict)
    failures: list[MachineFailed] = field(default_factory=list)
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)

    def hear(self, event: EngineEvent) -> None:
        """Take in one event."""
        if event.diagnostic_event is not None:
            self._diagnostic(event.diagnostic_event)
        if event.resource_pre_event is not None:
            self._begun(event.resource_pre_event.metadata)
        if event.res_outputs_event is not None:
            self._ended(event.res_outputs_event.metadata)

    def found(self) -> tuple[Change, ...]:
        """Return the changes, each with its reason where one was given."""
        return tuple(
            Change(one.action, one.kind, one.name, self.reasons.get(key, ""), one.protected)
            for key, one in self.changes.items()
        )

    def _begun(self, metadata: Any) -> None:
        key, action = named(metadata.urn), ACTIONS.get(str(getattr(metadata.op, "value", metadata.op)))
        if key is None or action is None:
            return
        states = [state for state in (metadata.new, metadata.old) if state is not None]
        self.changes[key] = Change(action, *key, protected=any(state.protect for state in states))
        if action == "create" and key[0] == "host":
            self.tell(f"host {key[1]}: being made")

    def _ended(self, metadata: Any) -> None:
        key, action = named(metadata.urn), ACTIONS.get(str(getattr(metadata.op, "value", metadata.op)))
        if key is not None and action in DONE and str(metadata.op) != "delete-replaced":
            why = self.reasons.get(key)
            self.tell(f"{key[0]} {key[1]}: {DONE[action]}{f' ({why})' if why else ''}")

    def _diagnostic(self, event: Any) -> None:
        message = re.sub(r"<\{%[^%]*%\}>", "", event.message).strip()  # Pulumi's colour marks
        if event.severity == "error" and event.urn and (key := named(event.urn)):
            self.failures.append(MachineFailed(*key, WRAPPING.sub("", message).removeprefix(f"{key[1]}: ")))
        elif told := WHY.fullmatch(message):
            self.reasons[told["kind"], told["name"]] = told["why"]
