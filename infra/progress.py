"""What a sysadmin sees while a playbook runs: a live table at a terminal, plain lines everywhere else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra.events import Event, Recap, Status, TaskBegan, TaskEnded

Roles = Mapping[str, Sequence[str]]
OUTSIDE = "first look"  # what gathers facts belongs to no role
COLOURS = {"failed": "red", "unreachable": "red", "changed": "yellow", "done": "green"}


@dataclass(slots=True)
class Stretch:
    """A role on a host, from its first task to the last of the same role in a row."""

    host: str
    role: str
    tasks: int = 0
    changed: int = 0
    seconds: float = 0.0
    stopped: TaskEnded | None = None

    def hear(self, ended: TaskEnded) -> None:
        self.seconds += ended.seconds
        self.tasks += ended.status is not Status.skipped
        self.changed += ended.status is Status.changed
        if ended.status in (Status.failed, Status.unreachable):
            self.stopped = ended

    def line(self) -> str:
        """Say in one line how the role went."""
        if self.stopped is not None:
            outcome = f"{self.stopped.status.upper()}  {self.stopped.task}"
        else:
            outcome = f"{self.changed} changed" if self.changed else "nothing to do"
        return f"{self.host:<12} {self.role or OUTSIDE:<16} {self.seconds:>6.1f} s  {outcome}"


@dataclass(slots=True)
class Row:
    """Where a host stands."""

    task: str = ""
    roles: set[str] = field(default_factory=set)
    changed: int = 0
    state: str = "waits"


@dataclass(slots=True)
class Board:
    """Everything heard of a run, by host; `expected` says which roles each host will see."""

    expected: Roles
    rows: dict[str, Row] = field(default_factory=dict)
    recap: Recap | None = None
    _open: dict[str, Stretch] = field(default_factory=dict)
    _role: str = ""

    def __post_init__(self) -> None:
        self.rows = {host: Row() for host in self.expected}

    def hear(self, event: Event) -> list[Stretch]:
        """Take an event in, and return the roles that ended with it."""
        match event:
            case TaskBegan(role=role) if role != self._role:
                self._role = role
                return self._close()
            case TaskEnded():
                return self._ended(event)
            case Recap():
                self.recap = event
                closed = self._close()
                for host in event.hosts:
                    row = self.rows.setdefault(host, Row())
                    row.state = row.state if row.state in COLOURS else "done"
                return closed
        return []

    def table(self) -> Table:
        """Draw where each host stands."""
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("host", "state", "roles", "changed", "task"):
            table.add_column(heading, no_wrap=True, overflow="ellipsis")
        for host, row in self.rows.items():
            state = Text(row.state, style=COLOURS.get(row.state, ""))
            roles = (
                f"{len(row.roles)}/{len(self.expected[host])}"
                if self.expected.get(host)
                else str(len(row.roles))
            )
            table.add_row(Text(host), state, roles, str(row.changed), Text(row.task))
        return table

    def _ended(self, event: TaskEnded) -> list[Stretch]:
        row = self.rows.setdefault(event.host, Row())
        row.task = event.task
        row.state = event.role or OUTSIDE
        row.changed += event.status is Status.changed
        if event.role:
            row.roles.add(event.role)
        stretch = self._open.setdefault(event.host, Stretch(event.host, event.role))
        stretch.hear(event)
        if stretch.stopped is None:
            return []
        row.state = event.status.value
        return [self._open.pop(event.host)]

    def _close(self) -> list[Stretch]:
        closed = [stretch for stretch in self._open.values() if stretch.tasks]
        self._open.clear()
        return closed


@contextmanager
def shown(console: Console, expected: Roles, *, verbose: bool = False) -> Iterator[Callable[[Event], None]]:
    """Show a run for the length of the block; give what to call with each event."""
    board = Board(expected)
    if not console.is_terminal:
        yield lambda event: _plain(console, board, event, verbose=verbose)
        return
    with Live(board.table(), console=console, refresh_per_second=4, transient=True) as live:

        def hear(event: Event) -> None:
            for stretch in board.hear(event):
                if stretch.stopped is not None:
                    _say(console, stretch.line(), "red")
            if verbose:
                _task(console, event)
            live.update(board.table())

        yield hear
    console.print(board.table())


def _plain(console: Console, board: Board, event: Event, *, verbose: bool) -> None:
    if verbose:
        _task(console, event)
    for stretch in board.hear(event):
        _say(console, stretch.line(), "red" if stretch.stopped else "")


def _task(console: Console, event: Event) -> None:
    if isinstance(event, TaskEnded) and event.status is not Status.skipped:
        _say(
            console,
            f"  {event.host:<12} {event.role}: {event.task}  {event.status}  {event.seconds:.1f} s",
            "dim",
        )


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)
