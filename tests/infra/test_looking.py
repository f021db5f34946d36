"""What is read from hosts that are looked at."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.looking import Away, Up, look, parse
from infra.ssh import Access

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def certificate(days: int) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edge1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=100))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_services_failures_and_certificates_are_read_from_one_answer() -> None:
    seen = parse(
        "state degraded\n"
        "runs haproxy.service loaded active running HAProxy\n"
        "runs postgresql@15-main.service loaded active running PostgreSQL\n"
        "runs dbus.service loaded active running D-Bus\n"
        "failed nginx.service loaded failed failed nginx\n"
        f"certificate host\n{certificate(90)}{certificate(1000)}certificate public\n{certificate(-3)}"
    )
    assert seen.state == "degraded"
    assert seen.services == ("haproxy", "postgresql@15-main")
    assert seen.failed == ("nginx",)
    assert seen.days_left(NOW) == {"host": 90, "public": -3}


def test_a_host_that_says_nothing_has_nothing() -> None:
    assert parse("") == Up("unknown", (), (), {})


@pytest.mark.parametrize("account", ["root@127.0.0.1"])
def test_a_host_that_does_not_answer_is_away(account: str, tmp_path: Path) -> None:
    seen = look({"db1": account}, Access(tmp_path / "known_hosts"))
    away = seen["db1"]
    assert isinstance(away, Away)
    assert away.reason
