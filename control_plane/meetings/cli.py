"""`majlis mail`: letters of which nobody knows whether the relay took them, and the operator's word on them."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from control_plane.database import utc_now
from control_plane.desk import set_up_desk
from control_plane.meetings.service import send_again, stranded
from control_plane.permission import Permission
from control_plane.settings import load_settings

mail = typer.Typer(help="Letters that wait for the operator's word.", no_args_is_help=True)


@mail.command("stranded")
def list_stranded() -> None:
    """List the letters that were not sent, or of which nobody knows."""
    desk = set_up_desk(load_settings(), utc_now)
    table = Table("letter", "state", "to", "subject", "the relay's last answer", box=None)
    with desk.units.read() as session:
        for letter in stranded(session):
            table.add_row(letter.id, letter.state, letter.address, letter.subject, letter.answer)
    if table.row_count:
        Console().print(table)
    else:
        typer.echo("no letter is stranded")


@mail.command("send-again")
def resend(letter: Annotated[str, typer.Argument(help="The letter's id.")]) -> None:
    """Send a letter again, though the relay may have taken it the first time."""
    desk = set_up_desk(load_settings(), utc_now)
    with desk.units.begin() as unit:
        send_again(unit, Permission(desk.policies.engine), None, letter)
    typer.echo(f"letter {letter} is queued again")
