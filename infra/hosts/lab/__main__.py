"""`python -m infra.hosts.lab VERB SITE …`: the lab by hand, without Pulumi and Ansible.

SITE is the name of a lab that runs, or (up, visitor, inventory) a site file or the name of a shipped one.
"""

import os
import sys
from typing import Annotated

import typer

from infra.hosts.lab import power, trial, visitor
from infra.hosts.lab.image import image as build_image
from infra.hosts.lab.names import Names
from infra.hosts.lab.removal import remove_every_trace, traces
from infra.hosts.machine import MachineProblem

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
Command = Annotated[list[str], typer.Argument(help="after --")]


@app.command()
def image() -> None:
    """Build the hosts' root file system, unless it is there, and print where."""
    print(build_image())


@app.command()
def up(site: str) -> None:
    """Boot the bare hosts of a site file; nothing is installed on them."""
    for name, seconds in trial.boot_all(trial.read(site)).items():
        print(f"{name}: SSH after {seconds:.1f} s")


@app.command()
def inventory(site: str) -> None:
    """Print an Ansible inventory (JSON) of the site's hosts, without secrets."""
    print(trial.inventory_text(trial.read(site)))


@app.command()
def ssh(
    site: str, host: str, command: Annotated[list[str] | None, typer.Argument(help="after --")] = None
) -> None:
    """Log in as root, or run a command there (a lab that `up` of this program booted)."""
    line = trial.ssh_command(Names(site), host)
    os.execvp(line[0], [*line, *(command or [])])  # noqa: S606 - no shell is wanted


@app.command("visitor")
def visit(site: str, command: Command) -> None:
    """Run a command as a person's computer in the users' network."""
    found = trial.read(site)
    trial.ensure_visitors(found)
    visitor.enter(Names(found.name).namespace(visitor.VISITOR), command)


@app.command()
def stranger(site: str, command: Command) -> None:
    """Run a command as a foreign computer in the cluster and management networks."""
    found = trial.read(site)
    trial.ensure_visitors(found)
    visitor.enter(Names(found.name).namespace(visitor.STRANGER), command)


@app.command()
def cut(site: str, host: str) -> None:
    """Take a host's power away."""
    power.cut(site, host)


@app.command("boot")
def power_on(site: str, host: str) -> None:
    """Give a host power and wait for SSH."""
    power.on(site, host)


@app.command()
def reboot(site: str, host: str) -> None:
    """Reboot a host and wait for SSH."""
    power.reboot(site, host)


@app.command()
def remove(site: str) -> None:
    """Remove every trace of a lab, also of one half built or half removed."""
    remove_every_trace(site)
    for left in traces(site):
        print(f"left: {left}", file=sys.stderr)


def main() -> None:
    """Run the command; a problem with a machine is a sentence, not a traceback."""
    try:
        app()
    except MachineProblem as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
