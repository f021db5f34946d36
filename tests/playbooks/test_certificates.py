"""What the role certificates refuses before a file leaves the controller."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from infra import pki
from tests.playbooks.reading import code

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
REALM = pki.Realm("lab", ("meet.lab.majlis.test", "edge1"), (ip_network("10.77.0.0/16"),))
AUTHORITY = pki.found(REALM, NOW)
STRANGER = pki.found(REALM, NOW)
EDGE = pki.Subject(("edge1",), (ip_address("10.77.3.11"),), client=True)
faults: Any = code("filter_plugins/certificates.py").certificate_faults


def leaf(signer: pki.Signed = AUTHORITY, **changes: str) -> dict[str, str]:
    made = pki.issue(signer, EDGE, NOW)
    return {"certificate": made.certificate + signer.certificate, "key": made.key} | changes


def judged(name: str, given: dict[str, str], at: datetime = NOW) -> str:
    return " ".join(faults({name: given}, AUTHORITY.certificate, at.timestamp()))


def test_a_good_certificate_has_no_faults_with_and_without_its_chain() -> None:
    made = pki.issue(AUTHORITY, EDGE, NOW)
    assert judged("host", leaf()) == ""
    assert judged("host", {"certificate": made.certificate, "key": made.key}) == ""


REFUSED = {
    "ended": (leaf(), NOW + timedelta(days=4000), "host: the certificate has expired, it was good until "),
    "begins later": (
        leaf(),
        NOW - timedelta(days=40),
        "host: the certificate is not yet valid, it is good from ",
    ),
    "another's key": (
        leaf(key=leaf()["key"]),
        NOW,
        "host: the certificate and the key don't belong together.",
    ),
    "another's authority": (leaf(STRANGER), NOW, "host: the certificate isn't of the site's authority"),
    "no certificate": (leaf(certificate="no"), NOW, "host: the certificate or its key can't be read"),
    "no key": (leaf(key="no"), NOW, "host: the certificate or its key can't be read"),
}


@pytest.mark.parametrize(("given", "at", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_nobody_would_trust_is_refused_with_a_sentence(
    given: dict[str, str], at: datetime, sentence: str
) -> None:
    assert sentence in judged("host", given, at)


def test_the_operators_own_certificate_may_be_of_another_authority_but_not_ended() -> None:
    assert judged("public", leaf(STRANGER)) == ""
    assert "has expired" in judged("public", leaf(STRANGER), NOW + timedelta(days=4000))


def test_an_authority_that_is_none_is_said() -> None:
    assert faults({}, "no", NOW.timestamp()) == ["The site authority is no certificate that can be read."]


def test_keys_are_for_the_group_and_certificates_for_all() -> None:
    files = code("filter_plugins/certificates.py").certificate_files(
        {"host": leaf()}, "CA", "/tls", "majlis-tls"
    )
    assert {(file["path"], file.get("group", "root"), file.get("mode", "0644")) for file in files} == {
        ("/tls/authority.crt", "root", "0644"),
        ("/tls/host.crt", "root", "0644"),
        ("/tls/host.key", "majlis-tls", "0640"),
    }


def test_the_alert_knows_when_each_certificate_ends() -> None:
    ends = code("filter_plugins/certificates.py").certificate_ends({"host": leaf()})
    assert ends["host"] == int(pki.parse(leaf()["certificate"]).not_valid_after_utc.timestamp())
