"""What the playbooks say about themselves: which Ansible roles a group has, and a role's packages and ports."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from infra.site_types import Host
from infra.site_words import ROLES, Role

PLAYBOOKS = Path(__file__).parent.parent / "playbooks"
EVERY = "all"
HIGHEST = 65_535


class PlaybookWrong(Exception):
    """A playbook, a role's variables or the flows don't say what they must; the text says where and what."""


@dataclass(frozen=True, order=True)
class Port:
    """Where a service listens; a range when `to` is above `port`."""

    port: int
    protocol: str
    to: int

    @property
    def spelled(self) -> str:
        """Return the port as the inventory writes it: 443, or 49152:65535 for a range."""
        return str(self.port) if self.port == self.to else f"{self.port}:{self.to}"


@dataclass(frozen=True)
class AnsibleRole:
    """An Ansible role as others must know it."""

    name: str
    packages: tuple[str, ...]
    ports: Mapping[str, Port]


@dataclass(frozen=True)
class Playbook:
    """site.yml read: which Ansible roles each group has, in the order in which they run."""

    groups: Mapping[str, tuple[str, ...]]
    roles: Mapping[str, AnsibleRole]

    def roles_of(self, host: Host) -> tuple[AnsibleRole, ...]:
        """Return the Ansible roles of a host: those of all hosts, then those of its groups."""
        groups = (EVERY, *(role for role in ROLES if role in host.roles))
        names = dict.fromkeys(name for group in groups for name in self.groups.get(group, ()))
        return tuple(self.roles[name] for name in names)

    def groups_with(self, role: str) -> tuple[Role, ...]:
        """Return the groups whose hosts carry an Ansible role."""
        everywhere = role in self.groups.get(EVERY, ())
        return tuple(group for group in ROLES if everywhere or role in self.groups.get(group, ()))

    def port(self, reference: str) -> Port:
        """Return the port that ROLE.NAME means (raises PlaybookWrong)."""
        name, _, port = reference.partition(".")
        if name not in self.roles:
            raise PlaybookWrong(f"{reference}: {name} is no role of site.yml; there are {_list(self.roles)}")
        if port not in self.roles[name].ports:
            raise PlaybookWrong(
                f"{reference}: {name} has no port {port}; it has {_list(self.roles[name].ports)}"
            )
        return self.roles[name].ports[port]


def read_playbook(directory: Path = PLAYBOOKS) -> Playbook:
    """Return what site.yml and its roles say (raises PlaybookWrong)."""
    groups: dict[str, tuple[str, ...]] = {}
    for number, play in enumerate(_listed(directory / "site.yml")):
        if "import_playbook" in play:
            continue
        group = play.get("hosts")
        if group not in (EVERY, *ROLES):
            raise PlaybookWrong(
                f"site.yml: play {number + 1} is for {group}, may be for all or one of {_list(ROLES)}"
            )
        groups[group] = (*groups.get(group, ()), *_names(play.get("roles", [])))
    names = dict.fromkeys(name for roles in groups.values() for name in roles)
    return Playbook(groups, {name: read_role(name, directory) for name in names})


def read_role(name: str, directory: Path = PLAYBOOKS) -> AnsibleRole:
    """Return the packages and ports of a role, from its vars/main.yml (raises PlaybookWrong)."""
    where = f"roles/{name}/vars/main.yml"
    file = directory / where
    if not file.is_file():
        raise PlaybookWrong(f"{where} is missing; it says {name}_packages and {name}_ports")
    said = load(file) or {}
    packages, ports = said.get(f"{name}_packages", []), said.get(f"{name}_ports", {})
    if not isinstance(packages, list) or not all(isinstance(package, str) for package in packages):
        raise PlaybookWrong(f"{where}: {name}_packages may hold a list of Debian packages")
    if not isinstance(ports, dict):
        raise PlaybookWrong(f"{where}: {name}_ports may hold names with {{port: …, protocol: tcp}}")
    return AnsibleRole(
        name,
        tuple(packages),
        {key: _port(f"{where}: {name}_ports.{key}", port) for key, port in ports.items()},
    )


def load(file: Path) -> Any:
    """Return what a YAML file of ours holds; tags that only Ansible knows are nothing (raises PlaybookWrong)."""
    yaml = YAML(typ="safe", pure=True)
    try:
        return yaml.load(file.read_text("utf-8"))
    except FileNotFoundError:
        raise PlaybookWrong(f"{file.name} is missing") from None
    except YAMLError as wrong:
        raise PlaybookWrong(f"{file.name} is not YAML that can be read: {wrong}") from wrong


def _listed(file: Path) -> list[dict[str, Any]]:
    plays = load(file) or []
    if not isinstance(plays, list) or not all(isinstance(play, dict) for play in plays):
        raise PlaybookWrong(f"{file.name} may hold a list of plays")
    return plays


def _names(roles: list[Any]) -> tuple[str, ...]:
    return tuple(role if isinstance(role, str) else str(role["role"]) for role in roles)


def _port(where: str, said: Any) -> Port:
    if not isinstance(said, dict) or set(said) - {"port", "protocol", "to"}:
        raise PlaybookWrong(f"{where} may hold port, protocol and, for a range, to")
    port, protocol, to = said.get("port"), said.get("protocol"), said.get("to", said.get("port"))
    if not (type(port) is int and type(to) is int and 0 < port <= to <= HIGHEST):  # true is an int too
        raise PlaybookWrong(
            f"{where} holds {port} to {to}, may hold numbers of 1 to {HIGHEST}, the lower first"
        )
    if protocol not in ("tcp", "udp"):
        raise PlaybookWrong(f"{where} holds the protocol {protocol}, may hold tcp or udp")
    return Port(port, protocol, to)


def _list(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
