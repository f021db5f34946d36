"""What `majlis site` asks of whoever makes the machines, keys and secrets; `infra.engine` answers with Pulumi."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from infra.inventory import Secrets
from infra.site import Site


class MachinesFailed(Exception):
    """Machines, keys or secrets could not be made or removed; the text has a line for each resource."""


@dataclass(frozen=True, slots=True)
class Change:
    """What would become of a resource: create, update, replace, delete; `protected` ones hold what can't be remade."""

    action: str
    kind: str
    name: str
    detail: str = ""
    protected: bool = False


@dataclass(frozen=True, slots=True)
class Built:
    """What exists: secrets, the private SSH key of the controller, and each host's SSH key."""

    secrets: Secrets = field(repr=False)
    ssh_key: str = field(repr=False)
    host_keys: Mapping[str, str]


class Machines(Protocol):
    """The machines of one site."""

    def built(self) -> Built | None:
        """Return what exists, or None before anything was made."""

    def preview(self) -> tuple[Change, ...]:
        """Return what `up` would change, and change nothing (raises MachinesFailed)."""

    def up(self, on_event: Callable[[str], None]) -> Built:
        """Make what is missing; call with a line for each resource (raises MachinesFailed)."""

    def down(self, on_event: Callable[[str], None]) -> None:
        """Remove everything, what is protected too (raises MachinesFailed)."""

    def kept(self) -> tuple[Change, ...]:
        """Return what `down` would remove."""


MachinesOf = Callable[[Site, str], Machines]
