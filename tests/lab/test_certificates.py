"""Certificates and keys: which, for which names, until when, and who may read them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

# Written a second time: which certificates lie where.
NAMES = {
    "edge1": {"host", "public"},
    "signal1": {"host", "xmpp"},
    "bridge1": {"host"},
    "bridge2": {"host"},
    "turn1": {"host", "turn"},
    "db1": {"host"},
    "control1": {"host"},
    "monitor1": {"host"},
    "witness1": {"host"},
}
DOMAIN = "meet.lab.majlis.test"
FACING = {
    "public": {DOMAIN, f"rooms.{DOMAIN}"},
    "turn": {f"turn.{DOMAIN}"},
    "xmpp": {DOMAIN, f"auth.{DOMAIN}", f"conference.{DOMAIN}", f"lobby.{DOMAIN}"},
}
each_host = pytest.mark.parametrize("name", NAMES)


@each_host
def test_the_directory_holds_these_and_nothing_else(lab: Any, name: str) -> None:
    found = (
        lab.hosts[name].run("find /etc/majlis/tls -mindepth 1 -printf '%f %m %u:%g\\n'").stdout.splitlines()
    )
    expected = {"authority.crt 644 root:root"}
    expected |= {f"{leaf}.crt 644 root:root" for leaf in NAMES[name]}
    expected |= {f"{leaf}.key 640 root:majlis-tls" for leaf in NAMES[name]}
    assert set(found) == expected


@each_host
def test_names_and_dates(lab: Any, name: str) -> None:
    host = lab.hosts[name]
    authority = x509.load_pem_x509_certificate(host.file("/etc/majlis/tls/authority.crt").content)
    now = datetime.now(UTC)
    for leaf in NAMES[name]:
        made = x509.load_pem_x509_certificates(host.file(f"/etc/majlis/tls/{leaf}.crt").content)[0]
        said = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = set(said.get_values_for_type(x509.DNSName))
        assert names == FACING.get(leaf, {name, f"{name}.{DOMAIN}"})
        if leaf == "host":
            addresses = {str(address) for address in said.get_values_for_type(x509.IPAddress)}
            assert addresses == {str(address) for address in lab.site.hosts[name].addresses.values()}
        made.verify_directly_issued_by(authority)
        assert made.not_valid_before_utc < now < made.not_valid_after_utc - timedelta(days=30)


@each_host
def test_a_person_with_a_shell_reads_no_key(lab: Any, name: str) -> None:
    host = lab.hosts[name]
    assert (
        host.run(
            "setpriv --reuid=majlis-admin --regid=majlis-admin --init-groups cat /etc/majlis/tls/host.key"
        ).rc
        != 0
    )
    assert (
        host.run("setpriv --reuid=nobody --regid=nogroup --clear-groups cat /etc/majlis/tls/host.key").rc != 0
    )


@each_host
def test_the_key_of_the_authority_is_on_no_host(lab: Any, name: str) -> None:
    assert lab.hosts[name].run("grep -rlE 'PRIVATE KEY' /etc/majlis/tls").stdout.split() != []
    for leaf in NAMES[name]:
        host = lab.hosts[name]
        same = host.run(f"openssl pkey -in /etc/majlis/tls/{leaf}.key -pubout | sha256sum").stdout
        own = host.run(f"openssl x509 -in /etc/majlis/tls/{leaf}.crt -pubkey -noout | sha256sum").stdout
        assert same == own != ""
