"""What a kind of machine promises: made, looked at and removed by one description, whatever it is made of.

A new kind is one module of infra/hosts/ with `machine(secrets: MachineSecrets) -> Machine`, and one line in MODULES.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import import_module
from typing import Any, Protocol, Self, runtime_checkable

from infra.site import Site

Plain = str | int | bool

# Each is imported when a site has such a machine: a controller without bare metal needs no Redfish library.
MODULES = {
    "lab": "infra.hosts.lab",
    "existing": "infra.hosts.existing",
    "libvirt": "infra.hosts.libvirt_domains",
    "redfish": "infra.hosts.redfish",
}


class MachineProblem(Exception):
    """A machine is not as the site says, and the text says what to do; what follows tells the cases apart."""


class MachineRefused(MachineProblem):
    """The description can't be met; `problems` has a sentence for each reason, all that were found at once."""

    def __init__(self, name: str, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{name}: {problem}" for problem in problems))


class MachineUnreachable(MachineProblem):
    """The host, its hypervisor or its board gave no answer in time."""


class HostKeyWrong(MachineProblem):
    """Another SSH host key than the pinned one: another machine answers there, or somebody stands between."""


class MachineFailed(MachineProblem):
    """The hypervisor or the board answered, and refused or failed at what it was asked."""


class LibraryMissing(MachineProblem):
    """The controller lacks the library that this kind of machine is made with."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A network that a machine stands in: its address there, the network, and what it carries."""

    address: str
    cidr: str
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """What a machine shall be. It holds no secret, so it may stand in a state file, a diff or a log."""

    site: str
    name: str
    kind: str
    networks: Mapping[str, Attachment]
    cores: int
    memory_mib: int
    disk_gib: int
    disk_encrypted: bool = False
    authorized_key: str = ""  # public half of the controller's key, "ssh-ed25519 AAAA…"
    domain: str = ""
    controller: str = ""
    options: Mapping[str, Plain] = field(default_factory=dict)

    def address(self, use: str) -> str | None:
        """Return the address in the network that carries this use; None when it has none there."""
        return next((net.address for net in self.networks.values() if use in net.uses), None)

    @property
    def management(self) -> str:
        """Return the address that SSH is spoken to (raises MachineRefused)."""
        if (address := self.address("management")) is None:
            raise MachineRefused(self.name, ("has no address in the network that carries management",))
        return address

    def plain(self) -> dict[str, Any]:
        """Return the description as JSON can hold it."""
        return asdict(self) | {
            "networks": {name: asdict(net) | {"uses": list(net.uses)} for name, net in self.networks.items()}
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Return the description that `plain` gave; whole floats are numbers again (Pulumi knows floats only)."""
        known = {name: plain[name] for name in (f.name for f in fields(cls)) if name in plain}
        networks = {
            name: Attachment(net["address"], net["cidr"], tuple(net["uses"]))
            for name, net in known["networks"].items()
        }
        sizes = {name: int(known[name]) for name in ("cores", "memory_mib", "disk_gib")}
        options = {key: _whole(value) for key, value in known.get("options", {}).items()}
        return cls(**known | {"networks": networks, "options": options} | sizes)


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What a machine is. `memory_mib` is what its kernel sees, `disk_gib` the disk that holds the root."""

    host_key: str  # "ssh-ed25519 AAAA…"
    os_release: str  # "debian 12"; empty while nothing was installed that could say
    cores: int
    memory_mib: int
    disk_gib: int
    encrypted: bool

    def plain(self) -> dict[str, Any]:
        """Return the facts as JSON can hold them."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Return the facts that `plain` gave."""
        sizes = {name: int(plain[name]) for name in ("cores", "memory_mib", "disk_gib")}
        return cls(**{f.name: plain[f.name] for f in fields(cls)} | sizes)


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such machine; `why` tells how one knows."""

    why: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class MachineSecrets:
    """What making a machine takes beside its description, never shown; each kind uses what it needs.

    ssh_key: private half of the controller's key; empty: the operator's own agent and keys serve.
    board_password: of the account of a bare machine's board. disk_passphrase: seals a virtual disk.
    """

    ssh_key: str = field(default="", repr=False)
    board_password: str = field(default="", repr=False)
    disk_passphrase: str = field(default="", repr=False)


@runtime_checkable
class Machine(Protocol):
    """One kind of machine. Each verb may be repeated: the second time changes nothing and says the same."""

    def create(self, spec: MachineSpec) -> MachineFacts:
        """Make what is missing and return what is there (raises MachineProblem)."""

    def examine(self, spec: MachineSpec) -> MachineFacts | Absent:
        """Return what is there and change nothing (raises MachineProblem)."""

    def destroy(self, spec: MachineSpec) -> None:
        """Remove what `create` made, and nothing else (raises MachineProblem)."""


NO_SECRETS = MachineSecrets()


def machine(kind: str, secrets: MachineSecrets = NO_SECRETS) -> Machine:
    """Return the maker of a kind of machine (raises LibraryMissing; KeyError: no such kind)."""
    try:
        module = import_module(MODULES[kind])
    except ModuleNotFoundError as missing:
        raise LibraryMissing(
            f"machines of the kind {kind} need the Python library {missing.name} on the controller: install it, "
            f"or give the hosts another kind"
        ) from missing
    made: Machine = module.machine(secrets)
    return made


def spec_of(site: Site, name: str, authorized_key: str) -> MachineSpec:
    """Return the description of a site's host; `authorized_key` is the public half of the controller's key."""
    host = site.hosts[name]
    return MachineSpec(
        site=site.name,
        name=name,
        kind=host.kind,
        networks={
            net: Attachment(str(address), str(site.networks[net].cidr), tuple(site.networks[net].carries))
            for net, address in host.addresses.items()
        },
        cores=host.cores,
        memory_mib=host.memory_mib,
        disk_gib=host.disk_gib,
        disk_encrypted=host.disk_encrypted,
        authorized_key=authorized_key,
        domain=site.domain,
        controller=str(site.controller),
        options=dict(host.options),
    )


def _whole(value: Any) -> Plain:
    """Give a number that came back as 22.0 its old form."""
    if isinstance(value, float):
        return int(value)
    plain: Plain = value
    return plain
