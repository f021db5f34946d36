"""A stack of Pulumi's Automation API, with one start of the engine for one thing asked."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi.automation import ConcurrentUpdateError, EngineEvent, StackNotFoundError

from infra.engine_failures import LOCKED
from infra.memory import in_memory

Hear = Callable[[EngineEvent], None]
Say = Callable[[str], None]


class Stack(automation.Stack):
    """The library's own asks for outputs (twice) and history after each change, and selects before: 0.3 s each."""

    def __init__(self, name: str, workspace: automation.Workspace) -> None:
        self.name = name
        self.workspace = workspace

    def begin(self) -> None:
        """Make the stack's empty state (raises CommandError)."""
        self.workspace.create_stack(self.name)

    def ask(self, arguments: list[str]) -> str:
        """Return what one command of the engine printed (raises CommandError)."""
        return self._run_pulumi_cmd_sync(arguments).stdout

    def compare(self, program: Callable[[], None], hear: Hear) -> None:
        """Tell by events what would change (raises CommandError)."""
        with _loop_closed(program) as run:
            self.preview(program=run, on_event=hear)

    def change(self, program: Callable[[], None], hear: Hear, say: Say) -> None:
        """Make it so, each resource that can be even where another failed (raises CommandError)."""
        try:
            self._recover(say)
        except StackNotFoundError:
            self.begin()
        self._past_the_dead(
            lambda: self.up(program=program, on_event=hear, continue_on_error=True, suppress_progress=True),
            say,
        )

    def remove(self, hear: Hear, say: Say) -> None:
        """Remove all resources, protected ones too, and the stack (raises CommandError)."""
        self._recover(say)
        self._past_the_dead(lambda: self.ask(["state", "unprotect", "--all", "--yes"]), say)
        self.destroy(on_event=hear, continue_on_error=True)
        self.workspace.remove_stack(self.name)

    def look(self, hear: Hear, say: Say) -> None:
        """Correct the state by what is really there (raises CommandError)."""
        self._recover(say)
        self._past_the_dead(lambda: self.refresh(on_event=hear), say)

    def outputs(self) -> automation.OutputMap:
        """Return nothing: whoever wants the outputs asks for them once."""
        return {}

    def info(self, show_secrets: bool = False) -> automation.UpdateSummary:
        """Return an empty word about the last change: nobody reads it."""
        return automation.UpdateSummary(
            kind="", start_time=datetime.now(UTC), message="", environment={}, config={}, result=""
        )

    def _recover(self, say: Say) -> None:
        """Take up what a killed command had begun (raises CommandError)."""
        exported = json.loads(self.ask(["stack", "export"]))
        deployment = exported.get("deployment") or {}
        begun = deployment.pop("pending_operations", None) or []
        if not begun:
            return
        say(
            f"the last command was interrupted with {len(begun)} resources in the middle: going on from there"
        )
        deployment["resources"] = taken_up(deployment.get("resources") or [], begun)
        with in_memory("state", json.dumps(exported)) as file:
            self._past_the_dead(lambda: self.ask(["stack", "import", "--file", str(file)]), say)

    def _past_the_dead(self, act: Callable[[], object], say: Say) -> None:
        """Do it; when a process that is no more holds the state's lock, take the lock away and do it again."""
        try:
            act()
        except ConcurrentUpdateError as locked:
            holders = [(found["machine"], int(found["pid"])) for found in LOCKED.finditer(str(locked))]
            if not holders or not all(dead(*holder) for holder in holders):
                raise
            say("the last command was killed and left its lock behind: taking it away")
            self.ask(["cancel", "--yes"])
            act()


def taken_up(resources: list[dict[str, Any]], begun: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the resources with those whose making was cut off: `up` makes them whole, `down` removes them.

    Pulumi itself would keep such a one aside for ever and make it a second time, or never remove it.
    """
    known = {resource["urn"] for resource in resources}
    half = [
        operation["resource"]
        | {"id": operation["resource"]["inputs"]["name"], "outputs": operation["resource"]["inputs"]}
        for operation in begun
        if operation["type"] == "creating"
        and operation["resource"]["urn"] not in known
        and "name" in operation["resource"].get("inputs", {})
    ]
    return [*resources, *half]


def dead(machine: str, pid: int) -> bool:
    """Return whether that process of this machine is gone; of another machine nobody knows."""
    if machine != socket.gethostname():
        return False
    try:
        return "pulumi" not in Path(f"/proc/{pid}/comm").read_text()  # another program has its number now
    except (FileNotFoundError, ProcessLookupError):
        return True


@contextmanager
def _loop_closed(program: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Give the program in a form that tells its event loop, which Pulumi leaves open when a resource failed."""
    loops: list[asyncio.AbstractEventLoop] = []

    def run() -> None:
        loops.append(asyncio.get_running_loop())
        program()

    try:
        yield run
    finally:
        for loop in loops:
            if not loop.is_running():
                loop.close()
