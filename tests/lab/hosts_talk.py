"""What the tests of several roles ask of a host."""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any

AUTHORITY = "/etc/majlis/tls/authority.crt"  # the only one that a host's pages by TLS are trusted from
FETCH = r"""
import ssl, sys, urllib.error, urllib.request
method, url, body, authority = sys.argv[1:]
trusted = ssl.create_default_context(cafile=authority) if url.startswith("https:") else None
request = urllib.request.Request(url, body.encode() if body else None, {"Content-Type": "application/json"}, method=method)
try:
    answer = urllib.request.urlopen(request, timeout=10, context=trusted)
except urllib.error.HTTPError as refusal:
    answer = refusal
except OSError as silence:
    sys.exit(print("0", silence, sep="\n"))
print(answer.status)
print(answer.read().decode())
"""


def fetch(host: Any, url: str, method: str = "GET", body: str = "") -> tuple[int, str]:
    """Ask a host for one of its own pages; return status and body, 0 and why when nobody answers."""
    heard = host.run("python3 -c %s %s %s %s %s", FETCH, method, url, body, AUTHORITY)
    assert heard.rc == 0, heard.stderr
    status, _, text = heard.stdout.partition("\n")
    return int(status), str(text).strip()


def listening(host: Any, *programs: str) -> list[str]:
    """Return where these programs listen, as `tcp ADDRESS:PORT`."""
    pattern = "|".join(f'"{program}"' for program in programs)
    found = host.run("ss -Hlntup | grep -E %s | awk '{print $1, $5}' | sort -u", pattern)
    return sorted(found.stdout.splitlines())


def digests(host: Any, paths: Sequence[str]) -> dict[str, str]:
    """Return what is in these files, as a digest each."""
    return {path: hashlib.sha256(host.file(path).content).hexdigest() for path in paths}


def exposure(host: Any, unit: str) -> float:
    """Return how much systemd-analyze says that a service could do, from 0 (nothing) to 10."""
    found = host.check_output("systemd-analyze security %s --no-pager | tail -1", unit)
    return float(found.split(":")[1].split()[0])


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether it holds within this time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True
