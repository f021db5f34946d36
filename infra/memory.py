"""Files, directories and pipes for a child process that leave nothing secret on a disk."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MEMORY = Path("/dev/shm")  # noqa: S108 — a directory of our own is made in it


@dataclass(slots=True)
class Pipe:
    """A pipe whose writing end is handed to a child."""

    reads: int
    writes: int

    def shut(self) -> None:
        """Close our copy of the writing end, so that the child's is the last."""
        if self.writes >= 0:
            os.close(self.writes)
            self.writes = -1


@contextmanager
def pipe() -> Iterator[Pipe]:
    """Give a pipe; what of it is ours is closed at the end of the block."""
    made = Pipe(*os.pipe())
    try:
        yield made
    finally:
        made.shut()
        os.close(made.reads)


@contextmanager
def in_memory(label: str, text: str) -> Iterator[Path]:
    """Give the path of a file in memory with this text, for children of ours; it ends with the block."""
    descriptor = os.memfd_create(label, os.MFD_CLOEXEC)
    try:
        os.fchmod(
            descriptor, 0o600
        )  # ssh refuses a key that others could read; Ansible runs what is executable
        with os.fdopen(os.dup(descriptor), "w", encoding="utf-8") as file:
            file.write(text if text.endswith("\n") else text + "\n")
        yield Path(f"/proc/{os.getpid()}/fd/{descriptor}")
    finally:
        os.close(descriptor)


@contextmanager
def scratch_directory() -> Iterator[str]:
    """Give a directory in memory, where rendered templates lie for a moment."""
    directory = tempfile.mkdtemp(prefix="majlis-", dir=MEMORY if MEMORY.is_dir() else None)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)  # a socket may vanish while we look at it


@contextmanager
def private_log(log: Path) -> Iterator[IO[str]]:
    """Open the log to add to it, readable by nobody else."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        yield file
