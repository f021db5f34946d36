"""`majlis policy check`: is this directory a valid set, and what would be worth a second look?"""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from control_plane.policy import ruleset
from control_plane.policy.engine import PolicyEngine
from control_plane.policy.facts import Action
from control_plane.policy.files import PolicySetInvalid, unread
from control_plane.policy.ruleset import RuleSet

app = typer.Typer(help="Who may do what: check and explain the policies.", no_args_is_help=True)
Directory = Annotated[Path, typer.Argument(metavar="[DIR]", help="The directory of the policies.")]


@app.callback()
def policy() -> None:
    """Who may do what: check and explain the policies."""


@app.command()
def check(directory: Directory = Path("policies")) -> None:
    """Load the policies as the control plane would, and say what is wrong, where, and how to mend it."""
    console = Console()
    try:
        engine = PolicyEngine.load(directory)
    except PolicySetInvalid as invalid:
        _tell_problems(console, invalid)
        raise typer.Exit(1) from invalid
    console.print(_files(engine.rules))
    console.print(f"{len(engine.rules.policies)} policies, digest {engine.digest}", soft_wrap=True)
    for warning in warnings(directory, engine.rules):
        console.print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True)


def warnings(directory: Path, rules: RuleSet) -> list[str]:
    """Return what is valid and yet probably not meant."""
    return [
        *(f"{name} is not read: only .cedar files are" for name in unread(directory)),
        *(
            f'no policy permits "{action}": it is refused to everybody'
            for action in Action
            if all(policy.effect == "forbid" for policy in rules.concerning(action))
        ),
        *_same_rules(rules),
    ]


def _same_rules(rules: RuleSet) -> list[str]:
    first: dict[str, ruleset.Policy] = {}
    found = []
    for policy in rules.policies.values():
        rule = json.dumps({**policy.parsed, "annotations": {}}, sort_keys=True)
        earlier = first.setdefault(rule, policy)
        if earlier is not policy:
            found.append(f"{policy.id} says the same as {earlier.id}: changing one alone changes nothing")
    return found


def _files(rules: RuleSet) -> Table:
    table = Table("file", "permit", "forbid", box=None)
    count = Counter((policy.source.file, policy.effect) for policy in rules.policies.values())
    for file in sorted({file for file, _ in count}):
        table.add_row(file, str(count[file, "permit"]), str(count[file, "forbid"]))
    return table


def _tell_problems(console: Console, invalid: PolicySetInvalid) -> None:
    for problem in invalid.problems:
        console.print(f"[red]{escape(problem.file)}:{problem.line}[/] {escape(problem.what)}", soft_wrap=True)
        console.print(f"    {escape(problem.mend)}", soft_wrap=True)
    console.print("not loaded; a set in force stays in force", soft_wrap=True)
