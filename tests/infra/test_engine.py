"""Pulumi for one site: the real engine, over machines that are files."""

import asyncio
import gc
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from infra import engine_failures
from infra.engine import (
    EngineMissing,
    MachineFailed,
    PassphraseWrong,
    Protected,
    SomeFailed,
    StateLocked,
    machines_of,
)
from infra.machines import Built, MachinesFailed
from infra.pulumi_program import find_engine, surroundings
from infra.pulumi_stack import dead
from infra.state import SiteState
from tests.infra.engines import PASSPHRASE, Place, lab

HOSTS = {"edge1", "signal1", "bridge1", "bridge2", "turn1", "db1", "control1", "monitor1", "witness1"}
PRECIOUS = {
    "authority authority",
    "SSH key controller",
    "secret database_password",
    "secret replication_password",
    "secret superuser_password",
    "secret etcd_password",
    "host db1",
    "host witness1",
}


@pytest.fixture(autouse=True)
def _loops_of_pulumi() -> Iterator[None]:
    """Close the event loops that Pulumi's library leaves open in threads of its own when a resource failed."""
    yield
    for loop in gc.get_objects():
        if isinstance(loop, asyncio.BaseEventLoop) and not loop.is_running() and not loop.is_closed():
            with suppress(ValueError):  # its sockets went first
                loop.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A site that was built; tests that change it build their own."""
    place = Place(tmp_path_factory.mktemp("whole"))
    place.up()
    return place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def secrets_in(built: Built) -> set[str]:
    """Return every line that nobody may read."""
    keys = [leaf.key for leaves in built.secrets.certificates.values() for leaf in leaves.values()]
    texts = [*built.secrets.values.values(), *keys, built.ssh_key, PASSPHRASE]
    lines = {line for text in texts for line in text.splitlines() if not line.startswith("-----")}
    assert len(lines) > 50
    return {line for line in lines if len(line) > 15}


def files_below(directory: Path) -> Iterator[tuple[Path, bytes]]:
    for path in directory.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            yield path, gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw


def test_preview_before_anything_exists_shows_it_all_and_touches_nothing(place: Place) -> None:
    changes = place.engine.preview()
    assert {one.name for one in changes if one.kind == "host"} == HOSTS
    assert {one.action for one in changes} == {"create"}
    assert {f"{one.kind} {one.name}" for one in changes if one.protected} == PRECIOUS
    assert place.there() == set()
    assert not place.state.directory.exists()
    assert place.engine.built() is None
    assert place.engine.kept() == ()


def test_up_makes_all_of_it_and_says_so(whole: Place) -> None:
    assert whole.there() == HOSTS
    assert {"host db1: made", "authority authority: made", "secret turn_secret: made", "zone zone: made"} <= {
        *whole.said
    }
    built = whole.engine.built()
    assert built is not None
    assert set(built.host_keys) == HOSTS
    assert built.host_keys["db1"] == json.loads((whole.machines / "db1.json").read_text())["host_key"]
    assert set(built.secrets.certificates["edge1"]) == {"host", "public"}
    assert "BEGIN OPENSSH PRIVATE KEY" in built.ssh_key


def test_a_second_up_changes_nothing(whole: Place) -> None:
    before, verbs = whole.engine.built(), whole.verbs()
    again = whole.later(hours=1)
    assert again.pending() == {}
    again.up()
    assert again.said == []
    assert (again.engine.built(), again.verbs()) == (before, verbs)


def test_the_zone_is_where_name_servers_can_fetch_it(whole: Place) -> None:
    zone = (whole.state.directory / "meet.lab.majlis.test.zone").read_text()
    assert "2026112400" in zone
    assert "4294967295" not in zone


def test_only_the_operator_can_enter_the_state(whole: Place) -> None:
    assert whole.state.directory.joinpath("pulumi").stat().st_mode & 0o077 == 0


def test_no_secret_is_in_plain_in_any_file_of_the_state(whole: Place) -> None:
    built = whole.engine.built()
    assert built is not None
    secrets, looked_at = secrets_in(built), []
    for path, raw in files_below(whole.state.directory):
        looked_at.append(path.name)
        text = raw.decode(errors="replace")
        assert not [one for one in secrets if one in text or json.dumps(one)[1:-1] in text], path
    assert "lab.json" in looked_at
    assert any("checkpoint" in name for name in looked_at)


def test_no_secret_is_in_what_the_engine_says_nor_in_any_environment_or_command_line(place: Place) -> None:
    (place.machines / "edge1.slow").write_text("2")
    heard: list[str] = []
    seen: list[str] = []
    engine = place.engine
    with engine._stack(engine.directory) as stack:
        stack.begin()

        def hear(event: Any) -> None:
            heard.append(json.dumps(event, default=lambda value: getattr(value, "__dict__", str(value))))
            if not seen and (place.machines / "edge1.begun").exists():
                seen.extend(told_of_processes())

        stack.up(program=engine._declare(None), on_event=hear, on_output=heard.append, on_error=heard.append)
    assert len(seen) >= 4, "the engine and its provider were never seen"
    built = engine.built()
    assert built is not None
    assert len(heard) > 100
    assert not [one for one in secrets_in(built) if any(one in text for text in (*heard, *seen))]


def told_of_processes() -> Iterator[str]:
    """Return command lines and environments of the engine and of its providers."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if "pulumi" in command:
                yield command
                yield (process / "environ").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue


def test_the_passphrase_is_in_no_environment_of_a_child() -> None:
    environ = {
        "PATH": "/bin",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_ACCESS_TOKEN": "t",
        "AWS_REGION": "r",
    }
    told = surroundings(Path("/opt/pulumi"), environ)
    assert PASSPHRASE not in told.values()
    assert "PULUMI_ACCESS_TOKEN" not in told
    assert told["AWS_REGION"] == "r"
    assert told["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"


def test_another_passphrase_is_refused_by_name(whole: Place) -> None:
    wrong = Place(whole.directory, passphrase="another passphrase")
    for ask in (wrong.engine.built, wrong.engine.preview, wrong.up):
        with pytest.raises(PassphraseWrong):
            ask()


def test_the_state_alone_is_enough_to_go_on_from(whole: Place) -> None:
    (whole.state.directory / "pulumi" / "Pulumi.lab.yaml").unlink()
    assert whole.pending() == {}
    assert whole.engine.built() is not None


def test_a_machine_that_vanished_is_made_again_and_the_rest_left_alone(place: Place) -> None:
    place.up()
    (place.machines / "bridge1.json").unlink()
    before = place.verbs()
    assert list(place.pending()) == ["host bridge1"]
    assert "is not there" in place.pending()["host bridge1"].detail
    assert "bridge1" not in place.there()
    place.up()
    assert place.verbs()[len(before) :] == ["create bridge1"]
    built = place.engine.built()
    assert built is not None
    assert built.host_keys["bridge1"] in (place.machines / "bridge1.json").read_text()


def test_a_site_that_shrinks_and_changes_shows_how(place: Place) -> None:
    place.up()

    def smaller(text: str) -> str:
        lines = [line for line in text.splitlines() if not line.strip().startswith("bridge2:")]
        return "\n".join(lines).replace("10.77.3.31}}", "10.77.3.33}, memory_mib: 4096}")

    changed = place.of(lab(smaller))
    pending = changed.pending()
    assert pending["host bridge2"].action == "delete"
    assert pending["host bridge1"].action == "replace"
    assert "memory_mib 2048 → 4096" in pending["host bridge1"].detail
    assert "10.77.3.33" in pending["host bridge1"].detail
    assert pending["certificate bridge1/host"].detail == "its names changed"
    assert "host db1" not in pending
    changed.up()
    assert changed.there() == HOSTS - {"bridge2"}
    assert changed.pending() == {}


def test_certificates_are_renewed_in_their_last_month_and_not_before(place: Place) -> None:
    place.up()
    assert place.later(days=59).pending() == {}
    late = place.later(days=65)
    pending = late.pending()
    assert len(pending) == 12
    assert {one.kind for one in pending.values()} == {"certificate"}
    assert pending["certificate edge1/public"].detail == "25 days are left"
    before = place.engine.built()
    late.up()
    after = late.engine.built()
    assert before is not None
    assert after is not None
    assert after.secrets.certificates["db1"] != before.secrets.certificates["db1"]
    assert (after.secrets.values, after.secrets.authority) == (
        before.secrets.values,
        before.secrets.authority,
    )
    assert late.pending() == {}


def test_a_secret_is_drawn_anew_only_when_asked_for_by_name_and_once(place: Place) -> None:
    place.up()
    before = place.engine.built()
    place.up(rotate={"turn_secret": "2026-11-24"})
    after = place.engine.built()
    assert before is not None
    assert after is not None
    changed = {
        name for name in after.secrets.values if after.secrets.values[name] != before.secrets.values[name]
    }
    assert changed == {"turn_secret"}
    place.up(rotate={"turn_secret": "2026-11-24"})
    place.up()
    assert place.engine.built() == after


def test_machines_that_fail_are_named_with_the_reason_and_the_others_are_made(place: Place) -> None:
    (place.machines / "db1.fails").write_text("no disk space on the hypervisor")
    with pytest.raises(MachineFailed) as one:
        place.up()
    assert (one.value.kind, one.value.name, one.value.why) == (
        "host",
        "db1",
        "no disk space on the hypervisor",
    )
    assert place.there() == HOSTS - {"db1"}
    (place.machines / "turn1.away").write_text("no answer in 10 s")
    with pytest.raises(SomeFailed) as some:
        place.up()
    assert {failure.name: failure.why for failure in some.value.failures} == {
        "db1": "no disk space on the hypervisor",
        "turn1": "no answer in 10 s",
    }
    (place.machines / "db1.fails").unlink()
    (place.machines / "turn1.away").unlink()
    place.up()
    assert place.there() == HOSTS
    assert place.pending() == {}


def test_down_refuses_what_cannot_be_made_again_without_the_extra_word(place: Place) -> None:
    place.up()
    with pytest.raises(Protected) as refused:
        place.engine.down(place.said.append, with_data=False)
    assert {f"{one.kind} {one.name}" for one in refused.value.kept} == PRECIOUS
    assert "host db1" in str(refused.value)
    assert place.there() == HOSTS
    assert len(place.engine.kept()) == 35
    place.engine.down(place.said.append, with_data=True)
    assert place.there() == set()
    assert "host db1: removed" in place.said
    assert place.engine.kept() == ()
    assert place.engine.built() is None
    place.engine.down(place.said.append, with_data=True)


def test_a_protected_host_is_neither_replaced_nor_dropped_by_a_change_of_the_file(place: Place) -> None:
    place.up()
    moved = place.of(lab(lambda text: text.replace("10.77.3.51", "10.77.3.52")))
    with pytest.raises(MachineFailed, match="accounts, meetings and the log with it"):
        moved.up()
    dropped = place.of(
        lab(lambda text: "\n".join(line for line in text.splitlines() if "witness1:" not in line))
    )
    with pytest.raises(Protected, match="witness1"):
        dropped.up()
    assert place.there() == HOSTS
    assert not [verb for verb in place.verbs() if verb.startswith("destroy")]
    place.up()
    assert place.pending() == {}


def test_refresh_forgets_a_machine_that_is_gone(place: Place) -> None:
    place.up()
    (place.machines / "bridge1.json").unlink()
    place.engine.refresh(place.said.append)
    assert "bridge1" not in {one.name for one in place.engine.kept()}
    assert place.pending()["host bridge1"].action == "create"


def killed_in_the_middle(place: Place) -> None:
    """Start an up of its own, and kill all of it while two machines are being made."""
    for host in ("db1", "edge1"):
        (place.machines / f"{host}.slow").write_text("60")
    program = (
        "import sys; from pathlib import Path; from tests.infra.engines import Place; "
        "Place(Path(sys.argv[1])).up()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(place.directory)],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as started:
        _wait(lambda: all((place.machines / f"{host}.begun").exists() for host in ("db1", "edge1")))
        providers = [pid for pid in _providers() if str(place.directory) in _environment(pid)]
        os.killpg(started.pid, signal.SIGKILL)
    assert providers
    _wait(lambda: not [pid for pid in providers if Path(f"/proc/{pid}/cmdline").exists()])
    for host in ("db1", "edge1"):
        (place.machines / f"{host}.slow").unlink()


def _wait(done: Any, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.05)


def _providers() -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"pulumi.dynamic" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _environment(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text(errors="replace")


def test_an_up_that_was_killed_goes_on_where_it_stopped(place: Place) -> None:
    killed_in_the_middle(place)
    assert list((place.state.directory / "pulumi" / ".pulumi" / "locks").rglob("*.json"))
    place.up()
    assert any("left its lock behind" in line for line in place.said)
    assert any(re.search("with [0-9]+ resources in the middle", line) for line in place.said)
    assert place.there() == HOSTS
    made = Counter(place.verbs())
    assert set(made) == {f"create {host}" for host in HOSTS}
    assert (made["create db1"], made["create edge1"]) == (2, 2)
    assert max(made.values()) == 2
    assert place.pending() == {}


def test_an_up_that_was_killed_can_be_taken_down_whole(place: Place) -> None:
    killed_in_the_middle(place)
    (place.machines / "edge1.json").write_text("{}")  # its making came further than the state knows
    place.engine.down(place.said.append, with_data=True)
    assert place.there() == set()
    assert place.engine.kept() == ()


def test_who_holds_the_lock_is_named_unless_he_is_gone(whole: Place) -> None:
    locks = whole.state.directory / "pulumi" / ".pulumi" / "locks" / "organization" / "majlis" / "lab"
    locks.mkdir(parents=True, exist_ok=True)
    lock = {"pid": 4711, "username": "nadia", "hostname": "other", "timestamp": "2026-11-24T10:00:00Z"}
    (locks / "a.json").write_text(json.dumps(lock))
    with pytest.raises(StateLocked, match=r"nadia@other .process 4711., since 2026-11-24T10:00:00Z"):
        whole.up()
    (locks / "a.json").write_text(json.dumps(lock | {"hostname": socket.gethostname(), "pid": 2**22 + 1}))
    whole.up()
    assert not (locks / "a.json").exists()


def test_a_process_is_dead_when_it_is_gone_or_its_number_is_anothers() -> None:
    here = socket.gethostname()
    assert dead(here, 2**22 + 1)
    assert dead(here, os.getpid())
    assert not dead("another-machine", 2**22 + 1)


def test_a_missing_engine_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissing, match="tools/pulumi-engine"):
        machines_of(lab(), SiteState(tmp_path), PASSPHRASE)
    other = tmp_path / "pulumi"
    other.write_text("#!/bin/sh\necho v3.1.0\n")
    other.chmod(0o755)
    with pytest.raises(EngineMissing, match=r"v3\.1\.0, not v3\.259\.0"):
        find_engine(os.environ)
    other.write_text("#!/bin/sh\necho v3.259.0\n")
    assert find_engine(os.environ) == other


def test_every_failure_is_one_that_the_command_line_knows() -> None:
    kinds = [
        kind
        for kind in vars(engine_failures).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ]
    ours = [kind for kind in kinds if kind.__module__ == engine_failures.__name__]
    assert len(ours) == 8
    assert all(issubclass(kind, MachinesFailed) for kind in ours)
