"""One process at a time changes what the hosts of a site share."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from infra.hosts.lab.names import Names


@contextmanager
def site_lock(names: Names) -> Iterator[None]:
    """Hold the site's lock; its file goes with the lab, so who waited looks whether it is still the same."""
    names.lock.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with names.lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not names.lock.exists() or os.fstat(file.fileno()).st_ino != names.lock.stat().st_ino:
                continue
            try:
                yield
            finally:
                if not names.directory.exists():
                    names.lock.unlink()
            return
