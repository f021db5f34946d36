"""The only door from infra to playbooks: a site as Ansible's inventory, with what each host needs and no more."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates

from infra.flows import Flow, HostRules, Rule, read_flows, rules_for
from infra.playbook import Playbook, read_playbook
from infra.site import ROLES, USES, Host, Role, Site

# Which secret is for which groups; a host gets those of its own groups.
FOR: dict[str, tuple[Role, ...]] = {
    "turn_secret": ("turn", "signalling"),
    "focus_password": ("signalling",),
    "bridge_password": ("signalling", "bridge"),
    "gate_secret": ("signalling", "control"),
    "control_secret": ("signalling", "control"),
    "database_password": ("database", "control"),
    "replication_password": ("database",),
    "superuser_password": ("database",),
    "etcd_password": ("database",),
    "first_administrator_password": ("control",),
    "stats_password": ("edge", "monitoring"),
}
# Which certificate is for which groups; `host` is for every host.
CERTIFICATES: dict[str, tuple[Role, ...]] = {
    "host": ROLES,
    "public": ("edge",),
    "turn": ("turn",),
    "xmpp": ("signalling",),
}
ACCOUNT = "majlis-admin"


class SecretMissing(Exception):
    """A secret or certificate that a host needs was not handed over; the text names it."""


class AuthorityMissing(SecretMissing):
    """The site file names a file for people_authority that holds no certificates; the text says which and why."""


@dataclass(frozen=True)
class Leaf:
    """A certificate with its chain, and its key, both PEM."""

    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class Secrets:
    """All that must not be on disk: secrets by name, each host's certificates by name, the site authority (PEM)."""

    values: Mapping[str, str] = field(repr=False)
    certificates: Mapping[str, Mapping[str, Leaf]] = field(repr=False)
    authority: str


def inventory(
    site: Site,
    secrets: Secrets | None,
    playbook: Playbook | None = None,
    flows: tuple[Flow, ...] | None = None,
) -> dict[str, Any]:
    """Return the site as Ansible's inventory; without secrets it may be on disk.

    Raises SecretMissing, AuthorityMissing, and PlaybookWrong when site.yml, a role or flows.yml can't be used.
    """
    known = playbook if playbook is not None else read_playbook()
    lines = flows if flows is not None else read_flows(known)
    hosts = {
        name: _host(host, known, rules_for(site, host, lines)) | _handed(host, secrets)
        for name, host in site.hosts.items()
    }
    groups: dict[str, Any] = {
        role: {"hosts": {host.name: {} for host in site.hosts_with(role)}} for role in ROLES
    }
    shared: dict[str, Any] = {"site": site_variables(site)}
    if secrets is not None:
        shared["site_authority"] = secrets.authority
    return {"all": {"hosts": hosts, "children": groups, "vars": shared}}


def site_variables(site: Site) -> dict[str, Any]:
    """Return what every host may know of its site: plain values, none of them secret."""
    told: dict[str, Any] = json.loads(
        site.model_dump_json(
            include={
                *("name", "domain", "controller", "zones", "visitors", "virtual_address", "identity", "mail"),
                *("time", "packages", "retention", "outside", "one_box"),
            }
        )
    )
    return told | {
        "people_authority": _people_authority(site),
        "names": {
            "pages": site.domain,
            "turn": site.turn_domain,
            "pools": {pool: site.pool_domain(pool) for pool in site.pools},
            "outside": {
                name: str(address)
                for outside in site.outside.values()
                for name, address in outside.names.items()
            },
        },
        "networks": {name: {"cidr": str(network.cidr)} for name, network in site.networks.items()},
        "uses": {use: str(site.network(use)) for use in USES},
        "pools": {name: pool.model_dump(mode="json") for name, pool in site.pools.items()},
        "hosts": {
            name: {"roles": list(host.roles), "pool": host.pool, "addresses": _addresses(host)}
            for name, host in site.hosts.items()
        },
    }


def secrets_of(host: Host) -> tuple[str, ...]:
    """Return the names of the secrets that a host needs."""
    return tuple(name for name, roles in FOR.items() if set(roles) & set(host.roles))


def certificates_of(host: Host) -> tuple[str, ...]:
    """Return the names of the certificates that a host needs."""
    return tuple(name for name, roles in CERTIFICATES.items() if set(roles) & set(host.roles))


def _people_authority(site: Site) -> str | None:
    """Return the certificates of the file, and them only: whatever else it holds stays on the controller."""
    if site.people_authority is None:
        return None
    try:
        found = load_pem_x509_certificates(site.people_authority.read_bytes())
    except (OSError, ValueError) as wrong:
        raise AuthorityMissing(f"people_authority: {site.people_authority}: {wrong}") from wrong
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in found)


def _host(host: Host, playbook: Playbook, rules: HostRules) -> dict[str, Any]:
    packages = {package for role in playbook.roles_of(host) for package in role.packages}
    return {
        "ansible_host": str(host.address("management")),
        "ansible_user": "root" if host.kind == "lab" else str(host.options.get("user", ACCOUNT)),
        "host_kind": host.kind,
        "host_addresses": _addresses(host),
        "host_pool": host.pool,
        "host_packages": sorted(packages),
        "firewall_accept": [_rule(rule, "from") for rule in rules.accept],
        "firewall_send": [_rule(rule, "to") for rule in rules.send],
    }


def _addresses(host: Host) -> dict[str, str]:
    return {use: str(address) for use in USES if (address := host.address(use)) is not None}


def _rule(rule: Rule, end: str) -> dict[str, Any]:
    return {"protocol": rule.protocol, "port": rule.port, end: list(rule.networks), "why": rule.why}


def _handed(host: Host, secrets: Secrets | None) -> dict[str, Any]:
    if secrets is None:
        return {}
    if missing := [name for name in secrets_of(host) if name not in secrets.values]:
        raise SecretMissing(f"{host.name} needs {', '.join(missing)}, which nobody handed over")
    leaves = secrets.certificates.get(host.name, {})
    if missing := [name for name in certificates_of(host) if name not in leaves]:
        raise SecretMissing(
            f"{host.name} needs the certificates {', '.join(missing)}, which nobody handed over"
        )
    return {
        "secrets": {name: secrets.values[name] for name in secrets_of(host)},
        "certificates": {
            name: {"certificate": leaves[name].certificate, "key": leaves[name].key}
            for name in certificates_of(host)
        },
    }
