"""A wrong setting stops the start with its name, its value unless secret, and what is allowed."""

import subprocess
import sys
from pathlib import Path

import pytest

from control_plane.settings import PREFIX, Settings, SettingsInvalid, load_settings

SECRET = "s" * 32
NEEDED = {"GATE_SECRET": SECRET, "CONTROL_SECRET": "c" * 32}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    for name, value in NEEDED.items():
        monkeypatch.setenv(PREFIX + name, value)
    return monkeypatch


def test_the_embedded_default_needs_two_secrets_only(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert settings.database_url.get_secret_value() == "sqlite:///majlis.db"
    assert (settings.policies / "schema.cedarschema").is_file()


WRONG = {
    "DOMAIN": ("Meet Majlis", "XMPP domain"),
    "BASE_URL": ("not an address", "address of the pages"),
    "TOKEN_SECONDS": ("3600", "10 to 600"),
    "MAIL_PORT": ("0", "1 to 65535"),
    "MAIL_FROM": ("nobody", "sender"),
    "LOG_ORIGIN": ("a log", "name of the log"),
    "ZONES": ('{"mars": ["10.0.0.0/8"]}', "government"),
    "SIGNALLING": ('{"n1": "nowhere"}', "JSON object"),
    "SECURE_COOKIES": ("perhaps", "false only"),
    "AUTHORITY": ("/nowhere/authority.crt", "file of the authority"),
    "TLS_CERTIFICATE": ("/nowhere/host.crt", "serve HTTPS"),
    "TLS_KEY": ("/etc/hostname", "that certificate's key"),
    "POOLS": (
        '{"open": {"classifications": ["cosmic"], "signalling": ["n1"], "websocket": "wss://a"}}',
        "JSON object",
    ),
}


@pytest.mark.parametrize(("name", "value", "allowed"), [(name, *rest) for name, rest in WRONG.items()])
def test_a_wrong_value_is_named_with_what_is_allowed(
    environment: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    environment.setenv(PREFIX + name, value)
    with pytest.raises(SettingsInvalid) as stopped:
        load_settings()
    assert PREFIX + name in str(stopped.value)
    assert allowed in str(stopped.value)


def test_what_is_not_json_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(PREFIX + "ZONES", "{")
    with pytest.raises(SettingsInvalid, match=r"(?s)not readable as JSON.*MAJLIS_ZONES"):
        load_settings()


def test_a_secret_is_never_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(PREFIX + "GATE_SECRET", "too short to be one")
    with pytest.raises(SettingsInvalid) as stopped:
        load_settings()
    assert "too short to be one" not in str(stopped.value)
    assert "32 characters" in str(stopped.value)
    environment.setenv(PREFIX + "GATE_SECRET", SECRET)
    assert SECRET not in repr(load_settings())


def test_several_wrong_settings_are_told_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.delenv(PREFIX + "GATE_SECRET")
    environment.setenv(PREFIX + "MAIL_PORT", "x")
    with pytest.raises(SettingsInvalid) as stopped:
        load_settings()
    assert len(str(stopped.value).splitlines()) == 2


def test_the_command_ends_with_the_sentence_and_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "control_plane", "serve"],
        env={"MAJLIS_GATE_SECRET": SECRET, "PATH": "/usr/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "MAJLIS_CONTROL_SECRET is not set" in done.stderr
    assert "Traceback" not in done.stderr
