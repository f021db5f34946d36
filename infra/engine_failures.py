"""Why Pulumi could not do what it was told, in words that say what to do."""

import re
from collections.abc import Iterable

from pulumi.automation import CommandError

from infra.machines import Change, MachinesFailed

LOCKED = re.compile(r"created by (?P<who>\S+@(?P<machine>\S+)) \(pid (?P<pid>\d+)\) at (?P<when>\S+)")


class EngineMissing(MachinesFailed):
    """There is no Pulumi engine of the right version; the text says what to run."""


class PassphraseWrong(MachinesFailed):
    """The site's state was locked with another passphrase."""


class StateLocked(MachinesFailed):
    """Another process changes the state right now, on this or another controller."""


class StateUnreachable(MachinesFailed):
    """The directory or the store that holds the state can't be read or written."""


class CertificateUnreadable(MachinesFailed):
    """The operator's own certificate or its key, which the site file names, can't be read."""


class Protected(MachinesFailed):
    """What can't be made again would be lost; `kept` has each of it."""

    def __init__(self, said: str, kept: tuple[Change, ...]) -> None:
        self.kept = kept
        super().__init__(said)


class MachineFailed(MachinesFailed):
    """One resource could not be made, changed or removed: `name` and `why`."""

    def __init__(self, kind: str, name: str, why: str) -> None:
        self.kind, self.name, self.why = kind, name, why
        super().__init__(f"{kind} {name}: {why}" if name else why)


class SomeFailed(MachinesFailed):
    """More than one resource could not be made, changed or removed; `failures` has each."""

    def __init__(self, failures: tuple[MachineFailed, ...]) -> None:
        self.failures = failures
        super().__init__("\n".join(str(failure) for failure in failures))


def explain(error: CommandError, failures: Iterable[MachineFailed]) -> MachinesFailed:
    """Return what went wrong as an error of ours; where Pulumi's own words are all there is, they are in it."""
    said = str(error)
    if "incorrect passphrase" in said:
        return PassphraseWrong("the passphrase is not the one that this site's secrets were locked with")
    if "the stack is currently locked by" in said:
        who = LOCKED.search(said)
        holder = f"{who['who']} (process {who['pid']}), since {who['when']}" if who else "another command"
        return StateLocked(f"{holder}, changes this site right now; wait until it ends")
    if found := tuple(dict.fromkeys(failures)):
        return found[0] if len(found) == 1 else SomeFailed(found)
    if re.search(r"could not (open|list|get|load)|unable to (open|check|list|read)|blob", said):
        return StateUnreachable(f"the site's state can't be reached: {_gist(said)}")
    return MachinesFailed(_gist(said))


def _gist(said: str) -> str:
    """Return the lines of Pulumi's output that say what is wrong."""
    lines = [line.strip() for line in said.splitlines()]
    wrong = [line.removeprefix("error: ") for line in lines if line.startswith("error:")]
    return "\n".join(dict.fromkeys(wrong)) or said.strip()
