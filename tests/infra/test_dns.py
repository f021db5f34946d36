"""The zone is one that BIND accepts, and holds what browsers ask for and nothing else."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra import dns
from infra.dns import zone
from infra.playbook import PLAYBOOKS, read_role
from infra.site import load_site, parse_site, shipped

NAMES = ("lab", "single", "parliament")


@pytest.mark.skipif(shutil.which("named-checkzone") is None, reason="bind9-utils is not installed")
@pytest.mark.parametrize("name", NAMES)
def test_bind_loads_the_zone(tmp_path: Path, name: str) -> None:
    site = load_site(shipped(name))
    assert "loaded serial 2026112401" in _checkzone(tmp_path, site.domain, zone(site, 2_026_112_401))


@pytest.mark.skipif(shutil.which("named-checkzone") is None, reason="bind9-utils is not installed")
def test_bind_would_not_load_a_zone_that_says_less(tmp_path: Path) -> None:
    """The check above means something: without its SOA, or with a bad address, the zone is refused."""
    text = zone(load_site(shipped("lab")), 1)
    for broken in (re.sub(r"@ +IN SOA.*\n", "", text), text.replace("10.77.1.41", "10.77.1.410")):
        assert broken != text
        with pytest.raises(subprocess.CalledProcessError):
            _checkzone(tmp_path, "meet.lab.majlis.test", broken)


def test_the_parliament_s_zone_is_this() -> None:
    assert _records("parliament") == [
        ("@", "SOA", "ns1.parliament.example. hostmaster.meet.parliament.example. 7 3600 900 1209600 300"),
        ("@", "NS", "ns1.parliament.example."),
        ("@", "NS", "ns2.parliament.example."),
        ("@", "A", "203.0.113.10"),
        ("rooms", "A", "203.0.113.10"),
        ("closed", "A", "203.0.113.10"),
        ("turn", "A", "203.0.113.41"),
        ("turn", "A", "203.0.113.42"),
        ("@", "CAA", '0 issue ";"'),
        ("_turn._udp", "SRV", "0 0 3478 turn.meet.parliament.example."),
        ("_turn._tcp", "SRV", "0 0 3478 turn.meet.parliament.example."),
        ("_turns._tcp", "SRV", "0 0 5349 turn.meet.parliament.example."),
        ("_xmpp-client._tcp", "SRV", "0 0 0 ."),
        ("_xmpp-server._tcp", "SRV", "0 0 0 ."),
    ]


@pytest.mark.parametrize("name", ["single", "parliament"])
def test_no_address_of_the_inner_networks_is_told(name: str) -> None:
    site = load_site(shipped(name))
    users = site.network("users")
    told = re.findall(r"IN A +(\S+)", zone(site, 1))
    assert len(told) >= 3
    assert all(address.startswith(str(users).rpartition(".")[0]) for address in told)


def test_without_name_servers_the_zone_stands_at_the_controller() -> None:
    assert ("ns", "A", "10.77.3.1") in _records("lab")
    assert ("@", "NS", "ns.meet.lab.majlis.test.") in _records("lab")


def test_an_operator_s_own_certificate_may_come_from_a_public_authority() -> None:
    text = shipped("lab").read_text("utf-8") + "\ncertificate: {certificate: a.pem, key: a.key}\n"
    assert "CAA" not in zone(parse_site(text), 1)


def test_a_long_address_is_an_aaaa_record() -> None:
    text = shipped("lab").read_text("utf-8")
    for old, new in (
        ("10.77.1.0/24, carries", '"2001:db8:1::/64", carries'),
        ("users: 10.77.1.", "users: '2001:db8:1::'"),
    ):
        text = text.replace(old, new)
    text = re.sub(r"users: '2001:db8:1::'(\d+)", r"users: '2001:db8:1::\1'", text)
    assert re.search(r"@ +IN AAAA +2001:db8:1::11\n", zone(parse_site(text), 1))


@pytest.mark.parametrize("serial", [0, -1, 2**32])
def test_a_serial_that_dns_cannot_carry_is_refused(serial: int) -> None:
    with pytest.raises(ValueError, match="may be 1 to 4294967295"):
        zone(load_site(shipped("lab")), serial)


@pytest.mark.skipif(
    not (PLAYBOOKS / "roles/coturn/vars/main.yml").is_file(), reason="the role coturn is not there"
)
def test_the_relays_listen_where_the_zone_says() -> None:
    listening = {(port.port, port.protocol) for port in read_role("coturn").ports.values()}
    assert {(dns.TURN, "udp"), (dns.TURN, "tcp"), (dns.TURNS, "tcp")} <= listening


def _records(name: str) -> list[tuple[str, str, str]]:
    lines = zone(load_site(shipped(name)), 7).splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["$ORIGIN", "$TTL"]
    return [
        (record, kind, value) for record, _, kind, value in (line.split(maxsplit=3) for line in lines[2:])
    ]


def _checkzone(directory: Path, domain: str, text: str) -> str:
    (directory / "zone").write_text(text, "utf-8")
    command = ["named-checkzone", "-i", "local", "-k", "fail", "-n", "fail", domain, str(directory / "zone")]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout
