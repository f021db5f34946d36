"""Playbook runs as `majlis site` starts them: real Ansible and mitogen, on this machine, by a local connection."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.events import Event, Recap, Status, TaskBegan, TaskEnded
from infra.failures import HostsFailed, PlaybookBroken, PlayInterrupted, TaskFailed
from infra.play import Options, run
from infra.ssh import Access

SECRET = "S3cretOfThirtyTwoCharactersOrMore"
KEY_LINE = "MHcCAQEEIObviouslyNotARealKeyButLongEnough"

Play = Callable[..., tuple[Recap, list[Event]]]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "state" / "run.log"


@pytest.fixture
def play(tmp_path: Path, log: Path) -> Play:
    """Give a function that runs tasks as a role called `bridge` and returns the recap and all events."""

    def runs(tasks: str, *, hosts: int = 2, **options: Any) -> tuple[Recap, list[Event]]:
        role = tmp_path / "roles" / "bridge" / "tasks"
        role.mkdir(parents=True, exist_ok=True)
        (role / "main.yml").write_text(tasks)
        playbook = tmp_path / "site.yml"
        playbook.write_text("- hosts: all\n  gather_facts: false\n  roles: [bridge]\n")
        events: list[Event] = []
        access = Access(known_hosts=tmp_path / "known_hosts")
        chosen = Options(playbook=playbook, **options)
        return run(inventory(tmp_path, hosts), access, log, events.append, chosen), events

    return runs


def inventory(directory: Path, hosts: int) -> dict[str, Any]:
    host = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "/usr/bin/python3",
        "directory": str(directory),
        "secrets": {"turn_secret": SECRET},
        "certificates": {
            "host": {"certificate": "public", "key": f"-----BEGIN-----\n{KEY_LINE}\n-----END-----\n"}
        },
    }
    return {"all": {"hosts": {f"bridge{n}": host for n in range(1, hosts + 1)}}}


def ended(events: list[Event]) -> list[TaskEnded]:
    return [event for event in events if isinstance(event, TaskEnded)]


WRITE = """
- name: Write a file
  ansible.builtin.copy: {content: "of {{ inventory_hostname }}\\n", dest: "{{ directory }}/{{ inventory_hostname }}", mode: "0600"}
"""


@pytest.mark.parametrize("strategy", ["linear", "mitogen_linear"])
def test_every_host_reads_the_inventory_from_memory(play: Play, tmp_path: Path, strategy: str) -> None:
    recap, events = play(WRITE, hosts=5, forks=2, strategy=strategy)
    assert sorted(recap.hosts) == [f"bridge{n}" for n in range(1, 6)]
    assert {count.changed for count in recap.hosts.values()} == {1}
    assert (tmp_path / "bridge5").read_text() == "of bridge5\n"
    assert next(event for event in events if isinstance(event, TaskBegan)).role == "bridge"
    assert {event.status for event in ended(events)} == {Status.changed}
    again, _ = play(WRITE, hosts=5, strategy=strategy)
    assert {count.changed for count in again.hosts.values()} == {0}


def test_check_shows_the_difference_and_touches_nothing(play: Play, tmp_path: Path) -> None:
    _, events = play(WRITE, check=True)
    assert "+of bridge1" in next(event.diff for event in ended(events) if event.host == "bridge1")
    assert not (tmp_path / "bridge1").exists()


def test_no_secret_reaches_events_log_or_disk(play: Play, tmp_path: Path, log: Path) -> None:
    blabs = """
- name: Say the secrets aloud, which no role may do
  ansible.builtin.debug: {msg: "{{ secrets.turn_secret }} {{ certificates.host.key }}"}
- name: Hide them properly
  ansible.builtin.copy: {content: "{{ secrets.turn_secret }}", dest: "{{ directory }}/{{ inventory_hostname }}.secret", mode: "0600"}
  no_log: true
- name: Fail with them
  ansible.builtin.fail: {msg: "{{ secrets.turn_secret }}"}
"""
    with pytest.raises(HostsFailed) as failed:
        play(blabs, check=False)
    assert failed.value.failures[0].message == "•••"
    for file in tmp_path.rglob("*"):
        if file.is_file() and file.suffix != ".secret":
            assert SECRET not in file.read_text(), file
            assert KEY_LINE not in file.read_text(), file
    assert "•••" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_hidden_task_that_fails_says_that_it_hides_why(play: Play) -> None:
    hidden = "- name: Quiet\n  ansible.builtin.command: cat /nowhere\n  no_log: true\n"
    with pytest.raises(HostsFailed) as failed:
        play(hidden)
    assert "no_log" in failed.value.failures[0].message
    assert "nowhere" not in failed.value.failures[0].message


def test_a_failure_names_host_role_task_and_message(play: Play, log: Path) -> None:
    fails = (
        WRITE
        + """
- name: Refuse
  ansible.builtin.fail: {msg: "the disk is of the wrong colour"}
  when: inventory_hostname == 'bridge2'
- name: Go on
  ansible.builtin.debug: {msg: on}
"""
    )
    with pytest.raises(HostsFailed) as failed:
        play(fails)
    (failure,) = failed.value.failures
    assert failure == TaskFailed("bridge2", "bridge", "Refuse", "the disk is of the wrong colour")
    assert failure.where == "bridge: Refuse"
    assert failed.value.log == log


def test_a_rescued_failure_is_none(play: Play) -> None:
    rescued = """
- name: Try
  block: [{name: Fail, ansible.builtin.command: "false"}]
  rescue: [{name: Mend, ansible.builtin.debug: {msg: mended}}]
"""
    recap, _ = play(rescued)
    assert {count.failed for count in recap.hosts.values()} == {0}


def test_the_failed_rounds_of_a_loop_are_named(play: Play) -> None:
    loops = """
- name: Look
  ansible.builtin.fail: {msg: "no {{ item }}"}
  loop: [disk, clock]
"""
    with pytest.raises(HostsFailed) as failed:
        play(loops, hosts=1)
    assert failed.value.failures[0].message == "disk: no disk\nclock: no clock"


def test_what_roles_leave_out_is_told(play: Play) -> None:
    _, events = play('- name: "Left out: kernel settings"\n  ansible.builtin.debug: {msg: x}\n')
    assert {(event.status, event.message) for event in ended(events)} == {
        (Status.left_out, "kernel settings")
    }


def test_a_playbook_that_ansible_can_not_read_is_named(play: Play, log: Path) -> None:
    with pytest.raises(PlaybookBroken, match="no_such_module"):
        play("- name: Nothing\n  no_such_module: {}\n")
    assert log.exists()


def test_the_operators_own_ansible_settings_do_not_count(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_RUN_TAGS", "nothing")
    monkeypatch.setenv("ANSIBLE_STRATEGY", "free")
    monkeypatch.setenv("ANSIBLE_CALLBACKS_ENABLED", "nothing")
    recap, events = play(WRITE)
    assert recap.hosts
    assert ended(events)


def test_a_run_that_is_stopped_leaves_no_process_behind(play: Play, tmp_path: Path) -> None:
    threading.Timer(3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    marker = f"sleep 271.{os.getpid()}"
    with pytest.raises(PlayInterrupted):
        play(f"- name: Sleep\n  ansible.builtin.command: {marker}\n", hosts=1)
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path / "site.yml") not in listed
