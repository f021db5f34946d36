"""Looks at running hosts over SSH, all at once, and changes nothing."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from infra.ssh import Access, arguments

SECONDS = 15
#: what the sysadmin knows the roles by; whatever else runs is Debian's own
SERVICES = re.compile(
    r"^(alertmanager|coturn|etcd|haproxy|jicofo|jitsi-videobridge2?|keepalived|majlis[\w-]*|nginx|patroni"
    r"|postgresql@[\w-]+|prometheus[\w-]*|prosody|chrony|systemd-journal-(?:remote|upload)|auditd)\.service$"
)
SCRIPT = """
echo "state $(systemctl is-system-running)"
systemctl list-units --type=service --state=running,exited --plain --no-legend --full | sed 's/^/runs /'
systemctl list-units --failed --plain --no-legend --full | sed 's/^/failed /'
for file in /etc/majlis/tls/*.crt; do
    [ -r "$file" ] && { echo "certificate $(basename "$file" .crt)"; cat "$file"; }
done
exit 0
"""


@dataclass(frozen=True, slots=True)
class Away:
    """A host that doesn't answer, and ssh's reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Up:
    """A host that answers: its services, the units that failed, and when each certificate ends."""

    state: str
    services: tuple[str, ...]
    failed: tuple[str, ...]
    certificates: Mapping[str, datetime]

    def days_left(self, now: datetime) -> dict[str, int]:
        """Return whole days until each certificate ends; a negative number is how long it is over."""
        return {name: (ends - now).days for name, ends in self.certificates.items()}


Seen = Away | Up


def look(accounts: Mapping[str, str], access: Access) -> dict[str, Seen]:
    """Look at each host by name and ACCOUNT@ADDRESS; a host that doesn't answer within 15 s is away."""
    with ThreadPoolExecutor(max_workers=max(1, len(accounts))) as pool:
        seen = pool.map(lambda account: _look(account, access), accounts.values())
        return dict(zip(accounts, seen, strict=True))


def _look(account: str, access: Access) -> Seen:
    command = ["ssh", *arguments(access, connect_seconds=5), account, "sh", "-s"]
    try:
        done = subprocess.run(
            command, input=SCRIPT, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return Away(f"no answer in {SECONDS} s")
    if done.returncode != 0:
        return Away((done.stderr.strip().splitlines() or ["no answer"])[-1])
    return parse(done.stdout)


def parse(output: str) -> Up:
    """Read what the script says."""
    lines = output.splitlines()
    words = [line.split() for line in lines if line.strip()]
    return Up(
        state=next((word[1] for word in words if word[0] == "state" and len(word) > 1), "unknown"),
        services=tuple(sorted(_units(words, "runs", SERVICES))),
        failed=tuple(sorted(_units(words, "failed", re.compile("")))),
        certificates=dict(_certificates(lines)),
    )


def _units(words: Iterable[list[str]], kind: str, wanted: re.Pattern[str]) -> Iterable[str]:
    return {
        w[1].removesuffix(".service") for w in words if w[0] == kind and len(w) > 1 and wanted.match(w[1])
    }


def _certificates(lines: list[str]) -> Iterable[tuple[str, datetime]]:
    for number, line in enumerate(lines):
        if line.startswith("certificate "):
            rest = lines[number + 1 :]
            end = next((n for n, text in enumerate(rest) if text.startswith("-----END CERT")), None)
            if end is not None:
                leaf = x509.load_pem_x509_certificate("\n".join(rest[: end + 1]).encode())
                yield line.split()[1], leaf.not_valid_after_utc
