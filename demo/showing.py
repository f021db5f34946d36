"""How a morning is shown: progress while it is played, then a table of who tried what."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from demo.morning import Morning, NotAsPlanned, Say
from demo.outcomes import ConnectionRefused, NotInTime, PlayerFailed
from demo.parliament import ROLES, email
from demo.people import Refused


@contextmanager
def telling(console: Console) -> Iterator[Say]:
    """Show a bar for the length of the block; give what the morning says its scenes with."""
    columns = (TextColumn("{task.description:<62}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(Morning.SCENES))
        scenes = 0

        def say(what: str) -> None:
            nonlocal scenes
            progress.update(task, description=what, completed=min(scenes, len(Morning.SCENES)))
            scenes += not what.startswith("waiting")

        yield say
        progress.update(task, completed=len(Morning.SCENES))


def played(morning: Morning) -> str:
    """Play the morning; return what was not as planned, or nothing."""
    try:
        morning.play()
    except (NotAsPlanned, NotInTime, PlayerFailed, Refused, ConnectionRefused) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def show(console: Console, morning: Morning, failure: str) -> None:
    """Print who tried what, and what was not as planned."""
    table = Table("who", "tried what", "what was decided", title="The morning", expand=True)
    table.add_column("by which policy", overflow="fold")
    for attempt in morning.attempts:
        style = "" if attempt.good else "red"
        table.add_row(attempt.who, attempt.what, attempt.outcome, attempt.decided_by, style=style)
    console.print(table)
    if failure:
        console.print(f"not as planned: {failure}", style="red", markup=False)


def accounts(password: str) -> Table:
    """Return the accounts worth signing in with."""
    table = Table("account", "password", "who", box=None, padding=(0, 2))
    for key, role in ROLES.items():
        table.add_row(email(key), password, role)
    return table
