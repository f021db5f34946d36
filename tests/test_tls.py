"""The control plane speaks TLS by itself, so that no plain hop lies between it and the edge or Prosody."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from control_plane.database import utc_now
from control_plane.desk import prepare
from demo.appliance import ControlPlane, parsed
from tests.loopback import loopback_certificate
from tests.postgres import free_port


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    certificate, key = loopback_certificate(tmp_path)
    settings = {
        "database_url": f"sqlite:///{tmp_path / 'majlis.db'}",
        "keys": str(tmp_path / "keys"),
        "gate_secret": "g" * 32,
        "control_secret": "c" * 32,
        "tls_certificate": str(certificate),
        "tls_key": str(key),
        "authority": str(certificate),
    }
    prepare(parsed(settings), utc_now)
    control_plane = ControlPlane(settings, free_port(), tmp_path / "log")
    control_plane.start()
    yield control_plane.port, certificate
    control_plane.stop()


def test_the_control_plane_serves_tls_that_the_authority_vouches_for(secured: tuple[int, Path]) -> None:
    port, authority = secured
    trusting = ssl.create_default_context(cafile=authority)
    answer = httpx.get(f"https://127.0.0.1:{port}/health", verify=trusting, trust_env=False)
    assert answer.json()["database"] == "reachable"
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(f"https://127.0.0.1:{port}/health", trust_env=False)
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(authority)
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"https://127.0.0.1:{port}/health", verify=old, trust_env=False)


def test_prometheus_finds_numbers_and_no_names(secured: tuple[int, Path]) -> None:
    port, authority = secured
    trusting = ssl.create_default_context(cafile=authority)
    answer = httpx.get(f"https://127.0.0.1:{port}/metrics", verify=trusting, trust_env=False)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    values = dict(
        line.rsplit(" ", 1) for line in answer.text.splitlines() if line and not line.startswith("#")
    )
    assert float(values["majlis_log_entries_total"]) >= 1
    assert float(values["majlis_log_checkpoint_timestamp_seconds"]) > 1.7e9
    for name in ("conferences", "occupants", "lobby_occupants", "signalling_orders_waiting", "mail_stranded"):
        assert float(values[f"majlis_{name}"]) == 0
    assert len(values) == 8
