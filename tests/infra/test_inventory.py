"""The inventory holds all that playbooks need, and a host's part only what that host needs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from infra.flows import read_flows
from infra.inventory import (
    CERTIFICATES,
    FOR,
    AuthorityMissing,
    Leaf,
    SecretMissing,
    Secrets,
    certificates_of,
    inventory,
    secrets_of,
)
from infra.playbook import read_playbook
from infra.site import Site, load_site, parse_site, shipped
from tests.infra.playbooks import small_playbooks

LAB = load_site(shipped("lab"))
# The table of secrets a second time, by host of the lab.
NEEDED = {
    "edge1": {"stats_password"},
    "signal1": {"turn_secret", "focus_password", "bridge_password", "gate_secret", "control_secret"},
    "bridge1": {"bridge_password"},
    "bridge2": {"bridge_password"},
    "turn1": {"turn_secret"},
    "db1": {"database_password", "replication_password", "superuser_password", "etcd_password"},
    "control1": {"gate_secret", "control_secret", "database_password", "first_administrator_password"},
    "monitor1": {"stats_password"},
    "witness1": set(),
}
SHOWN = {"edge1": {"host", "public"}, "turn1": {"host", "turn"}, "signal1": {"host", "xmpp"}}


def sealed(site: Site) -> Secrets:
    """Return secrets that can be found again wherever they turn up."""
    return Secrets(
        values={name: f"SEALED-{name}" for name in FOR},
        certificates={
            host: {
                name: Leaf(f"PEM of {name} at {host}", f"SEALED-key-{host}-{name}") for name in CERTIFICATES
            }
            for host in site.hosts
        },
        authority="PEM of the authority",
    )


def parliament(directory: Path) -> Site:
    """Return the parliament as an operator has it, with the file of who signs members' cards."""
    text = shipped("parliament").read_text("utf-8")
    (directory / "people-authority.pem").write_text(authority(), "ascii")
    return parse_site(text, str(directory / "parliament.yaml"))


def authority() -> str:
    """Return a certificate, PEM."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Members' cards")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=9))
    return builder.sign(key, None).public_bytes(Encoding.PEM).decode()


def built(directory: Path, site: Site, secrets: Secrets | None) -> dict[str, Any]:
    playbook = read_playbook(small_playbooks(directory))
    return inventory(site, secrets, playbook, read_flows(playbook, directory))


def test_without_secrets_the_inventory_holds_none(tmp_path: Path) -> None:
    """Walk the whole of it: no value of a secret, and no place for one."""
    whole = built(tmp_path, LAB, None)
    walked = list(_walk(whole))
    assert len(walked) > 300
    assert [path for path, _ in walked if {"secrets", "certificates", "site_authority"} & set(path)] == []
    assert [path for path, value in walked if "SEALED" in str(value)] == []
    # the same walk finds them where they are, so it would have found them above
    assert len([1 for _, value in _walk(built(tmp_path, LAB, sealed(LAB))) if "SEALED" in str(value)]) > 20


def test_the_forms_with_and_without_secrets_are_otherwise_the_same(tmp_path: Path) -> None:
    whole = built(tmp_path, LAB, sealed(LAB))
    for host in whole["all"]["hosts"].values():
        del host["secrets"], host["certificates"]
    del whole["all"]["vars"]["site_authority"]
    assert whole == built(tmp_path, LAB, None)


@pytest.mark.parametrize("host", NEEDED)
def test_a_host_gets_its_own_secrets_and_no_others(tmp_path: Path, host: str) -> None:
    variables = built(tmp_path, LAB, sealed(LAB))["all"]["hosts"][host]
    assert set(variables["secrets"]) == NEEDED[host]
    assert set(variables["certificates"]) == SHOWN.get(host, {"host"})
    others = {name for name in LAB.hosts if name != host}
    assert not [v for _, v in _walk(variables) if any(f"SEALED-key-{other}-" in str(v) for other in others)]


def test_what_all_hosts_see_holds_no_secret(tmp_path: Path) -> None:
    variables = built(tmp_path, LAB, sealed(LAB))["all"]["vars"]
    assert set(variables) == {"site", "site_authority"}
    assert [path for path, value in _walk(variables) if "SEALED" in str(value)] == []


def test_a_secret_that_nobody_handed_over_is_named(tmp_path: Path) -> None:
    whole = sealed(LAB)
    poor = Secrets({n: v for n, v in whole.values.items() if n != "turn_secret"}, whole.certificates, "PEM")
    with pytest.raises(SecretMissing, match="signal1 needs turn_secret, which nobody handed over"):
        built(tmp_path, LAB, poor)
    with pytest.raises(SecretMissing, match="edge1 needs the certificates host, public"):
        built(tmp_path, LAB, Secrets(whole.values, {}, "PEM"))


def test_secrets_do_not_show_when_somebody_prints_them() -> None:
    assert "SEALED" not in repr(sealed(LAB))
    assert "SEALED" not in repr(sealed(LAB).certificates["edge1"]["public"])


def test_every_secret_is_for_somebody() -> None:
    box = load_site(shipped("single")).hosts["box1"]
    assert set(secrets_of(box)) == set(FOR)
    assert set(certificates_of(box)) == set(CERTIFICATES)


def test_groups_are_the_roles_of_the_site(tmp_path: Path) -> None:
    children = built(tmp_path, LAB, None)["all"]["children"]
    assert {group: list(held["hosts"]) for group, held in children.items()} == {
        "edge": ["edge1"],
        "signalling": ["signal1"],
        "bridge": ["bridge1", "bridge2"],
        "turn": ["turn1"],
        "database": ["db1"],
        "control": ["control1"],
        "monitoring": ["monitor1"],
        "witness": ["witness1"],
    }


def test_a_host_s_variables_are_complete(tmp_path: Path) -> None:
    assert built(tmp_path, LAB, None)["all"]["hosts"]["bridge1"] == {
        "ansible_host": "10.77.3.31",
        "ansible_user": "root",
        "host_kind": "lab",
        "host_addresses": {"users": "10.77.1.31", "cluster": "10.77.2.31", "management": "10.77.3.31"},
        "host_pool": "open",
        "host_packages": ["chrony", "nano", "sudo"],
        "firewall_accept": [
            {"protocol": "tcp", "port": "22", "from": ["10.77.3.1/32"], "why": "the operator works"},
            {"protocol": "udp", "port": "10000", "from": ["10.77.1.0/24"], "why": "media"},
            {"protocol": "udp", "port": "10000", "from": ["10.77.2.32/32"], "why": "media between bridges"},
            {"protocol": "udp", "port": "10000", "from": ["10.77.1.41/32"], "why": "relayed media"},
        ],
        "firewall_send": [
            {"protocol": "tcp", "port": "3142", "to": ["10.77.3.1/32"], "why": "packages"},
            {"protocol": "udp", "port": "123", "to": ["10.77.3.1/32"], "why": "the time"},
            {"protocol": "udp", "port": "10000", "to": ["10.77.2.32/32"], "why": "media between bridges"},
        ],
    }


def test_the_site_is_told_to_all_hosts_by_these_keys(tmp_path: Path) -> None:
    site = built(tmp_path, LAB, None)["all"]["vars"]["site"]
    assert set(site) == {
        *(
            "people_authority",
            "name",
            "domain",
            "names",
            "networks",
            "uses",
            "controller",
            "zones",
            "visitors",
            "pools",
        ),
        *(
            "virtual_address",
            "identity",
            "mail",
            "time",
            "packages",
            "retention",
            "outside",
            "one_box",
            "hosts",
        ),
    }
    assert site["names"] == {
        "pages": "meet.lab.majlis.test",
        "turn": "turn.meet.lab.majlis.test",
        "pools": {"open": "rooms.meet.lab.majlis.test"},
        "outside": {},
    }
    assert site["uses"] == {"users": "10.77.1.0/24", "cluster": "10.77.2.0/24", "management": "10.77.3.0/24"}
    assert site["pools"] == {
        "open": {"classifications": ["public", "restricted"], "name": "rooms", "client_certificates": "none"}
    }
    assert site["hosts"]["db1"] == {
        "roles": ["database"],
        "pool": None,
        "addresses": {"cluster": "10.77.2.51", "management": "10.77.3.51"},
    }


def test_how_machines_are_reached_for_their_making_is_not_told_to_hosts(tmp_path: Path) -> None:
    text = json.dumps(built(tmp_path, parliament(tmp_path), None))
    assert "bmc" not in text
    assert "hypervisor" not in text


@pytest.mark.parametrize("name", ["lab", "single", "parliament"])
def test_the_inventory_is_plain_and_the_same_each_time(tmp_path: Path, name: str) -> None:
    site = parliament(tmp_path) if name == "parliament" else load_site(shipped(name))
    one, other = (json.dumps(built(tmp_path, site, sealed(site))) for _ in range(2))
    assert one == other
    assert json.loads(one)["all"]["hosts"].keys() == site.hosts.keys()


def test_pools_that_ask_for_certificates_learn_who_signs_them_and_nothing_else(tmp_path: Path) -> None:
    site = parliament(tmp_path)
    file = tmp_path / "people-authority.pem"
    file.write_text(
        f"{file.read_text()}-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n", "ascii"
    )
    told = built(tmp_path, site, None)["all"]["vars"]["site"]["people_authority"]
    assert told.startswith("-----BEGIN CERTIFICATE-----\n")
    assert "PRIVATE" not in told


@pytest.mark.parametrize(
    ("held", "says"),
    [(None, "No such file"), ("", "people-authority.pem: "), ("not PEM", "people-authority.pem: ")],
)
def test_a_file_without_certificates_is_named(tmp_path: Path, held: str | None, says: str) -> None:
    site = parliament(tmp_path)
    (tmp_path / "people-authority.pem").unlink()
    if held is not None:
        (tmp_path / "people-authority.pem").write_text(held, "ascii")
    with pytest.raises(AuthorityMissing, match=says):
        built(tmp_path, site, None)


def test_a_real_machine_is_reached_by_its_account(tmp_path: Path) -> None:
    hosts = built(tmp_path, parliament(tmp_path), None)["all"]["hosts"]
    assert hosts["db1"]["ansible_user"] == "majlis-admin"
    own = parse_site(shipped("single").read_text("utf-8").replace("user: majlis-admin", "user: ops"))
    assert built(tmp_path, own, None)["all"]["hosts"]["box1"]["ansible_user"] == "ops"


def _walk(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _walk(part, (*path, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _walk(part, (*path, str(number)))
    else:
        yield path, value
