"""The playbooks as data: roles, their files and their tasks."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from ruamel.yaml import YAML

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
ROLES = PLAYBOOKS / "roles"
EVERY_HOST = (
    *("base", "apt_source", "certificates", "firewall", "time", "hardening", "logs", "node_exporter"),
)
# The witness has no role yet: its program is still to be written, and until then its hosts are shut and watched only.
OF_GROUPS = (
    *("postgresql", "control_plane", "prosody", "jicofo", "videobridge", "coturn", "web", "edge"),
    "monitoring",
)
ALL = (*EVERY_HOST, *OF_GROUPS)
WORDS = {  # of a task that aren't its action
    *(
        "name",
        "when",
        "register",
        "notify",
        "loop",
        "loop_control",
        "vars",
        "tags",
        "no_log",
        "diff",
        "become",
    ),
    *(
        "become_user",
        "changed_when",
        "failed_when",
        "check_mode",
        "environment",
        "run_once",
        "delegate_to",
        "listen",
    ),
    *("until", "retries", "delay", "ignore_errors", "args", "throttle", "block", "rescue", "always"),
}


def load(file: Path) -> Any:
    """Return what a YAML file holds."""
    return YAML(typ="safe", pure=True).load(file.read_text("utf-8"))


def tasks_of(role: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each task and handler of a role with the file it is in, those inside blocks too."""
    for file in sorted([*(ROLES / role).glob("tasks/*.yml"), *(ROLES / role).glob("handlers/*.yml")]):
        yield from ((str(file.relative_to(ROLES)), task) for task in _flat(load(file) or []))


def action(task: dict[str, Any]) -> str:
    """Return the module that a task calls."""
    (name,) = set(task) - WORDS
    return name


def _flat(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        inner = [each for part in ("block", "rescue", "always") for each in task.get(part, [])]
        yield from _flat(inner) if inner else (task,)


def code(path: str) -> ModuleType:
    """Return a module or plugin of the playbooks, loaded from its file."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, PLAYBOOKS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
