"""How `majlis site` speaks: lines to the operator, and an end with a sentence instead of a traceback."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console

from infra.describing import print_failures
from infra.failures import HostsFailed, PlayInterrupted, PlayStopped
from infra.inventory import SecretMissing
from infra.machines import MachinesFailed
from infra.passphrase import PassphraseMissing
from infra.playbook import PlaybookWrong
from infra.site import SiteInvalid
from infra.state import SiteBusy

console = Console(width=None if sys.stdout.isatty() else 160)
errors = Console(stderr=True, width=None if sys.stderr.isatty() else 160)

#: what the operator mends before anything is touched: exit status 2
REFUSALS = (SiteInvalid, SiteBusy, PassphraseMissing, PlaybookWrong, SecretMissing, FileNotFoundError)


@contextmanager
def sentences(command: str = "up") -> Iterator[None]:
    """End with a sentence and a status what the operator can do something about; all else is a fault of ours."""
    try:
        yield
    except REFUSALS as error:
        stop(str(error), 2)
    except MachinesFailed as error:
        stop(f"{error}\nMend it, then `majlis site {command}` goes on where it stopped.", 1)
    except KeyboardInterrupt:
        stop(f"stopped. `majlis site {command}` goes on from here.", 130)
    except PlayInterrupted as error:
        stop(f"{error}. `majlis site up` goes on from here. Everything said: {error.log}", 130)
    except HostsFailed as error:
        print_failures(errors, error.failures)
        stop(f"\nHosts that are not named went on. Everything that was said: {error.log}", 1)
    except PlayStopped as error:
        stop(f"{error}\nEverything that was said: {error.log}", 1)


def tell(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def complain(line: str) -> None:
    errors.print(line, style="red", markup=False, highlight=False, soft_wrap=True)


def stop(line: str, status: int) -> NoReturn:
    complain(line)
    raise typer.Exit(status)


@contextmanager
def ctrl_c() -> Iterator[None]:
    """Take a service manager's SIGTERM as Ctrl-C for the length of the block: what was begun is put in order."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
