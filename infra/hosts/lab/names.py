"""What the parts of a lab are called on this machine, so that each is found again by the site's name.

Labels hold no dot, so `SITE.` begins the names of one site and of no other.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

CELLS = "majlis."  # how the control groups of every lab begin
INTERFACE_LENGTH = 15  # IFNAMSIZ of Linux, without the closing zero


def cache_directory() -> Path:
    """Return where images and packages are kept between labs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "majlis"


def labs_directory() -> Path:
    """Return where every lab of this machine has its directory."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "majlis" / "labs"


def interface(*parts: str) -> str:
    """Return the parts joined by dots; where Linux allows no more letters, the first part, some more and a hash."""
    name = ".".join(parts)
    if len(name) <= INTERFACE_LENGTH:
        return name
    first = f"{parts[0]}." if len(parts) > 1 else ""
    room = INTERFACE_LENGTH - len(first)
    check = hashlib.sha256(name.encode()).hexdigest()[: min(room, 6)]
    return first + name.removeprefix(first)[: room - len(check)] + check


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one site's parts."""

    site: str

    @property
    def directory(self) -> Path:
        return labs_directory() / self.site

    @property
    def lock(self) -> Path:
        return labs_directory() / f"{self.site}.lock"

    @property
    def key(self) -> Path:
        """The SSH key of a lab that was given none; a built site's key is a Pulumi secret."""
        return self.directory / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def hosts(self) -> Path:
        return self.directory / "hosts"

    @property
    def table(self) -> str:
        """The nftables table; nft knows no hyphen in a name, and a site's name no underscore."""
        return f"majlis_{self.site.replace('-', '_')}"

    @property
    def alias(self) -> str:
        """What each interface of the site on this machine says of itself."""
        return f"majlis lab {self.site}:"

    @property
    def cells(self) -> str:
        """What the control groups of the site begin with."""
        return f"{CELLS}{self.site}."

    @property
    def packages_cell(self) -> str:
        return f"{self.cells}packages"

    def host_cell(self, host: str) -> str:
        return f"{self.cells}host.{host}"

    def bridge(self, network: str) -> str:
        return interface(self.site, network)

    def namespace(self, host: str) -> str:
        """Return the network namespace of a host; `visitor` and `stranger` have theirs likewise."""
        return f"{self.site}.{host}"

    def plug(self, host: str, network: str) -> str:
        """Return the bridge's end of the cable between a host and a network."""
        return interface(self.site, host, network)

    def host_directory(self, host: str) -> Path:
        return self.hosts / host
