"""The site's authority and what it signs, judged by OpenSSL and not by the library that made it."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from infra import pki
from infra.site import load_site, shipped

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
REALM = pki.Realm("lab", ("meet.example.org", "edge1"), (ip_network("10.77.1.0/24"),))
EDGE = pki.Subject(("edge1", "edge1.meet.example.org"), (ip_address("10.77.1.11"),), client=True)


@pytest.fixture(scope="module")
def authority() -> pki.Signed:
    return pki.found(REALM, NOW)


def verify(
    directory: Path, authority: str, leaf: str, *arguments: str, at: datetime = NOW
) -> subprocess.CompletedProcess[str]:
    (directory / "authority.pem").write_text(authority)
    (directory / "leaf.pem").write_text(leaf)
    command = ["openssl", "verify", "-x509_strict", "-check_ss_sig", "-attime", str(int(at.timestamp()))]
    files = ["-CAfile", "authority.pem", *arguments, "leaf.pem"]
    return subprocess.run([*command, *files], cwd=directory, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("subject", "purpose", "good"),
    [
        (EDGE, "sslserver", True),
        (EDGE, "sslclient", True),
        (replace(EDGE, client=False), "sslserver", True),
        (replace(EDGE, client=False), "sslclient", False),
        (EDGE, "smimesign", False),
        (EDGE, "crlsign", False),
    ],
)
def test_a_leaf_serves_what_it_is_for_and_nothing_else(
    tmp_path: Path, authority: pki.Signed, subject: pki.Subject, purpose: str, good: bool
) -> None:
    leaf = pki.issue(authority, subject, NOW)
    done = verify(tmp_path, authority.certificate, leaf.certificate, "-purpose", purpose)
    assert (done.returncode == 0) is good, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("subject", "good"),
    [
        (pki.Subject(("meet.example.org",)), True),
        (pki.Subject(("rooms.meet.example.org",)), True),
        (pki.Subject(("bank.example.org",)), False),
        (pki.Subject(("meet.example.org", "bank.example.com")), False),
        (pki.Subject(("edge2",)), False),
        (pki.Subject(("meet.example.org",), (ip_address("10.77.1.200"),)), True),
        (pki.Subject(("meet.example.org",), (ip_address("10.77.2.1"),)), False),
        (pki.Subject(("meet.example.org",), (ip_address("2001:db8::1"),)), False),
    ],
)
def test_a_stolen_authority_speaks_for_nobody_outside_its_site(
    tmp_path: Path, authority: pki.Signed, subject: pki.Subject, good: bool
) -> None:
    leaf = pki.issue(authority, subject, NOW)
    done = verify(tmp_path, authority.certificate, leaf.certificate)
    assert (done.returncode == 0) is good, done.stdout + done.stderr
    if not good:
        assert "permitted subtree violation" in done.stderr


def test_no_other_authority_can_stand_below_the_sites(authority: pki.Signed) -> None:
    held = pki.parse(authority.certificate)
    basic = held.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    usage = held.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign, usage.value.digital_signature) == (
        True,
        True,
        False,
    )
    assert held.extensions.get_extension_for_class(x509.NameConstraints).critical


def test_an_authority_lasts_ten_years_and_a_leaf_ninety_days(authority: pki.Signed) -> None:
    leaf, held = pki.parse(pki.issue(authority, EDGE, NOW).certificate), pki.parse(authority.certificate)
    assert held.not_valid_after_utc == NOW.replace(year=2036)
    assert leaf.not_valid_after_utc == NOW + timedelta(days=90)
    assert leaf.not_valid_before_utc == NOW - timedelta(hours=1)
    assert pki.parse(
        pki.issue(authority, EDGE, NOW, days=7).certificate
    ).not_valid_after_utc == NOW + timedelta(days=7)


def test_an_authority_founded_on_a_leap_day_ends_on_a_day_that_exists() -> None:
    leap = datetime(2028, 2, 29, tzinfo=UTC)
    assert pki.parse(pki.found(REALM, leap).certificate).not_valid_after_utc.year == 2038


def test_a_leaf_never_outlives_its_authority(tmp_path: Path) -> None:
    old = pki.found(REALM, NOW - timedelta(days=3640))
    leaf = pki.issue(old, EDGE, NOW)
    assert pki.parse(leaf.certificate).not_valid_after_utc <= pki.parse(old.certificate).not_valid_after_utc


def test_a_leaf_of_yesterday_is_refused_tomorrow(tmp_path: Path, authority: pki.Signed) -> None:
    leaf = pki.issue(authority, EDGE, NOW)
    late = verify(tmp_path, authority.certificate, leaf.certificate, at=NOW + timedelta(days=91))
    assert late.returncode != 0
    assert "expired" in late.stderr


def test_a_restated_authority_is_the_same_one_so_old_leaves_stay_good(
    tmp_path: Path, authority: pki.Signed
) -> None:
    wider = replace(REALM, networks=(*REALM.networks, ip_network("10.78.0.0/24")))
    leaf, restated = pki.issue(authority, EDGE, NOW), pki.found(wider, NOW, authority.key)
    assert restated.key == authority.key
    assert verify(tmp_path, restated.certificate, leaf.certificate).returncode == 0
    fresh = pki.issue(restated, replace(EDGE, addresses=(ip_address("10.78.0.5"),)), NOW)
    assert verify(tmp_path, restated.certificate, fresh.certificate).returncode == 0
    assert verify(tmp_path, authority.certificate, fresh.certificate).returncode != 0


@pytest.mark.parametrize(
    ("subject", "after", "says"),
    [
        (EDGE, timedelta(days=59), ""),
        (EDGE, timedelta(days=60, seconds=1), "29 days are left"),
        (EDGE, timedelta(days=90), "expired on 2027-02-22"),
        (replace(EDGE, names=("edge1",)), timedelta(), "its names changed"),
        (replace(EDGE, addresses=(ip_address("10.77.1.12"),)), timedelta(), "its names changed"),
        (replace(EDGE, client=False), timedelta(), "its names changed"),
    ],
)
def test_a_leaf_is_renewed_when_it_nears_its_end_or_its_names_change(
    authority: pki.Signed, subject: pki.Subject, after: timedelta, says: str
) -> None:
    leaf = pki.issue(authority, EDGE, NOW)
    assert pki.why_renew(leaf.certificate, subject, authority.certificate, NOW + after) == says


def test_a_leaf_of_another_authority_is_renewed(authority: pki.Signed) -> None:
    other = pki.found(REALM, NOW)
    leaf = pki.issue(other, EDGE, NOW)
    assert pki.why_renew(leaf.certificate, EDGE, authority.certificate, NOW) == "another authority signed it"


@pytest.mark.parametrize(
    ("realm", "after", "says"),
    [
        (REALM, timedelta(), ""),
        (
            replace(REALM, names=(*REALM.names, "edge2")),
            timedelta(),
            "the site's domain, hosts or networks changed",
        ),
        (replace(REALM, networks=()), timedelta(), "the site's domain, hosts or networks changed"),
        (REALM, timedelta(days=3300), "353 days are left"),
    ],
)
def test_an_authority_is_restated_when_its_realm_changes_or_its_last_year_begins(
    authority: pki.Signed, realm: pki.Realm, after: timedelta, says: str
) -> None:
    assert pki.why_restate(authority.certificate, realm, NOW + after) == says


def test_a_revoked_leaf_is_refused_and_the_others_are_not(tmp_path: Path, authority: pki.Signed) -> None:
    gone, good = pki.issue(authority, EDGE, NOW), pki.issue(authority, EDGE, NOW)
    for revoked in ((), (gone.certificate,)):
        (tmp_path / "list.pem").write_text(pki.revoke(authority, revoked, 1, NOW))
        checks = ("-crl_check", "-CRLfile", "list.pem")
        assert verify(tmp_path, authority.certificate, good.certificate, *checks).returncode == 0
        of_the_gone = verify(tmp_path, authority.certificate, gone.certificate, *checks)
        assert (of_the_gone.returncode != 0) is bool(revoked)


def test_a_site_gets_the_leaves_that_its_hosts_need() -> None:
    site = load_site(shipped("lab"))
    leaves = {name: set(pki.subjects_of(site, host)) for name, host in site.hosts.items()}
    assert len(leaves) == 9
    assert leaves["edge1"] == {"host", "public"}
    assert leaves["signal1"] == {"host", "xmpp"}
    assert leaves["turn1"] == {"host", "turn"}
    others = [name for name in leaves if name not in ("edge1", "signal1", "turn1")]
    assert all(leaves[name] == {"host"} for name in others)
    edge = pki.subjects_of(site, site.hosts["edge1"])
    assert edge["host"].names == ("edge1", "edge1.meet.lab.majlis.test")
    assert [str(address) for address in edge["host"].addresses] == ["10.77.1.11", "10.77.2.11", "10.77.3.11"]
    assert edge["public"].names == ("meet.lab.majlis.test", "rooms.meet.lab.majlis.test")
    assert not edge["public"].client
    turn = pki.subjects_of(site, site.hosts["turn1"])["turn"]
    assert turn == pki.Subject(("turn.meet.lab.majlis.test",), (ip_address("10.77.1.41"),))


@pytest.mark.parametrize("name", ["lab", "single", "parliament"])
def test_every_leaf_of_every_shipped_site_is_within_what_its_authority_may_say(
    tmp_path: Path, name: str
) -> None:
    site = load_site(shipped(name))
    authority = pki.found(pki.realm_of(site), NOW)
    subjects = [subject for host in site.hosts.values() for subject in pki.subjects_of(site, host).values()]
    assert len(subjects) >= len(site.hosts)
    for subject in subjects:
        leaf = pki.issue(authority, subject, NOW)
        done = verify(tmp_path, authority.certificate, leaf.certificate, "-purpose", "sslserver")
        assert done.returncode == 0, (subject, done.stderr)


def test_the_leaf_and_its_key_belong_together(authority: pki.Signed) -> None:
    leaf = pki.issue(authority, EDGE, NOW)
    private = serialization.load_pem_private_key(leaf.key.encode(), None)
    assert private.public_key() == pki.parse(leaf.certificate).public_key()
    assert "PRIVATE" not in repr(leaf)


@pytest.mark.parametrize("key", ["", "no key", pki.ssh_key("me")[0].replace("OPENSSH", "RSA")])
def test_what_is_no_key_of_an_authority_is_named_so(authority: pki.Signed, key: str) -> None:
    with pytest.raises(pki.KeyUnusable):
        pki.issue(replace(authority, key=key), EDGE, NOW)


def test_the_ssh_key_is_one_that_openssh_takes(tmp_path: Path) -> None:
    private, public = pki.ssh_key("majlis@lab")
    (tmp_path / "key").write_text(private)
    (tmp_path / "key").chmod(0o600)
    told = subprocess.run(
        ["ssh-keygen", "-y", "-f", tmp_path / "key"], capture_output=True, text=True, check=True
    )
    assert told.stdout.split()[:2] == public.split()[:2]
    assert public.startswith("ssh-ed25519 ")
