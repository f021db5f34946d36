"""What the controller keeps of a site between two commands: locks, logs, pinned host keys, the last `up`."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

LOGS_KEPT = 20


class SiteBusy(Exception):
    """Another command changes this site right now."""


@dataclass(frozen=True, slots=True)
class LastUp:
    """The last `up`: when it began and ended (ISO 8601, UTC), how, from what, and what roles left out."""

    began: str
    digest: str
    ended: str = ""
    outcome: str = "interrupted"
    left_out: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        return self.outcome == "done"


@dataclass(frozen=True, slots=True)
class SiteState:
    """The site's own directory, which only the operator can read."""

    directory: Path

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def authority(self) -> Path:
        """The site authority's certificate, for browsers and `curl --cacert`."""
        return self.directory / "authority.crt"

    @property
    def picture(self) -> Path:
        return self.directory / "picture.svg"

    @property
    def passphrase(self) -> Path:
        """A lab's own passphrase; real sites keep theirs elsewhere."""
        return self.directory / "passphrase"

    @property
    def empty(self) -> bool:
        """Whether nothing was ever built from here."""
        return self.last_up() is None

    def log(self, command: str, at: datetime) -> Path:
        """Return the path of a new log, and let go of the oldest beyond the last twenty."""
        logs = self.directory / "logs"
        private_directory(logs)
        for old in sorted(logs.glob("*.log"))[: -(LOGS_KEPT - 1)]:
            old.unlink()
        return logs / f"{at:%Y%m%dT%H%M%SZ}-{command}.log"

    def pin(self, host_keys: Mapping[str, str]) -> None:
        """Write the hosts' SSH keys, by address, as the only ones to be believed."""
        lines = [f"{address} {key}" for address, key in sorted(host_keys.items())]
        write_private(self.known_hosts, "".join(f"{line}\n" for line in lines))

    def last_up(self) -> LastUp | None:
        record = self.directory / "last-up.json"
        if not record.exists():
            return None
        kept = json.loads(record.read_text())
        return LastUp(**{**kept, "left_out": tuple(kept["left_out"])})

    def record(self, up: LastUp) -> None:
        write_private(self.directory / "last-up.json", json.dumps(asdict(up)))

    @contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Keep other commands from changing the site during the block (raises SiteBusy).

        The kernel lets go of the lock when the process ends, however it ends.
        """
        private_directory(self.directory)
        descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 200, 0).decode(errors="replace")
                raise SiteBusy(
                    f"{holder or 'another command'} changes this site right now; wait until it ends"
                ) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"`majlis site {command}` (process {os.getpid()})".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def forget(self) -> None:
        """Remove the directory and all in it."""
        if self.directory.exists():
            shutil.rmtree(self.directory)


def state_of(site: str, environ: Mapping[str, str], directory: Path | None = None) -> SiteState:
    """Return where the state of a site is: `directory`, or its place under XDG_STATE_HOME."""
    home = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME", "/root")) / ".local" / "state"
    return SiteState((directory or Path(home) / "majlis" / "sites" / site).absolute())


def private_directory(directory: Path) -> None:
    """Make a directory that nobody else can enter."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Replace a file at once by one that nobody else can read."""
    private_directory(path.parent)
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)


def utc_now() -> datetime:
    return datetime.now(UTC)
