"""Building a site: the machines first, then what runs on them, and a record of how far it came."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from infra import play
from infra.events import Event, Recap, Status, TaskEnded
from infra.failures import PlayInterrupted
from infra.inventory import inventory
from infra.looking import Seen, look
from infra.machines import Built, Machines
from infra.memory import in_memory
from infra.playbook import read_playbook
from infra.site import Site
from infra.ssh import Access
from infra.state import LastUp, SiteState, utc_now, write_private

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Building:
    """A site, where its state is, and who makes its machines."""

    site: Site
    state: SiteState
    machines: Machines
    sudo_password: str | None = field(default=None, repr=False)

    def up(self, say: Say, on_event: Callable[[Event], None], options: play.Options) -> Recap:
        """Make the machines and configure them; run again, it goes on where it stopped.

        Raises PlaybookWrong, MachinesFailed, HostsFailed, PlaybookBroken, PlayInterrupted.
        """
        inventory(self.site, None)  # a playbook that can't be read stops here, before any machine is made
        last = self.state.last_up()
        if last and not last.whole:
            say(f"continuing: the last up, of {last.began}, was {last.outcome}")
        partial = bool(options.tags or options.limit)
        left_out = LeftOut(set(last.left_out) if last and partial else set())

        def hear(event: Event) -> None:
            left_out.hear(event)
            on_event(event)

        with self._recorded(left_out):
            built = self.machines_only(say)
            return self._play(built, "up", hear, options)

    def machines_only(self, say: Say) -> Built:
        """Make the machines, keys and secrets, and keep what later commands need (raises MachinesFailed)."""
        built = self.machines.up(say)
        self._keep(built)
        return built

    def compare(self, built: Built, on_event: Callable[[Event], None], options: play.Options) -> Recap:
        """Tell what the playbook would change on the hosts that exist, and touch nothing (raises as `up` does)."""
        return self._play(built, "preview", on_event, replace(options, check=True))

    @contextmanager
    def access(self, built: Built) -> Iterator[Access]:
        """Give the way to the hosts for the length of the block; the private key is in memory only."""
        with in_memory("key", built.ssh_key) as key:
            yield Access(self.state.known_hosts, key)

    def look(self, built: Built) -> dict[str, Seen]:
        """Return how the hosts that were made fare; changes nothing."""
        told = inventory(self.site, None)["all"]["hosts"]
        accounts = {
            name: f"{told[name]['ansible_user']}@{told[name]['ansible_host']}" for name in built.host_keys
        }
        with self.access(built) as access:
            return look(accounts, access)

    def digest(self) -> str:
        """Return a digest of all that a host's configuration is made from: the site file and the playbooks."""
        made_of = hashlib.sha256(self.site.model_dump_json().encode())
        for file in sorted(play.PLAYBOOKS.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                made_of.update(str(file.relative_to(play.PLAYBOOKS)).encode() + file.read_bytes())
        return made_of.hexdigest()

    def _keep(self, built: Built) -> None:
        """Lay down what later commands and people need and nobody need hide."""
        addresses = {
            str(self.site.hosts[name].address("management")): key for name, key in built.host_keys.items()
        }
        self.state.pin(addresses)
        write_private(self.state.authority, built.secrets.authority)

    def _play(
        self, built: Built, command: str, on_event: Callable[[Event], None], options: play.Options
    ) -> Recap:
        told = inventory(self.site, built.secrets)
        if self.sudo_password is not None:
            told["all"]["vars"]["ansible_become_password"] = self.sudo_password
        with self.access(built) as access:
            return play.run(told, access, self.state.log(command, utc_now()), on_event, options)

    @contextmanager
    def _recorded(self, left_out: "LeftOut") -> Iterator[None]:
        up = LastUp(began=f"{utc_now():%Y-%m-%dT%H:%M:%SZ}", digest=self.digest())
        self.state.record(up)  # a power cut during the block leaves "interrupted"
        outcome = "failed"
        try:
            yield
            outcome = "done"
        except (PlayInterrupted, KeyboardInterrupt):
            outcome = "interrupted"
            raise
        finally:
            ended = f"{utc_now():%Y-%m-%dT%H:%M:%SZ}"
            self.state.record(replace(up, ended=ended, outcome=outcome, left_out=left_out.lines()))


@dataclass(slots=True)
class LeftOut:
    """What roles could not do and where, as lines `HOST: WORDS`."""

    said: set[str]

    def hear(self, event: Event) -> None:
        if isinstance(event, TaskEnded) and event.status is Status.left_out:
            self.said.add(f"{event.host}: {event.message}")

    def lines(self) -> tuple[str, ...]:
        return tuple(sorted(self.said))


def roles_of(site: Site) -> dict[str, tuple[str, ...]]:
    """Return which Ansible roles each host will see."""
    playbook = read_playbook()
    everywhere = playbook.groups.get("all", ())
    return {
        name: (*everywhere, *(role for group in host.roles for role in playbook.groups.get(group, ())))
        for name, host in site.hosts.items()
    }
