"""No trace left: everything of a site's lab is found by its name and removed, whatever state it is in."""

import shutil
from pathlib import Path

from infra.hosts.lab.cgroups import Cells, cells
from infra.hosts.lab.cutoff import remove_rules, tables
from infra.hosts.lab.disk import unmount
from infra.hosts.lab.limits import lower_limits
from infra.hosts.lab.lock import site_lock
from infra.hosts.lab.names import Names
from infra.hosts.lab.network import links, namespaces, remove_links, remove_namespace
from infra.hosts.lab.visitor import PER_NAMESPACE, remove_names

# systemd-nspawn's own, which it leaves behind where /run is no tmpfs.
NSPAWN = Path("/run/systemd/nspawn/propagate")


def remove_every_trace(site: str) -> None:
    """Remove hosts, disks, networks, namespaces, rules and the apt cache's process; repeating it does no harm.

    What stays belongs to no site: the image and the downloaded packages under the cache directory.
    """
    names = Names(site)
    with site_lock(names):
        holds = cells()
        for cell in holds.named(names.cells):
            holds.end(cell)
        for root in mounted(names):
            unmount(root)
        for namespace in namespaces(names):
            remove_namespace(namespace)
        remove_links(names)
        remove_rules(names)
        remove_names(names)
        for place in _places(names):
            shutil.rmtree(place)
        lower_limits(holds)


def traces(site: str, holds: Cells | None = None) -> list[str]:
    """Return what is left of a site's lab on this machine, a line each; none: nothing is."""
    names = Names(site)
    held = (holds or cells()).named(names.cells)
    return [
        *(f"control group {cell}" for cell in held),
        *(f"mount {root}" for root in mounted(names)),
        *(f"network namespace {namespace}" for namespace in namespaces(names)),
        *(f"interface {link['ifname']}" for link in links(names)),
        *(
            f"nftables table {family} {names.table}"
            for family in ("bridge", "inet")
            if names.table in tables(family)
        ),
        *(f"directory {place}" for place in _places(names)),
    ]


def _places(names: Names) -> list[Path]:
    """Return the directories that the site's lab has on this machine."""
    own = [names.directory] if names.directory.exists() else []
    return [*own, *PER_NAMESPACE.glob(f"{names.site}.*"), *NSPAWN.glob(f"{names.site}.*")]


def mounted(names: Names, mounts: Path = Path("/proc/self/mounts")) -> list[Path]:
    """Return the mounts under the site's directory, innermost first."""
    places = [Path(line.split()[1]) for line in mounts.read_text().splitlines()]
    ours = [place for place in places if place.is_relative_to(names.directory)]
    return sorted(ours, key=lambda place: len(place.parts), reverse=True)
