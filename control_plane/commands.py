"""Commands that other packages add to `majlis`, loaded when somebody asks for them."""

from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

import typer
from typer.core import TyperGroup

GROUP = "majlis.commands"


class WithOtherCommands(TyperGroup):
    """`majlis` and what the entry points of `majlis.commands` name beside it.

    A host's package has the control plane alone: a command whose package isn't installed isn't there. Typer
    carries a copy of Click inside that has no public name, hence no better types here.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *sorted(_others())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in (others := _others()):
            return own
        command = typer.main.get_command(others[cmd_name].load())
        command.name = cmd_name
        return command


def _others() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP) if _installed(entry)}


def _installed(entry: EntryPoint) -> bool:
    package = entry.module.partition(".")[0]
    return find_spec(package) is not None and find_spec(entry.module) is not None
