"""Tells the program that started the playbook what happens, as lines of JSON on a file descriptor.

MAJLIS_PROGRESS_FD names the descriptor; without it the plugin is silent. A line is one of

    {"kind": "play",   "name": …}
    {"kind": "task",   "role": …, "task": …, "action": …, "at": seconds}
    {"kind": "result", "host": …, "role": …, "task": …, "status": …, "message": …, "seconds": …, "diff": …}
    {"kind": "recap",  "hosts": {host: {"ok": …, "changed": …, "failed": …, "unreachable": …}}}

A result carries a text only where it failed, or begins with `Left out: `. What a task hides (`no_log`) is not
told: Ansible hands callbacks a result without it, and this plugin picks the few fields it knows.
"""

from __future__ import annotations

import json
import os
import re
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: progress
    type: notification
    short_description: lines of JSON for the program that started the run
    description: Writes what happens to the file descriptor that MAJLIS_PROGRESS_FD names.
"""

LEFT_OUT = "Left out: "
LONGEST = 4000  # characters of a message
HIDDEN = "the task hides its output (no_log); run it by hand on the host to see more"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class CallbackModule(CallbackBase):
    """One line for each thing that happens."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        descriptor = os.environ.get("MAJLIS_PROGRESS_FD", "")
        self.disabled = not descriptor
        self._descriptor = int(descriptor or -1)
        self._starts: dict[tuple[str, str], float] = {}

    def v2_playbook_on_play_start(self, play):
        self._tell("play", name=play.get_name())

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._task(task)

    def v2_playbook_on_cleanup_task_start(self, task):
        self._task(task)

    def v2_playbook_on_handler_task_start(self, task):
        self._task(task)

    def v2_runner_on_start(self, host, task):
        self._starts[host.get_name(), task._uuid] = time.monotonic()

    def v2_runner_on_ok(self, result):
        self._result(result, "changed" if result.result.get("changed") else "ok")

    def v2_runner_on_skipped(self, result):
        self._result(result, "skipped")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result(result, "ignored" if ignore_errors else "failed", _reason(result.result))

    def v2_runner_on_unreachable(self, result):
        self._result(result, "unreachable", _reason(result.result))

    def v2_playbook_on_no_hosts_matched(self):
        self._tell("nobody")

    def v2_playbook_on_stats(self, stats):
        counts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        told = {
            host: {
                "ok": c["ok"],
                "changed": c["changed"],
                "failed": c["failures"],
                "unreachable": c["unreachable"],
            }
            for host, c in counts.items()
        }
        self._tell("recap", hosts=told)

    def _task(self, task):
        role, name = _names(task)
        self._tell("task", role=role, task=name, action=task.action, at=time.monotonic())

    def _result(self, result, status, message=""):
        role, name = _names(result.task)
        host = result.host.get_name()
        began = self._starts.pop((host, result.task._uuid), None)
        if not message and status != "skipped" and name.startswith(LEFT_OUT):
            message = name.removeprefix(LEFT_OUT)
            status = "left_out"
        self._tell(
            "result",
            host=host,
            role=role,
            task=name,
            status=status,
            message=message,
            seconds=round(time.monotonic() - began, 3) if began else 0.0,
            diff=self._difference(result.result),
        )

    def _difference(self, result):
        """Return the differences of a task, and of each round of its loop, as `diff` prints them."""
        parts = [result, *(r for r in result.get("results") or () if isinstance(r, dict))]
        shown = [self._get_diff(part["diff"]) for part in parts if part.get("changed") and part.get("diff")]
        return COLOURS.sub("", "".join(shown))

    def _tell(self, kind, **fields):
        line = json.dumps({"kind": kind, **fields}, ensure_ascii=False, default=str) + "\n"
        left = line.encode(errors="replace")
        while left:
            left = left[os.write(self._descriptor, left) :]


def _names(task):
    """Return role and task; a task outside roles has an empty role."""
    role = task._role.get_name() if task._role else ""
    if (task.name or "").startswith(
        "Validating arguments against arg spec"
    ):  # Ansible's own, with a long tail
        return role, "Look at what the role is told"
    return role, task.name or task.action


def _reason(result):
    """Return what a failed task says of itself, from the most telling field to the least."""
    if "censored" in result or result.get("_ansible_no_log"):
        return HIDDEN
    failed = [one for one in result.get("results") or () if isinstance(one, dict) and one.get("failed")]
    if failed:
        return "\n".join(f"{one.get('item', '')}: {_reason(one)}".removeprefix(": ") for one in failed)[
            :LONGEST
        ]
    said = [result.get("msg"), result.get("stderr") or result.get("module_stderr"), result.get("stdout")]
    parts = [str(part).strip() for part in said[:2] if part] or [
        str(part).strip() for part in said[2:] if part
    ]
    return "\n".join(dict.fromkeys(parts))[:LONGEST].removeprefix("Task failed: ") or "no reason given"
