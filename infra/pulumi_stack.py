"""A stack of Pulumi's Automation API, with one start of the engine for one thing asked."""

from collections.abc import Callable
from datetime import UTC, datetime

from pulumi import automation
from pulumi.automation import EngineEvent, StackNotFoundError

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
        self.preview(program=program, on_event=hear)

    def change(self, program: Callable[[], None], hear: Hear) -> None:
        """Make it so, each resource that can be even where another failed (raises CommandError)."""
        try:
            self.up(program=program, on_event=hear, continue_on_error=True)
        except StackNotFoundError:
            self.begin()
            self.up(program=program, on_event=hear, continue_on_error=True)

    def remove(self, hear: Hear) -> None:
        """Remove all resources, protected ones too, and the stack (raises CommandError)."""
        self.ask(["state", "unprotect", "--all", "--yes"])
        self.destroy(on_event=hear, continue_on_error=True)
        self.workspace.remove_stack(self.name)

    def look(self, hear: Hear) -> None:
        """Correct the state by what is really there (raises CommandError)."""
        self.refresh(on_event=hear)

    def recover(self, say: Say) -> None:
        pass

    def outputs(self) -> automation.OutputMap:
        """Return nothing: whoever wants the outputs asks for them once."""
        return {}

    def info(self, show_secrets: bool = False) -> automation.UpdateSummary:
        """Return an empty word about the last change: nobody reads it."""
        return automation.UpdateSummary(
            kind="", start_time=datetime.now(UTC), message="", environment={}, config={}, result=""
        )
