"""Machines that are there and reachable by SSH: looked at closely, refused with every reason, never changed."""

from collections.abc import Callable, Iterator

from infra.hosts.inspection import ACCOUNT, Door, Inspection, door, inspect, offered_key
from infra.hosts.machine import (
    Absent,
    MachineFacts,
    MachineRefused,
    MachineSecrets,
    MachineSpec,
    MachineUnreachable,
)

OS_RELEASE = "debian 12"
# A join token lives for seconds and a one-time password for 30: beyond this the two clocks tell different stories.
CLOCK_SECONDS = 5.0
# A kernel keeps a part of what is built in; a fifteenth was the most seen, on a machine of 1 GiB.
MEMORY_SHARE = 0.9
CONSOLE = "/etc/ssh/ssh_host_ed25519_key.pub"


class Existing:
    """The kind `existing`."""

    def __init__(
        self,
        secrets: MachineSecrets,
        look: Callable[[Door], Inspection] = inspect,
        offered: Callable[[str, int], str] = offered_key,
    ) -> None:
        self._secrets, self._look, self._offered = secrets, look, offered

    def create(self, spec: MachineSpec) -> MachineFacts:
        """Look, and refuse with all that is wrong (raises MachineRefused, HostKeyWrong, MachineUnreachable)."""
        seen = self._seen(spec)
        if problems := tuple(unfit(spec, seen)):
            raise MachineRefused(spec.name, problems)
        return seen.facts

    def examine(self, spec: MachineSpec) -> MachineFacts | Absent:
        """Return what is there; Absent when nothing answers (raises MachineRefused, HostKeyWrong)."""
        try:
            return self._seen(spec).facts
        except MachineUnreachable as silent:
            return Absent(str(silent))

    def destroy(self, spec: MachineSpec) -> None:
        """Touch nothing: the machine was there before us and stays."""

    def _seen(self, spec: MachineSpec) -> Inspection:
        return self._look(door(spec, self._secrets, pinned(spec, self._offered)))


def machine(secrets: MachineSecrets) -> Existing:
    """Return the maker of this kind."""
    return Existing(secrets)


def pinned(spec: MachineSpec, offered: Callable[[str, int], str] = offered_key) -> str:
    """Return the host key of the site file; without one a person has to look (raises MachineRefused)."""
    if key := str(spec.options.get("host_key", "")):
        return key
    shown = offered(spec.management, int(spec.options.get("port", 22)))
    what = f"it shows {shown}; write that under options" if shown else "write the key under options"
    raise MachineRefused(
        spec.name,
        (f"has no host_key in the site file: {what} if its console says the same (cat {CONSOLE})",),
    )


def unfit(spec: MachineSpec, seen: Inspection) -> Iterator[str]:
    """Yield a sentence for each reason why this host can't serve as the one described."""
    facts = seen.facts
    if facts.os_release != OS_RELEASE:
        yield f"runs {facts.os_release or 'an unknown system'}, must run {OS_RELEASE}: install it anew"
    if facts.cores < spec.cores:
        yield f"has {facts.cores} cores, the site file wants {spec.cores}"
    if facts.memory_mib < spec.memory_mib * MEMORY_SHARE:
        yield f"has {facts.memory_mib} MiB of memory, the site file wants {spec.memory_mib}"
    if facts.disk_gib < spec.disk_gib:
        yield f"has a disk of {facts.disk_gib} GiB, the site file wants {spec.disk_gib}"
    if abs(seen.clock_offset) > CLOCK_SECONDS:
        yield f"has a clock {_off(seen.clock_offset)}: set it there with date -u -s @$(date +%s) sent from here"
    if spec.disk_encrypted and not facts.encrypted:
        yield "has mounted disks or swap that aren't encrypted (lsblk shows no crypt above them): install it on LUKS"
    if seen.root_rights == "none":
        yield f"has no sudo for {spec.options.get('user', ACCOUNT)}: install sudo and add the account to its group"


def _off(offset: float) -> str:
    return f"{abs(offset):.0f} s {'ahead' if offset > 0 else 'behind'}"
