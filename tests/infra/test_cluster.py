"""A site as resources: what each shipped site has, what is guarded, and the same by `pulumi up`."""

import runpy
import sys
from pathlib import Path

import pytest

import infra
from infra.cluster import precious
from infra.engine_events import Listener
from infra.exported import SECRET, SIGNATURE, built_from, opened
from infra.memory import scratch_directory
from infra.pulumi_program import ROOT
from infra.site import load_site, shipped
from tests.infra.engines import Place

KEYS = {"authority authority", "SSH key controller"}
PASSWORDS = {"database_password", "replication_password", "superuser_password", "etcd_password"}
DATABASE = KEYS | {f"secret {name}" for name in PASSWORDS}


@pytest.mark.parametrize(
    ("name", "certificates", "guarded"),
    [
        ("lab", 12, {"host db1", "host witness1"}),
        ("single", 4, {"host box1", "secret disk_passphrase"}),
        ("parliament", None, {"host db1", "host db2", "host db3", "secret disk_passphrase"}),
    ],
)
def test_a_site_has_its_hosts_their_certificates_and_the_right_things_guarded(
    tmp_path: Path, name: str, certificates: int | None, guarded: set[str]
) -> None:
    site = load_site(shipped(name))
    changes = Place(tmp_path, site).engine.preview()
    by_kind = {
        kind: {one.name for one in changes if one.kind == kind} for kind in {one.kind for one in changes}
    }
    assert by_kind["host"] == set(site.hosts)
    assert {f"{host}/host" for host in site.hosts} <= by_kind["certificate"]
    assert certificates is None or len(by_kind["certificate"]) == certificates
    assert len(by_kind["secret"] - {"disk_passphrase"}) == 11
    assert by_kind["zone"] == {"zone"}
    protected = {f"{one.kind} {one.name}" for one in changes if one.protected}
    assert guarded <= protected
    assert protected >= DATABASE
    hosts = {one.name for one in changes if one.kind == "host" and one.protected}
    assert hosts == {host for host in site.hosts if precious(site, host)}


def test_a_guarded_host_says_what_would_be_lost_with_it() -> None:
    site = load_site(shipped("lab"))
    assert precious(site, "db1") == "accounts, meetings and the log"
    assert "the key it vouches with" in precious(site, "witness1")
    assert precious(site, "bridge1") == ""


def _previewed_as_a_program(place: Place, site: str) -> Listener:
    heard, engine = Listener(), place.engine
    with scratch_directory() as directory, engine._stack(Path(directory), scratch=True) as stack:
        stack.begin()
        stack.ask(["config", "set", "site", site])
        stack.compare(_run_main, heard.hear)
    return heard


def _run_main() -> None:
    runpy.run_path(str(Path(infra.__file__).parent), run_name="__main__")


def test_pulumi_up_builds_the_same_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    place = Place(tmp_path)
    heard = _previewed_as_a_program(place, "lab")
    assert len(heard.found()) == 35
    assert set(heard.found()) == set(place.engine.preview())
    assert str(ROOT / "infra") not in sys.path


@pytest.mark.parametrize(
    ("resources", "hosts"),
    [
        ([], None),
        ([("ControllerKey", "controller", {"private": "p"})], None),
        (
            [
                ("ControllerKey", "controller", {"private": "p"}),
                ("Authority", "authority", {"certificate": "c"}),
            ],
            {},
        ),
        (
            [
                ("ControllerKey", "controller", {"private": "p"}),
                ("Authority", "authority", {"certificate": "c"}),
                ("Host", "db1", {"facts": {"host_key": "k"}}),
                ("Host", "edge1", {"facts": None}),
            ],
            {"db1": "k"},
        ),
    ],
)
def test_what_was_built_is_told_as_far_as_it_came(
    resources: list[tuple[str, str, dict[str, object]]], hosts: dict[str, str] | None
) -> None:
    prefix = "urn:pulumi:lab::majlis::pulumi-python:dynamic/majlis:"
    built = built_from({"urn": f"{prefix}{kind}::{name}", "outputs": outs} for kind, name, outs in resources)
    assert (built.host_keys if built else None) == hosts


def test_a_secret_of_the_state_is_opened_wherever_it_stands() -> None:
    sealed = {SIGNATURE: SECRET, "plaintext": '{"a": ["b", 1]}'}
    assert opened({"x": [sealed, "plain"], "y": {"plaintext": "of another"}}) == {
        "x": [{"a": ["b", 1]}, "plain"],
        "y": {"plaintext": "of another"},
    }
