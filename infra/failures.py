"""What goes wrong on hosts, by name, and what the sysadmin does about it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from infra.events import Status, TaskEnded


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that failed on a host. Each kind says what to do about it."""

    host: str
    role: str
    task: str
    message: str

    advice: ClassVar[str] = ""
    signs: ClassVar[re.Pattern[str]] = re.compile("")

    @property
    def where(self) -> str:
        return f"{self.role}: {self.task}" if self.role else self.task


class HostKeyChanged(Failure):
    """Who answers at the address isn't the host that was made."""

    signs = re.compile(r"host key (verification|checking) failed|host key .*(changed|unknown)|unrecognized or mismatching host key|remote host identification has changed", re.I)  # fmt: skip
    advice = "Somebody else answers at that address, or the host was installed again. Compare the key at its console, then `majlis site up` again."


class SudoRefused(Failure):
    """The account may not become root, or the password was wrong."""

    signs = re.compile(r"(incorrect|missing|wrong) (sudo|become) password|sudo: .*password|sudo password is|(not in|allowed).*sudoers|not allowed to execute|sudo: .*incorrect", re.I)  # fmt: skip
    advice = "Give the right password with --ask-sudo-password, or let the account use sudo without one."


class DiskFull(Failure):
    """No space or no inodes are left."""

    signs = re.compile(r"no space left on device|disk quota exceeded|don't have enough free space|not enough (free )?space", re.I)  # fmt: skip
    advice = "Free space on the host (`df -h`, `df -i`, `journalctl --vacuum-size=100M`), then `majlis site up` again."


class ClockOff(Failure):
    """The clocks of the controller and the host disagree."""

    signs = re.compile(r"clock (is|differs|skew)|seconds (ahead|behind|off)", re.I)
    advice = (
        "Compare `date -u` on the host and here; look at `chronyc tracking`, then `majlis site up` again."
    )


class CertificateEnded(Failure):
    """A certificate isn't good now."""

    signs = re.compile(r"certificate (is not yet valid|has expired|verify failed.*(expired|not yet))|not valid yet", re.I)  # fmt: skip
    advice = "Renew your own certificate where the site file says (certificate:); the site's others are renewed, and taken by the services, by `majlis site up`. If its dates are good, compare `date -u` on the host and here."


class PortTaken(Failure):
    """Another program listens where the service would."""

    signs = re.compile(
        r"address already in use|port .*(already|is) (in use|taken)|is taken by|cannot bind", re.I
    )
    advice = "See who has the port with `ss -lntup` on the host, stop it, then `majlis site up` again."


class SourceAway(Failure):
    """The apt source doesn't answer, or ended half way."""

    signs = re.compile(r"failed to (fetch|update apt cache)|unable to (fetch|connect)|could not (connect|resolve)|some index files failed|no package matching|unable to locate package|hash sum mismatch|connection failed \[IP", re.I)  # fmt: skip
    advice = "Look whether the apt source of the site file (packages:) answers from the host, then `majlis site up` again; what is installed stays."


class HostUnreachable(Failure):
    """SSH doesn't lead to the host, or no longer does. Ansible alone says so: a program's own "connection refused" is about another door."""

    advice = "Look whether the host runs and its management address answers on port 22 (`majlis site status`), then `majlis site up` again."


class TaskFailed(Failure):
    """Anything else; the message is the program's own."""

    advice = (
        "Mend what the message says, then `majlis site up` again: what is done already is only looked at."
    )


#: the more particular first: an unreachable host may say why, and apt says "no space left" inside its own complaint
KINDS: tuple[type[Failure], ...] = (
    HostKeyChanged,
    SudoRefused,
    DiskFull,
    ClockOff,
    CertificateEnded,
    PortTaken,
    SourceAway,
)


def name(ended: TaskEnded) -> Failure:
    """Return what happened, by the signs in its message."""
    said = (ended.host, ended.role, ended.task, ended.message)
    for kind in KINDS:
        if kind.signs.search(ended.message):
            return kind(*said)
    return HostUnreachable(*said) if ended.status is Status.unreachable else TaskFailed(*said)


class PlayStopped(Exception):
    """The playbook didn't come to a good end; `log` has everything that Ansible said."""

    def __init__(self, sentence: str, log: Path) -> None:
        super().__init__(sentence)
        self.log = log


class HostsFailed(PlayStopped):
    """On one or more hosts a task failed; the other hosts went on."""

    def __init__(self, failures: Iterable[Failure], log: Path) -> None:
        self.failures = tuple(failures)
        hosts = ", ".join(failure.host for failure in self.failures)
        super().__init__(f"{hosts}: not as the playbook says", log)


class PlaybookBroken(PlayStopped):
    """Ansible itself stopped: a playbook or inventory that it can't read."""


class PlayInterrupted(PlayStopped):
    """Somebody stopped the run."""
