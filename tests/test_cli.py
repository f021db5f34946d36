"""`majlis` as an operator uses it, each command in a process of its own."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from control_plane.cli import app
from control_plane.database import utc_now
from control_plane.desk import set_up_desk
from control_plane.meetings.service import Booking, book, convene, to_wall
from control_plane.permission import Permission
from demo.appliance import parsed
from demo.parliament import found
from tests.rooms.conftest import LETTERHEAD

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SETTINGS = {"gate_secret": "g" * 32, "control_secret": "c" * 32}


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {**SETTINGS, "database_url": f"sqlite:///{tmp_path / 'majlis.db'}", "keys": str(tmp_path / "keys")}


@pytest.fixture
def majlis(settings: dict[str, str], tmp_path: Path) -> Run:
    """Give a function that runs `majlis` and returns what came of it."""
    names = {f"MAJLIS_{name.upper()}": value for name, value in settings.items()}
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "200", **names}

    def run(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "control_plane", *arguments]
        return subprocess.run(
            command,
            env=environment,
            cwd=tmp_path,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_setting_up_twice_does_nothing_the_second_time(majlis: Run, tmp_path: Path) -> None:
    first = majlis("setup")
    assert first.returncode == 0, first.stderr
    assert "log's key" in first.stdout
    assert "join-token key" in first.stdout
    assert majlis("setup").stdout == "everything was there already\n"
    assert (tmp_path / "keys" / "log.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_before_setting_up_each_command_says_what_to_do(majlis: Run) -> None:
    for command in (["serve"], ["audit", "verify"], ["keys", "rotate"], ["people", "list"]):
        done = majlis(*command)
        assert done.returncode == 2, command
        assert "majlis setup" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_first_administrator_is_made_at_the_console(majlis: Run) -> None:
    majlis("setup")
    assert majlis("people", "list").stdout.startswith("no accounts yet")
    names = ["--name-ar", "سعيد", "--name-fr", "Saïd", "--duty", "administrator"]
    word = "une phrase assez longue\n"
    added = majlis("people", "add", "said@majlis.test", *names, typed=word + word)
    assert added.returncode == 0, added.stderr
    listed = majlis("people", "list").stdout
    assert "said@majlis.test" in listed
    assert "administrator" in listed
    again = majlis("people", "add", "said@majlis.test", *names, typed=word + word)
    assert again.returncode == 2
    weak = majlis("people", "add", "x@majlis.test", *names[:4], typed="motdepasse\nmotdepasse\n")
    assert weak.returncode == 2
    assert "too_short" in weak.stderr
    assert "Traceback" not in again.stderr + weak.stderr


def test_the_log_verifies_and_an_altered_byte_is_named(majlis: Run, tmp_path: Path) -> None:
    majlis("setup")
    sound = majlis("audit", "verify")
    assert sound.returncode == 0
    assert re.match(r"sound: 1 entries, 1 signed checkpoints\nroot:  [0-9a-f]{64}\n", sound.stdout)
    key = majlis("audit", "key").stdout.strip()
    assert majlis("audit", "verify", "--key", key).returncode == 0
    with sqlite3.connect(tmp_path / "majlis.db") as database:
        database.execute("UPDATE log_entry SET leaf = CAST(replace(leaf, 'kid', 'kod') AS BLOB)")
    database.close()
    broken = majlis("audit", "verify")
    assert broken.returncode == 1
    assert "broken at entry 0: the entry was altered" in broken.stderr


def test_a_key_that_is_none_is_refused(majlis: Run) -> None:
    majlis("setup")
    done = majlis("audit", "verify", "--key", "nonsense")
    assert done.returncode == 2
    assert "verifier key" in done.stderr


def test_keys_rotate_and_retire(majlis: Run) -> None:
    majlis("setup")
    rotated = majlis("keys", "rotate")
    assert rotated.returncode == 0
    kid = rotated.stdout.split()[6]
    assert majlis("keys", "retire", kid).returncode == 0
    unknown = majlis("keys", "retire", "never")
    assert unknown.returncode == 2
    assert "no signing key is called never" in unknown.stderr


def test_the_policies_that_are_shipped_pass_their_check(majlis: Run) -> None:
    done = majlis("policy", "check", str(Path(__file__).parents[1] / "policies"))
    assert done.returncode == 0
    assert "digest" in done.stdout
    assert "warning" not in done.stdout


def test_a_decision_is_explained_at_any_moment(majlis: Run, settings: dict[str, str]) -> None:
    majlis("setup")
    desk = set_up_desk(parsed(settings), utc_now)
    permission = Permission(desk.policies.engine)
    with desk.units.begin() as unit:
        parliament = found(unit, permission, None)
        starts = to_wall(unit.now, "Africa/Casablanca")
        ends = starts.replace(hour=23, minute=59)
        meeting = book(unit, permission, None, Booking(parliament.bodies["finance"], "Séance", starts, ends))
        convene(unit, permission, None, LETTERHEAD, meeting.id, reason="urgence")
    desk.units.engine.dispose()
    chair = majlis("policy", "explain", "amina@majlis.test", "enter", meeting.id, "--language", "fr")
    assert chair.stdout.startswith("permitted: enter")
    assert "entering.moderators" in chair.stdout
    member = majlis("policy", "explain", "driss@majlis.test", "enter", meeting.id)
    assert member.stdout.startswith("refused: enter (no policy permits)")
    assert "entering.members: missing" in member.stdout
    past = majlis(
        "policy", "explain", "amina@majlis.test", "enter", meeting.id, "--at", "2020-01-01T10:00:00"
    )
    assert past.stdout.startswith("refused: enter"), "nobody enters years before the start"
    unknown = majlis("policy", "explain", "nobody@majlis.test", "enter", meeting.id)
    assert unknown.returncode == 2
    nowhere = majlis("policy", "explain", "amina@majlis.test", "enter", "nowhere")
    assert nowhere.returncode == 2
    assert "Traceback" not in past.stderr + unknown.stderr + nowhere.stderr


def test_sqlite_is_for_one_process(majlis: Run) -> None:
    majlis("setup")
    done = majlis("serve", "--workers", "2")
    assert done.returncode == 2
    assert "PostgreSQL" in done.stderr


def test_every_command_has_help(majlis: Run) -> None:
    groups = [group.name for group in app.registered_groups]
    assert sorted(filter(None, groups)) == ["audit", "keys", "mail", "people", "policy"]
    for command in ([], *([group] for group in groups if group)):
        done = majlis(*command, "--help")
        assert done.returncode == 0
        assert "Usage" in done.stdout
