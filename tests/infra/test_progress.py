"""What the sysadmin sees of a run."""

import io

from rich.console import Console

from infra.events import Counts, Event, Recap, Status, TaskBegan, TaskEnded
from infra.progress import Board, shown

ROLES = {"edge1": ("base", "web"), "turn1": ("base", "coturn")}


def began(role: str, task: str = "t") -> TaskBegan:
    return TaskBegan(role, task, "debug", 0.0)


def ended(host: str, role: str, status: Status = Status.ok, task: str = "t", message: str = "") -> TaskEnded:
    return TaskEnded(host, role, task, status, message, 0.5, "")


RUN: tuple[Event, ...] = (
    began("base"),
    ended("edge1", "base", Status.changed),
    ended("turn1", "base"),
    ended("turn1", "base", Status.left_out, message="kernel settings"),
    began("web"),
    ended("edge1", "web", Status.failed, "Install", "no space left on device"),
    began("coturn"),
    ended("turn1", "coturn", Status.skipped),
    Recap({"edge1": Counts(1, 1, 1, 0), "turn1": Counts(2, 0, 0, 0)}),
)


def lines(*, verbose: bool = False, terminal: bool = False) -> list[str]:
    output = io.StringIO()
    console = Console(file=output, width=120, force_terminal=terminal, no_color=True)
    with shown(console, ROLES, verbose=verbose) as hear:
        for event in RUN:
            hear(event)
    return output.getvalue().splitlines()


def test_a_file_gets_one_line_a_host_and_role() -> None:
    assert lines() == [
        "edge1        base                0.5 s  1 changed",
        "turn1        base                1.0 s  nothing to do",
        "edge1        web                 0.5 s  FAILED  Install",
    ]


def test_verbose_shows_each_task_that_ran() -> None:
    told = [line for line in lines(verbose=True) if line.startswith("  ")]
    assert len(told) == 4
    assert told[0] == "  edge1        base: t  changed  0.5 s"


def test_a_terminal_ends_with_the_table_of_all_hosts() -> None:
    last = "\n".join(lines(terminal=True)[-3:])
    assert "edge1" in last
    assert "failed" in last
    assert "turn1" in last
    assert "done" in last


def test_the_board_keeps_where_each_host_stands() -> None:
    board = Board(ROLES)
    for event in RUN:
        board.hear(event)
    assert board.rows["edge1"].state == "failed"
    assert board.rows["turn1"].roles == {"base", "coturn"}
