"""Our own modules do on this machine, in a folder, what they do on hosts."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.reading import PLAYBOOKS, code

ME = {"owner": "root", "group": "root"}


def call(module: str, **arguments: Any) -> dict[str, Any]:
    """Run a module as Ansible does, and return what it says."""
    given = json.dumps(
        {"ANSIBLE_MODULE_ARGS": {"_ansible_check_mode": arguments.pop("check", False)} | arguments}
    )
    done = subprocess.run(
        [sys.executable, str(PLAYBOOKS / "library" / f"{module}.py")],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files get owners, which takes root")


def test_files_are_written_once_and_told(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "name"
    asked = {
        "directories": [{"path": str(file.parent), "mode": "0750"}],
        "files": [{"path": str(file), "content": "edge1\n", "mode": "0640", "validate": "grep -q edge %s"}],
    }
    first = call("host_files", **asked)
    assert first["changed"]
    assert first["written"] == [str(file.parent), str(file)]
    assert file.read_text() == "edge1\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o750
    assert not call("host_files", **asked)["changed"]


def test_a_rehearsal_tells_and_touches_nothing(tmp_path: Path) -> None:
    file = tmp_path / "name"
    file.write_text("old\n")
    told = call(
        "host_files", check=True, files=[{"path": str(file), "content": "new\n", "owner": "nobody-yet"}]
    )
    assert told["changed"]
    assert [(each["before"], each["after"]) for each in told["diff"]] == [("old\n", "new\n")]
    assert file.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [file]


def test_nothing_is_put_in_place_when_one_file_is_wrong(tmp_path: Path) -> None:
    good, wrong = tmp_path / "good", tmp_path / "wrong"
    told = call(
        "host_files",
        files=[
            {"path": str(good), "content": "x"},
            {"path": str(wrong), "content": "x", "validate": "sh -c 'echo no; false' %s"},
        ],
    )
    assert told["failed"]
    assert told["msg"] == f"{wrong} would be wrong, says sh: no"
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_given_goes_where_a_pattern_says_so(tmp_path: Path) -> None:
    for name in ("ours", "theirs", "old"):
        (tmp_path / name).write_text("x")
    told = call(
        "host_files", files=[{"path": str(tmp_path / "ours"), "content": "x"}], absent=[f"{tmp_path}/*"]
    )
    assert told["written"] == [str(tmp_path / "old"), str(tmp_path / "theirs")]
    assert [path.name for path in tmp_path.iterdir()] == ["ours"]


def test_a_mode_that_somebody_changed_is_put_right(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("k")
    file.chmod(0o666)
    assert call("host_files", files=[{"path": str(file), "content": "k", "mode": "0600"}])["changed"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_port_that_another_program_has_is_named_with_that_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        told = call("ports_free", ports={"https": {"port": port, "protocol": "tcp"}}, units=["haproxy"])
    assert told["failed"]
    assert told["msg"].startswith(f"Port {port}/tcp (https) is taken by ")
    assert f"(process {os.getpid()})" in told["msg"]


def test_a_free_port_a_range_and_the_other_protocol_are_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ports = {
            "udp": {"port": port, "protocol": "udp"},
            "range": {"port": port, "to": port + 1, "protocol": "tcp"},
        }
        assert "failed" not in call("ports_free", ports=ports, units=["coturn"])


def test_a_port_is_fine_in_the_hands_of_the_unit_that_it_is_for() -> None:
    ports = {"database": {"port": 5432, "protocol": "tcp"}}
    module: Any = code("library/ports_free.py")
    module.holders = lambda inodes: {"7": ("postgres (process 9)", "postgresql@15-main")}
    listening = [module.Socket("tcp", 5432, "7")]
    assert module.taken(ports, ["postgresql@*"], listening) == []
    assert module.taken(ports, ["patroni"], listening) == [
        "Port 5432/tcp (database) is taken by postgres (process 9) of postgresql@15-main.service."
    ]
    assert module.taken(ports, [], []) == []


WANTED: dict[str, Any] = {
    "release": "debian 12",
    "machine": "x86_64",
    "controller_time": 1000.0,
    "clock_seconds": 30.0,
}
REFUSED = {
    "the clock five minutes behind": (
        {"controller_time": 1300.0},
        "The clock is 300 seconds behind the controller's",
    ),
    "the clock five minutes ahead": (
        {"controller_time": 700.0},
        "The clock is 300 seconds ahead of the controller's",
    ),
    "another release": ({"release": "debian 11"}, "and only debian 11 is supported."),
    "another processor": ({"machine": "riscv64"}, "and only riscv64 is supported."),
    "no disk space": ({"disk_mib": {"/": 10**9}}, "Not enough free space under /: "),
}


@pytest.mark.parametrize(("changes", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_host_that_can_not_carry_it_is_refused_with_a_sentence(
    changes: dict[str, Any], sentence: str
) -> None:
    objections = code("library/host_preflight.py").objections(
        WANTED | {"disk_mib": {"/": 1}} | changes, 1000.0
    )
    assert any(sentence in objection for objection in objections)


def test_a_clock_within_the_tolerance_is_fine() -> None:
    objections = code("library/host_preflight.py").objections(WANTED | {"disk_mib": {"/": 1}}, 1029.0)
    assert not any("clock" in objection for objection in objections)


STATUS = """\
Package: nftables
Status: install ok installed
Version: 1.0.6-2
Description: rules
 Status: not this one

Package: chrony
Status: install ok half-configured
Version: 4.3-2

Package: aide
Status: deinstall ok config-files
Version: 0.18
"""


def test_a_package_counts_when_it_is_wholly_there() -> None:
    packages = code("library/host_packages.py")
    have = packages.installed(STATUS)
    assert have == {"nftables": "1.0.6-2"}
    assert packages.missing(["nftables", "chrony", "aide"], have, {}) == ["chrony", "aide"]


def test_a_deb_file_that_lies_there_wins_over_the_sources_until_its_version_is_installed() -> None:
    missing = code("library/host_packages.py").missing
    local = {"jicofo": ("1.0-1062", "/var/lib/majlis/packages/jicofo_1.0-1062_all.deb")}
    assert missing(["jicofo"], {}, local) == [local["jicofo"][1]]
    assert missing(["jicofo"], {"jicofo": "1.0-1000"}, local) == [local["jicofo"][1]]
    assert missing(["jicofo"], {"jicofo": "1.0-1062"}, local) == []


STATES = {
    "runs since its files were written": ({}, {"ActiveState": "active"}, ""),
    "started before its file was written": ({"files": ["FILE"]}, {"ActiveState": "active"}, "restart"),
    "reads its file anew": ({"reload_files": ["FILE"]}, {"ActiveState": "active"}, "reload"),
    "reads one anew but not the other": (
        {"files": ["FILE"], "reload_files": ["FILE"]},
        {"ActiveState": "active"},
        "restart",
    ),
    "has failed": ({}, {"ActiveState": "failed"}, "restart"),
    "doesn't run": ({}, {"ActiveState": "inactive"}, "restart"),
    "must not run": ({"state": "stopped"}, {"ActiveState": "active"}, "stop"),
    "must not run and doesn't": ({"state": "stopped"}, {"ActiveState": "inactive"}, ""),
}


@pytest.mark.parametrize(("asked", "unit", "word"), STATES.values(), ids=STATES)
def test_a_service_is_started_anew_when_a_file_of_its_own_is_younger(
    asked: dict[str, Any], unit: dict[str, str], word: str, tmp_path: Path
) -> None:
    file = tmp_path / "FILE"
    file.write_text("x")
    written = file.stat().st_ctime
    given: dict[str, Any] = {"files": [], "reload_files": [], "state": "started"} | asked
    for key in ("files", "reload_files"):
        given[key] = [str(tmp_path / name) for name in given[key]]
    # The unit came up 10 s after boot; the file was written 20 s after boot, now are 30 s.
    started = unit | {"StateChangeTimestampMonotonic": "10000000"}
    assert code("library/host_services.py").needed(given, started, written + 10, 30.0) == word


def test_a_service_that_started_after_its_file_stays() -> None:
    given = {"files": ["/etc/hostname"], "reload_files": [], "state": "started"}
    unit = {"ActiveState": "active", "StateChangeTimestampMonotonic": "10000000"}
    now = Path("/etc/hostname").stat().st_ctime + 100
    assert code("library/host_services.py").needed(given, unit, now, 20.0) == ""
