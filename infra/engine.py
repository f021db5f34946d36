"""Pulumi for one site: what would change, make it, remove it. The engine runs the program of infra.cluster."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pulumi.automation import (
    CommandError,
    LocalWorkspace,
    ProjectBackend,
    ProjectSettings,
    StackNotFoundError,
)

from infra.cluster import Order, declare
from infra.engine_events import Listener
from infra.engine_failures import (
    CertificateUnreadable,
    EngineMissing,
    MachineFailed,
    PassphraseWrong,
    Protected,
    SomeFailed,
    StateLocked,
    StateUnreachable,
    explain,
)
from infra.exported import built_from
from infra.hosts import machine
from infra.inventory import Leaf
from infra.machines import Built, Change
from infra.memory import in_memory, scratch_directory
from infra.providers import MachineOf
from infra.pulumi_program import Program, find_engine
from infra.pulumi_stack import Stack
from infra.resource_names import named
from infra.site import Site
from infra.state import SiteState, private_directory, utc_now

__all__ = [
    "CertificateUnreadable",
    "Engine",
    "EngineMissing",
    "MachineFailed",
    "PassphraseWrong",
    "Protected",
    "SomeFailed",
    "StateLocked",
    "StateUnreachable",
    "machines_of",
]

PROJECT = "majlis"
Say = Callable[[str], None]


def machines_of(site: Site, state: SiteState, passphrase: str) -> "Engine":
    """Return whoever makes this site's machines (raises EngineMissing)."""
    program = Program(find_engine(os.environ), os.environ)
    return Engine(
        site, state, passphrase, program, board_password=os.environ.get("MAJLIS_BOARD_PASSWORD", "")
    )


@dataclass(frozen=True)
class Engine:
    """One site and where its state is. Everything that is raised is a MachinesFailed."""

    site: Site
    state: SiteState
    passphrase: str = field(repr=False)
    program: Program = field(repr=False)
    machine_of: MachineOf = machine.machine
    clock: Callable[[], datetime] = utc_now
    board_password: str = field(default="", repr=False)

    def built(self) -> Built | None:
        """Return what exists, also after an `up` that some hosts failed; None before anything was made."""
        built = built_from(self._resources("--show-secrets"))
        return _with_brought(built, self.site) if built is not None else None

    def preview(self, rotate: Mapping[str, str] | None = None) -> tuple[Change, ...]:
        """Return what `up` would change and what stays; touches neither machines nor state."""
        heard = Listener()
        if self._exists():
            with self._stack(self.directory) as stack:
                try:
                    stack.compare(self._declare(rotate), heard.hear)
                except StackNotFoundError:
                    pass
                except CommandError as error:
                    raise explain(error, heard.failures) from None
                else:
                    return heard.found()
        with scratch_directory() as directory, self._stack(Path(directory), scratch=True) as stack:
            try:
                stack.begin()
                stack.compare(self._declare(rotate), heard.hear)
            except CommandError as error:
                raise explain(error, heard.failures) from None
        return heard.found()

    def up(self, on_event: Say, rotate: Mapping[str, str] | None = None) -> Built:
        """Make what is missing; after an interruption go on where it stopped."""
        private_directory(self.directory)
        self._refuse_to_lose()
        heard = Listener(on_event)
        with self._stack(self.directory) as stack:
            try:
                stack.change(self._declare(rotate), heard.hear, on_event)
            except CommandError as error:
                raise explain(error, heard.failures) from None
        built = self.built()
        if built is None:
            raise StateUnreachable("the engine ended well and left nothing behind")
        return built

    def down(self, on_event: Say, *, with_data: bool = True) -> None:
        """Remove everything; without `with_data`, refuse when something protected would go (raises Protected)."""
        kept = self.kept()
        precious = tuple(change for change in kept if change.protected)
        if precious and not with_data:
            told = ", ".join(f"{change.kind} {change.name}" for change in precious)
            raise Protected(f"nothing was removed: {told} can't be made again", precious)
        if not self._exists():
            return
        heard = Listener(on_event)
        with self._stack(self.directory) as stack:
            try:
                stack.remove(heard.hear, on_event)
            except StackNotFoundError:
                return
            except CommandError as error:
                raise explain(error, heard.failures) from None

    def kept(self) -> tuple[Change, ...]:
        """Return what `down` would remove, protected or not."""
        return tuple(
            Change("delete", *key, protected=bool(resource.get("protect")))
            for resource in self._resources()
            if (key := named(resource["urn"])) is not None
        )

    def refresh(self, on_event: Say) -> None:
        """Look at each machine and correct what the state says of it; changes no machine."""
        heard = Listener(on_event)
        with self._stack(self.directory) as stack:
            try:
                stack.look(heard.hear, on_event)
            except CommandError as error:
                raise explain(error, heard.failures) from None

    @property
    def directory(self) -> Path:
        """Where the engine works, and keeps its state unless the site file names another place."""
        if self.site.state and "://" not in self.site.state:
            return Path(self.site.state) / "pulumi"
        return self.state.directory / "pulumi"

    def _refuse_to_lose(self) -> None:
        """Refuse a site file that no longer has a protected host (raises Protected)."""
        gone = tuple(
            one
            for one in self.kept()
            if one.kind == "host" and one.protected and one.name not in self.site.hosts
        )
        if gone:
            names = ", ".join(one.name for one in gone)
            raise Protected(
                f"the site file no longer has {names}, and what it holds can't be made again", gone
            )

    def _exists(self) -> bool:
        return bool(self.site.state and "://" in self.site.state) or (self.directory / "Pulumi.yaml").exists()

    def _declare(self, rotate: Mapping[str, str] | None) -> Callable[[], None]:
        order = Order(
            now=self.clock(),
            zone_file=self.state.directory / f"{self.site.domain}.zone",
            machine_of=self.machine_of,
            rotate=rotate or {},
            board_password=self.board_password,
        )
        return lambda: declare(self.site, order)

    def _resources(self, *options: str) -> list[dict[str, Any]]:
        if not self._exists():
            return []
        with self._stack(self.directory) as stack:
            told = self._asked(stack, ["stack", "export", *options])
        deployment = json.loads(told or "{}").get("deployment") or {}
        resources: list[dict[str, Any]] = deployment.get("resources") or []
        return resources

    def _asked(self, stack: Stack, arguments: list[str]) -> str:
        try:
            return stack.ask(arguments)
        except StackNotFoundError:
            return ""
        except CommandError as error:
            raise explain(error, ()) from None

    @contextmanager
    def _stack(self, directory: Path, *, scratch: bool = False) -> Iterator[Stack]:
        """Give the site's stack; the passphrase is in memory, and in no environment."""
        place = self.site.state if self.site.state and "://" in self.site.state and not scratch else None
        # Each file of the state is replaced at once; what the library keeps beside it (metadata) would not be, and
        # a state whose writing was cut off there could not be read.
        backend = place or f"file://{directory}?no_tmp_dir=true&metadata=skip"
        private_directory(directory)
        with in_memory("passphrase", self.passphrase) as passphrase:
            workspace = LocalWorkspace(
                work_dir=str(directory),
                pulumi_home=str(directory / "home"),
                env_vars={
                    "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
                    "PULUMI_BACKEND_URL": backend,
                },
                secrets_provider="passphrase",
                project_settings=ProjectSettings(PROJECT, "python", backend=ProjectBackend(backend)),
                pulumi_command=self.program,
            )
            try:
                yield Stack(self.site.name, workspace)
            finally:
                shutil.rmtree(
                    directory / "home" / "logs", ignore_errors=True
                )  # encrypted, and nobody reads them


def _with_brought(built: Built, site: Site) -> Built:
    """Add the operator's own certificate to the edges: it is read where it lies, and never enters the state."""
    if site.certificate is None:
        return built
    try:
        leaf = Leaf(site.certificate.certificate.read_text(), site.certificate.key.read_text())
    except OSError as error:
        raise CertificateUnreadable(f"{error.filename}: {error.strerror}") from None
    leaves = {host: dict(by_name) for host, by_name in built.secrets.certificates.items()}
    for host in site.hosts_with("edge"):
        leaves.setdefault(host.name, {})["public"] = leaf
    return replace(built, secrets=replace(built.secrets, certificates=leaves))
