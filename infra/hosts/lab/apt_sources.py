"""Where this machine's own apt gets Debian from: a lab takes the same road."""

import platform
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.hosts.machine import MachineRefused

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True, slots=True)
class Source:
    """One suite of an archive."""

    uri: str
    suite: str
    components: str
    signed_by: str = KEYRING

    @property
    def line(self) -> str:
        return f"deb [signed-by={self.signed_by}] {self.uri} {self.suite} {self.components}"


def debian_sources(etc: Path = Path("/etc/apt"), codename: str | None = None) -> tuple[Source, ...]:
    """Return Debian's suites that this machine uses, and no other vendor's (raises MachineRefused: none)."""
    codename = codename or platform.freedesktop_os_release()["VERSION_CODENAME"]
    wanted = {codename, f"{codename}-updates", f"{codename}-security"}
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    found = [source for path in files if path.is_file() for source in _read(path) if source.suite in wanted]
    if codename not in {source.suite for source in found}:
        raise MachineRefused("lab", (f"the apt sources of this machine hold no suite {codename} of Debian",))
    return tuple(dict.fromkeys(found))


def upstream_proxy() -> str | None:
    """Return the HTTP proxy that this machine's apt goes through, if any."""
    said = subprocess.run(
        ["apt-config", "dump", "Acquire::http::Proxy"], capture_output=True, text=True, check=True
    )
    match = re.search(r'^Acquire::http::Proxy "(.+)";', said.stdout, re.MULTILINE)
    return match[1] if match else None


def _read(path: Path) -> Iterator[Source]:
    if path.suffix == ".sources":
        yield from _stanzas(path.read_text())
    elif path.suffix == ".list":
        yield from _lines(path.read_text())


def _lines(text: str) -> Iterator[Source]:
    """Read the one-line form of sources.list(5)."""
    for match in re.finditer(r"^deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#\n]+)", text, re.MULTILINE):
        options, uri, suite, components = match.groups()
        signed = re.search(r"signed-by=(\S+?)[\]\s]", options or "")
        yield Source(uri.rstrip("/"), suite, components.strip(), signed[1] if signed else KEYRING)


def _stanzas(text: str) -> Iterator[Source]:
    """Read the deb822 form of sources.list(5)."""
    for stanza in re.split(r"\n\s*\n", text):
        lines = "\n".join(line for line in stanza.splitlines() if not line.startswith("#"))
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(\S.*)$", lines, re.MULTILINE))
        if "deb" not in fields.get("Types", "").split() or fields.get("Enabled", "yes") == "no":
            continue
        signed = fields.get("Signed-By", KEYRING)
        for uri in fields["URIs"].split():
            for suite in fields["Suites"].split():
                yield Source(uri.rstrip("/"), suite, fields.get("Components", "main"), signed)
