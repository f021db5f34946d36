"""Prosody speaks to the control plane by TLS, and believes only a host of ours that our authority vouches for."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from demo.players import ConnectionRefused, players
from demo.prosody import prosody
from tests.doubles.fake_control_plane import CONTROL_SECRET, GATE_SECRET, FakeControlPlane

DOMAIN = "meet.majlis.test"
NAME = "control1.meet.majlis.test"


@pytest.fixture
def plane(tmp_path: Path) -> FakeControlPlane:
    """Give a control plane with a certificate for NAME by the authority in authority.crt."""
    make_authority(tmp_path, "authority")
    make_authority(tmp_path, "stranger")
    run(
        tmp_path,
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "host.key",
        "-out",
        "host.csr",
        "-subj",
        "/CN=x",
    )
    (tmp_path / "names").write_text(f"subjectAltName=DNS:{NAME},IP:127.0.0.1\n")
    signing = (
        "-CA",
        "authority.crt",
        "-CAkey",
        "authority.key",
        "-CAcreateserial",
        "-days",
        "1",
        "-extfile",
        "names",
    )
    run(tmp_path, "x509", "-req", "-in", "host.csr", "-out", "host.crt", *signing)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "host.crt", tmp_path / "host.key")
    plane = FakeControlPlane(tls=tls)
    plane.know("amina")
    return plane


@pytest.mark.parametrize(
    ("authority", "hosts", "enters"),
    [
        ("authority", f'{{ name = "{NAME}", address = "127.0.0.1" }}', True),
        (
            "authority",
            f'{{ name = "control2.{DOMAIN}", address = "127.9.9.9" }}, {{ name = "{NAME}", address = "127.0.0.1" }}',
            True,
        ),
        ("stranger", f'{{ name = "{NAME}", address = "127.0.0.1" }}', False),
        ("authority", f'{{ name = "database1.{DOMAIN}", address = "127.0.0.1" }}', False),
        ("authority", "", False),  # the address stands in the certificate, but Prosody reads names only
        ("authority", '"control1"', False),
    ],
    ids=["ours", "the first is away", "another authority", "another host", "no name", "not a host"],
)
def test_only_a_control_plane_that_our_authority_vouches_for_is_believed(
    plane: FakeControlPlane, tmp_path: Path, authority: str, hosts: str, enters: bool
) -> None:
    settings = f'''
client_https_ssl = {{ cafile = "{tmp_path}/{authority}.crt", capath = false, protocol = "tlsv1_2+" }}
majlis_gate_hosts = {{ {hosts} }}
'''
    plane.start()
    try:
        with (
            prosody(
                tmp_path / "prosody", DOMAIN, plane.gate_url, GATE_SECRET, CONTROL_SECRET, settings=settings
            ) as server,
            players(server.websocket_url, DOMAIN) as stage,
        ):
            if enters:
                stage.connect("amina", token="amina")
            else:
                with pytest.raises(ConnectionRefused) as refused:
                    stage.connect("amina", token="amina")
                assert refused.value.condition == "temporary-auth-failure"
    finally:
        plane.stop()
    assert ("/gate/connect" in [question.path for question in plane.questions]) == enters


def make_authority(directory: Path, name: str) -> None:
    subject = ("-subj", f"/CN={name}", "-days", "1", "-nodes")
    run(
        directory,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-keyout",
        f"{name}.key",
        "-out",
        f"{name}.crt",
        *subject,
    )


def run(directory: Path, *arguments: str) -> None:
    openssl = shutil.which("openssl")
    assert openssl, "openssl is not installed"
    subprocess.run([openssl, *arguments], cwd=directory, check=True, capture_output=True)
