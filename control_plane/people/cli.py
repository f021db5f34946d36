"""`majlis people`: the first accounts, made by the operator at the machine's console."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from control_plane.database import utc_now
from control_plane.desk import set_up_desk
from control_plane.people.service import (
    PersonDetails,
    add_person,
    everybody,
    find_person,
    give_duty,
    set_password,
)
from control_plane.permission import Permission
from control_plane.policy import Duty
from control_plane.settings import load_settings

people = typer.Typer(help="Accounts, as the operator at the console makes them.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(help="The account's e-mail address.")]


@people.command()
def add(
    email: Email,
    name_ar: Annotated[str, typer.Option(help="Name in Arabic letters.")],
    name_fr: Annotated[str, typer.Option(help="Name in Latin letters.")],
    language: Annotated[str, typer.Option(help="ar, fr, en or zgh.")] = "ar",
    duty: Annotated[Duty | None, typer.Option(help="A duty to begin with.")] = None,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Add an account with a password, such as the first administrator's."""
    desk = set_up_desk(load_settings(), utc_now)
    new = desk.entrance.passwords.prepare(password)
    permission = Permission(desk.policies.engine)
    details = PersonDetails(names={"ar": name_ar, "fr": name_fr}, email=email, language=language)
    with desk.units.begin() as unit:
        person_id = add_person(unit, permission, None, details)
        set_password(unit, permission, None, person_id, new)
        if duty is not None:
            give_duty(unit, permission, None, person_id=person_id, duty=duty)
    typer.echo(f"added {email} ({person_id})")


@people.command("password")
def password_of(
    email: Email,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Give an account another password; its sessions end."""
    desk = set_up_desk(load_settings(), utc_now)
    new = desk.entrance.passwords.prepare(password)
    with desk.units.begin() as unit:
        person = find_person(unit.session, email, unit.now)
        if person is None:
            typer.echo(f"no account {email}", err=True)
            raise typer.Exit(1)
        set_password(unit, Permission(desk.policies.engine), None, person.id, new)
    typer.echo(f"the password of {email} was replaced")


@people.command("list")
def list_people() -> None:
    """List the accounts, their functions and duties."""
    desk = set_up_desk(load_settings(), utc_now)
    table = Table("account", "name", "functions", "duties", "", box=None)
    with desk.units.read() as session:
        for person in everybody(session, desk.units.clock()):
            functions = ", ".join(f"{function} of {body}" for body, function in sorted(person.functions))
            duties = ", ".join(sorted(person.duties))
            disabled = "disabled" if person.disabled else ""
            table.add_row(person.email, person.name_in("fr"), functions, duties, disabled)
    if table.row_count:
        Console().print(table)
    else:
        typer.echo("no accounts yet; `majlis people add` makes the first")
