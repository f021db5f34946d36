"""`majlis site`: a site from its file, on the controller."""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from infra import picture, play
from infra.building import Building, roles_of
from infra.describing import (
    changes_table,
    only_lab,
    print_differences,
    print_last_words,
    print_left_out,
    site_table,
    status_table,
)
from infra.events import Event, TaskEnded
from infra.guard import examine
from infra.inventory import inventory
from infra.machines import Change, Machines
from infra.passphrase import find
from infra.progress import shown
from infra.sentences import complain, console, ctrl_c, sentences, stop, tell
from infra.site import Overrides, Site, load_site, shipped
from infra.state import SiteState, state_of, utc_now, write_private

app = typer.Typer(
    help="A site: machines, keys and what runs on them, from one file.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Where = Annotated[
    str,
    typer.Argument(
        metavar="SITE", help="A site file, or the name of a shipped one: lab, single, parliament."
    ),
]
State = Annotated[
    Path | None,
    typer.Option("--state", help="Directory for what is kept of the site; else under XDG_STATE_HOME."),
]
Jitsi = Annotated[
    Path | None,
    typer.Option("--jitsi-packages", help="Directory of Jitsi's .deb files, instead of the file's source."),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show each task on each host.")]
Tags = Annotated[
    list[str] | None, typer.Option("--tags", help="Only these Ansible roles; may be given again.")
]
Limit = Annotated[list[str] | None, typer.Option("--limit", help="Only these hosts; may be given again.")]
AskSudo = Annotated[
    bool, typer.Option("--ask-sudo-password", help="Ask for the password that sudo wants on the hosts.")
]


@dataclass(frozen=True, slots=True)
class Desk:
    """A site that passed the guard, its state, and a way to its machines."""

    site: Site
    state: SiteState
    note: str
    machines: Machines = field(repr=False)

    def building(self, sudo_password: str | None = None) -> Building:
        return Building(self.site, self.state, self.machines, sudo_password)


@app.command()
def check(site: Where, jitsi: Jitsi = None) -> None:
    """Say whether a site file is right, and what site it describes. Touches nothing."""
    with sentences():
        console.print(site_table(_read(site, jitsi)))


@app.command()
def preview(
    site: Where, state: State = None, jitsi: Jitsi = None, limit: Limit = None, tags: Tags = None
) -> None:
    """Show what `up` would change, on machines and in their configuration. Touches nothing."""
    with sentences():
        desk = _desk(site, state, jitsi)
        changes = desk.machines.preview()
        pending = [change for change in changes if change.action != "same"]
        console.print(changes_table(pending) if pending else "machines, keys and secrets: as they should be")
        _compare(desk, limit, tags)


@app.command()
def up(
    site: Where,
    state: State = None,
    jitsi: Jitsi = None,
    tags: Tags = None,
    limit: Limit = None,
    verbose: Verbose = False,
    ask_sudo_password: AskSudo = False,
) -> None:
    """Make the machines that are missing and configure all of them; again, and it goes on where it stopped."""
    with sentences():
        desk = _desk(site, state, jitsi, changes=True)
        password = typer.prompt("sudo password on the hosts", hide_input=True) if ask_sudo_password else None
        with (
            ctrl_c(),
            desk.state.lock("up"),
            shown(console, _expected(desk.site, limit), verbose=verbose) as hear,
        ):
            desk.building(password).up(
                tell, hear, play.Options(tags=tuple(tags or ()), limit=tuple(limit or ()))
            )
        write_private(desk.state.picture, picture.draw(desk.site))
        print_last_words(console, desk.site, desk.state)


@app.command()
def status(site: Where, state: State = None) -> None:
    """Say which hosts are up, what runs on them, how long certificates last, and draw the site."""
    with sentences():
        read = _read(site, None)
        place = state_of(read.name, os.environ, state)
        write_private(place.picture, picture.draw(read))
        if (last := place.last_up()) is None:
            tell(f"{read.name} was never built from here. `majlis site up {site}` builds it.")
            tell(f"What it would be: {place.picture}")
            return
        desk = _desk(site, state, None)
        built = desk.machines.built()
        if built is not None:
            console.print(status_table(read, desk.building().look(built), utc_now()))
        tell(f"last up: {last.began}, {last.outcome}")
        if not last.whole:
            tell("`majlis site up` goes on where it stopped.")
        if last.digest != desk.building().digest():
            tell(
                "The site file or the playbooks changed since: `majlis site preview` shows what would change."
            )
        print_left_out(console, place)
        tell(f"picture: {place.picture}")


@app.command()
def down(
    site: Where,
    state: State = None,
    yes: Annotated[
        str, typer.Option("--yes", metavar="NAME", help="The site's name, instead of being asked for it.")
    ] = "",
    with_data: Annotated[
        str,
        typer.Option(
            "--with-data", metavar="NAME", help="The site's name again: also what can't be made anew."
        ),
    ] = "",
) -> None:
    """Remove a site. Says first what will be lost, and asks."""
    with sentences("down"):
        desk = _desk(site, state, None)
        name = desk.site.name
        lost = desk.machines.kept()
        if not lost:
            tell(f"nothing of {name} is here")
            return
        console.print(changes_table(lost))
        _may_go(name, lost, yes, with_data)
        with desk.state.lock("down"):
            desk.machines.down(tell)
        desk.state.forget()
        tell(f"{name} is gone")


@app.command("inventory")
def print_inventory(site: Where) -> None:
    """Print what the playbooks see of a site, without its secrets."""
    with sentences():
        typer.echo(json.dumps(inventory(_read(site, None), None), indent=2, ensure_ascii=False))


@app.command()
def password(site: Where, state: State = None) -> None:
    """Print the first administrator's address and password, a line each."""
    with sentences():
        desk = _desk(site, state, None)
        built = desk.machines.built()
        if built is None:
            stop(f"{desk.site.name} was never built from here", 2)
        typer.echo(
            f"administrator@{desk.site.domain}\n{built.secrets.values['first_administrator_password']}"
        )


def _read(where: str, jitsi: Path | None) -> Site:
    """Return the site of a file or of a shipped name that the guard has nothing against (raises SiteInvalid)."""
    path = Path(where)
    if not path.exists() and "/" not in where and not path.suffix:
        path = shipped(where)
    if not path.is_file():
        raise FileNotFoundError(f"{where}: neither a file nor the name of a shipped site")
    site = load_site(path, Overrides(jitsi_packages=jitsi.absolute() if jitsi else None))
    if objections := examine(site):
        for objection in objections:
            complain(f"{path}: {objection.where}: {objection.reason} [{objection.rule}]")
        stop("the site is not built: mend the file, then try again", 2)
    return site


def open_machines(site: Site, state: SiteState, passphrase: str) -> Machines:
    """Return whoever makes this site's machines."""
    from infra.engine import machines_of  # noqa: PLC0415 — Pulumi takes a second to load; `check` can do without

    return machines_of(site, state, passphrase)


def _desk(where: str, state: Path | None, jitsi: Path | None, *, changes: bool = False) -> Desk:
    site = _read(where, jitsi)
    place = state_of(site.name, os.environ, state)
    ask = (
        (lambda: str(typer.prompt("passphrase of the site's secrets", hide_input=True)))
        if sys.stdin.isatty()
        else None
    )
    found = find(place, os.environ, only_lab=only_lab(site), ask=ask, keep=changes)
    if found.note:
        tell(found.note)
    return Desk(site, place, found.note, open_machines(site, place, found.text))


def _compare(desk: Desk, limit: list[str] | None, tags: list[str] | None) -> None:
    """Print what the playbook would change on the hosts that are there."""
    built = desk.machines.built()
    if built is None or not built.host_keys:
        tell("no host exists yet, so there is no configuration to compare")
        return
    hosts = tuple(name for name in built.host_keys if name in (limit or desk.site.hosts))
    ended: list[TaskEnded] = []

    def hear(event: Event) -> None:
        if isinstance(event, TaskEnded):
            ended.append(event)

    with console.status("comparing the hosts with the playbooks"):
        desk.building().compare(built, hear, play.Options(limit=hosts, tags=tuple(tags or ())))
    print_differences(console, ended)
    changed = sum(one.status == "changed" for one in ended)
    tell(f"configuration of {len(hosts)} hosts: {changed or 'no'} change{'' if changed == 1 else 's'}")


def _may_go(name: str, lost: tuple[Change, ...], yes: str, with_data: str) -> None:
    protected = [change for change in lost if change.protected]
    if protected and with_data != name:
        kept = ", ".join(f"{change.kind} {change.name}" for change in protected)
        stop(f"{kept}: protected, since it can't be made anew. With --with-data {name} it goes too.", 2)
    typed = yes or (typer.prompt(f"Type {name} to remove all this") if sys.stdin.isatty() else "")
    if typed != name:
        stop(f"nothing was removed: say --yes {name}, or type it when asked", 2)


def _expected(site: Site, limit: list[str] | None) -> dict[str, tuple[str, ...]]:
    return {host: roles for host, roles in roles_of(site).items() if not limit or host in limit}
