#!/usr/bin/python
"""Have services run with what their files say now, also after a run that was interrupted before it restarted them."""

# A module and not handlers: a handler is lost with the run that notified it, and what one play's role wrote (a
# certificate) restarts nothing in another play. Here a service is started anew when a file of its own is younger than
# its start, whoever wrote it and whenever.

import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: host_services
short_description: Have services run with what their files say now
description:
  - Enables and starts units of systemd; restarts or reloads those that started before one of their files was written.
  - A unit that doesn't come up fails the task with the last lines of its journal.
options:
  units:
    type: list
    elements: dict
    required: true
    description: >-
      Units, each with name, and files (paths or patterns; a younger one restarts it), reload_files (those that it
      reads anew without a restart, as some do certificates), patient (whether it may end and be tried again until its other side is there), enabled (true), and
      state (started; stopped for a unit that must not run).
  settle_seconds:
    type: float
    default: 0.5
    description: How long a unit that was started must stay up.
author: Majlis
"""

PROPERTIES = "Id,Names,LoadState,ActiveState,SubState,UnitFileState,StateChangeTimestampMonotonic"


class Failed(Exception):
    """systemd refused, or a unit didn't stay up; the text holds the reason."""


def systemctl(*words: str) -> str:
    """Return what systemctl printed (raises Failed)."""
    done = subprocess.run(
        ["systemctl", *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise Failed((done.stderr or done.stdout).strip())
    return done.stdout


def shown(names: list[str]) -> dict[str, dict[str, str]]:
    """Return what systemd knows of each unit."""
    blocks = systemctl("show", f"--property={PROPERTIES}", "--", *names).strip().split("\n\n")
    told = [dict(line.split("=", 1) for line in block.splitlines()) for block in blocks]
    return dict(zip(names, told, strict=True))


def started_at(unit: dict[str, str], now: float, monotonic: float) -> float:
    """Return when the unit came to its present state, in seconds since 1970."""
    return now - monotonic + int(unit["StateChangeTimestampMonotonic"]) / 1e6


def youngest(patterns: list[str]) -> float:
    """Return when the last of these files was written, changed hands or (a link) was turned; 0 when there is none."""
    found = (path for pattern in patterns for path in Path("/").glob(pattern.lstrip("/")))
    return max((max(path.stat().st_ctime, path.lstat().st_ctime) for path in found), default=0.0)


def needed(asked: dict[str, Any], unit: dict[str, str], now: float, monotonic: float) -> str:
    """Return the word for systemctl that brings the unit to what is asked for; empty for none."""
    runs = unit["ActiveState"] in ("active", "activating", "reloading")
    if asked["state"] == "stopped":
        return "stop" if runs else ""
    if not runs:
        return "restart"  # from `failed` too
    started = started_at(unit, now, monotonic)
    if youngest(asked["files"]) > started:
        return "restart"
    return "reload" if youngest(asked["reload_files"]) > started else ""


def _enabling(asked: dict[str, Any], unit: dict[str, str]) -> str:
    if asked["enabled"] and unit["UnitFileState"] in ("disabled", "masked", ""):
        return "enable"
    return "disable" if not asked["enabled"] and unit["UnitFileState"] == "enabled" else ""


def look_after(names: list[str], patient: set[str], seconds: float) -> None:
    """Raise Failed when one of the units didn't stay up; a patient one may have ended and wait for its next try."""
    time.sleep(seconds)
    for name, unit in shown(names).items():
        ended = unit["ActiveState"] == "deactivating" or unit["SubState"] == "auto-restart"
        if unit["ActiveState"] in ("failed", "inactive") or (ended and name not in patient):
            raise Failed(f"{name} doesn't stay up ({unit['ActiveState']}): {_last_words(name)}")


def _last_words(name: str) -> str:
    command = ["journalctl", "--quiet", "--no-pager", "--output=cat", "--lines=12", f"--unit={name}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def settle(units: list[dict[str, Any]], seconds: float, rehearsal: bool) -> list[str]:
    """Bring the units to what is asked for and return what had to be done, as systemctl's words (raises Failed)."""
    names = [asked["name"] if "." in asked["name"] else f"{asked['name']}.service" for asked in units]
    known = shown(names)
    now, monotonic = time.time(), time.clock_gettime(time.CLOCK_MONOTONIC)
    words = [
        (word, name)
        for name, asked in zip(names, units, strict=True)
        for word in (_enabling(asked, known[name]), needed(asked, known[name], now, monotonic))
        if word
    ]
    if words and not rehearsal:
        # NeedDaemonReload doesn't see a drop-in's directory that is new, so it isn't asked.
        systemctl("daemon-reload")
        for word, name in words:
            _do(word, name)
        patient = {name for name, asked in zip(names, units, strict=True) if asked["patient"]}
        if started := [name for word, name in words if word in ("restart", "reload")]:
            look_after(started, patient, seconds)
    return [f"{word} {name}" for word, name in words]


def _do(word: str, name: str) -> None:
    try:
        systemctl(*(("--quiet",) if word in ("enable", "disable") else ()), word, name)
    except Failed as failed:
        if word in ("restart", "reload"):
            raise Failed(f"{name} doesn't come up: {_last_words(name) or failed}") from failed
        raise


def main() -> None:
    unit = {
        "name": {"type": "str", "required": True},
        "files": {"type": "list", "elements": "str", "default": []},
        "reload_files": {"type": "list", "elements": "str", "default": []},
        "patient": {"type": "bool", "default": False},
        "enabled": {"type": "bool", "default": True},
        "state": {"type": "str", "default": "started", "choices": ["started", "stopped"]},
    }
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "dict", "required": True, "options": unit},
            "settle_seconds": {"type": "float", "default": 0.5},
        },
        supports_check_mode=True,
    )
    try:
        done = settle(module.params["units"], module.params["settle_seconds"], module.check_mode)
    except Failed as failed:
        module.fail_json(msg=str(failed))
    after = "".join(f"{line}\n" for line in done)
    diff = {"before_header": "services", "after_header": "services", "before": "", "after": after}
    module.exit_json(changed=bool(done), done=done, diff=diff)


if __name__ == "__main__":
    main()
