"""What happens during a playbook run, as values; playbooks/callback_plugins/progress.py writes the lines."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a task ended on a host."""

    ok = "ok"
    changed = "changed"
    skipped = "skipped"
    ignored = "ignored"
    left_out = "left_out"
    failed = "failed"
    unreachable = "unreachable"


@dataclass(frozen=True, slots=True)
class PlayBegan:
    """A play of the playbook began."""

    name: str


@dataclass(frozen=True, slots=True)
class TaskBegan:
    """A task began on its hosts, `at` seconds of a clock that only counts; outside roles `role` is empty."""

    role: str
    task: str
    action: str
    at: float


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """A task ended on one host; `message` where it failed or left something out, `diff` where asked for."""

    host: str
    role: str
    task: str
    status: Status
    message: str
    seconds: float
    diff: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tasks of one host ended how."""

    ok: int
    changed: int
    failed: int
    unreachable: int


@dataclass(frozen=True, slots=True)
class Recap:
    """The end of the run."""

    hosts: Mapping[str, Counts]


@dataclass(frozen=True, slots=True)
class NobodyMatched:
    """No host of the inventory is meant by this play."""


Event = PlayBegan | TaskBegan | TaskEnded | Recap | NobodyMatched


def parse(line: str) -> Event:
    """Read one line of the callback plugin (raises KeyError, ValueError for a line that isn't of it)."""
    fields: dict[str, Any] = json.loads(line)
    return READERS[fields.pop("kind")](fields)


READERS: Mapping[str, Callable[[dict[str, Any]], Event]] = {
    "play": lambda fields: PlayBegan(**fields),
    "task": lambda fields: TaskBegan(**fields),
    "result": lambda fields: TaskEnded(**{**fields, "status": Status(fields["status"])}),
    "recap": lambda fields: Recap({host: Counts(**counts) for host, counts in fields["hosts"].items()}),
    "nobody": lambda _: NobodyMatched(),
}
