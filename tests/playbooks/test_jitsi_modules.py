"""Our two modules that write what Prosody and Java read: the same input changes nothing, and others can read it."""

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.doubles.jitsi.programs.settings import trusted_certificates

LIBRARY = Path(__file__).resolve().parents[2] / "playbooks/library"
PASSWORD = "a-password-of-thirty-two-characters"


def load(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(name, LIBRARY / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_an_account_fits_its_password_and_no_other_and_does_not_hold_it() -> None:
    module = load("prosody_account")
    text = module.account(PASSWORD, "AABBCC")
    assert module.fits(text, PASSWORD)
    assert not module.fits(text, PASSWORD + "!")
    assert PASSWORD not in text


@pytest.mark.parametrize("text", ["", "return {};", 'return { ["password"] = "plain"; };'])
def test_an_account_that_prosody_did_not_hash_is_written_anew(text: str) -> None:
    assert not load("prosody_account").fits(text, PASSWORD)


def test_an_account_is_where_prosody_looks() -> None:
    path = load("prosody_account").account_path("/var/lib/prosody", "auth.meet-1.gov.ma", "jvb")
    assert str(path) == "/var/lib/prosody/auth%2emeet%2d1%2egov%2ema/accounts/jvb.dat"


@pytest.fixture
def authority(tmp_path: Path) -> str:
    made = ("-keyout", "ca.key", "-out", "ca.crt", "-days", "1", "-nodes", "-subj", "/CN=authority")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", *made]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return (tmp_path / "ca.crt").read_text()


def test_a_store_is_the_same_for_the_same_authorities(authority: str) -> None:
    module = load("java_truststore")
    certificates = module.certificates_of(authority + authority)
    assert len(certificates) == 2
    assert module.trust_store(certificates) == module.trust_store(certificates)
    assert trusted_certificates(module.trust_store(certificates)) == certificates


def test_java_reads_the_store(authority: str, tmp_path: Path) -> None:
    if shutil.which("keytool") is None:
        pytest.skip("no Java here")
    module = load("java_truststore")
    (tmp_path / "store").write_bytes(module.trust_store(module.certificates_of(authority)))
    shown = ["keytool", "-list", "-keystore", str(tmp_path / "store"), "-storepass", module.PASSWORD]
    told = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    assert "1 entry" in told
    assert "trustedCertEntry" in told
