"""What `majlis site` prints: tables of a site, of what would change, of how it fares, and the last words of `up`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.events import Status, TaskEnded
from infra.failures import Failure
from infra.looking import Away, Seen
from infra.machines import Change
from infra.site import Site
from infra.state import SiteState

SOON = 30  # days: `up` renews a certificate that has fewer left
SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}


def site_table(site: Site) -> Table:
    """Say what a site is: a row a host."""
    title = f"{site.name}: https://{site.domain}/"
    table = Table("host", "kind", "roles", "pool", "addresses", title=title, title_justify="left", box=None)
    for name, host in site.hosts.items():
        addresses = ", ".join(f"{network} {address}" for network, address in host.addresses.items())
        table.add_row(name, host.kind, ", ".join(host.roles), host.pool or "", addresses)
    return table


def changes_table(changes: Iterable[Change]) -> Table:
    """Say what would become of machines, keys and secrets."""
    table = Table("", "what", "name", "", box=None)
    for change in changes:
        table.add_row(SIGNS.get(change.action, "?"), change.kind, change.name, Text(change.detail))
    return table


def print_differences(console: Console, events: Sequence[TaskEnded]) -> None:
    """Print what the playbook would change, by host and role, with the differences of files."""
    for ended in events:
        if ended.status is Status.changed:
            _say(console, f"{ended.host}  {ended.role}: {ended.task}", "yellow")
            for line in ended.diff.rstrip().splitlines():
                _say(console, f"    {line}", {"+": "green", "-": "red"}.get(line[:1], ""))


def print_failures(console: Console, failures: Iterable[Failure]) -> None:
    """Print for each failure where it happened, what it was, and what to do; the same one once for all its hosts."""
    hosts: dict[Failure, list[str]] = {}
    for failure in failures:
        hosts.setdefault(replace(failure, host=""), []).append(failure.host)
    for failure, where in hosts.items():
        _say(console, f"\n{', '.join(where)}  {failure.where}", "red")
        _say(console, f"  {type(failure).__name__}: {failure.message}")
        _say(console, f"  What to do: {failure.advice}")


def print_last_words(console: Console, site: Site, state: SiteState) -> None:
    """Print how to open the pages, and what roles left out."""
    _say(console, f"\n{site.name} is up: https://{site.domain}/", "bold")
    if only_lab(site):  # nobody's name server knows a lab
        names = [site.domain, *(site.pool_domain(pool) for pool in site.pools)]
        _say(console, f"Its names, for /etc/hosts:      {front(site)} {' '.join(names)}")
    else:
        _say(console, f"Its names, for your servers:    {state.directory / site.domain}.zone")
    if site.certificate is None:
        _say(console, f"Its authority, for browsers:    {state.authority}")
    _say(console, f"Its first administrator:        majlis site password {site.name}")
    print_left_out(console, state)


def print_left_out(console: Console, state: SiteState) -> None:
    """Print what roles could not do in the last `up`, the same words once for all hosts."""
    last = state.last_up()
    where: dict[str, list[str]] = {}
    for line in last.left_out if last else ():
        host, _, words = line.partition(": ")
        where.setdefault(words, []).append(host)
    if where:
        _say(console, "Left out:")
    for words, hosts in where.items():
        _say(console, f"  {words} ({', '.join(hosts)})")


def front(site: Site) -> str:
    """Return the address at which people reach the pages."""
    return str(site.virtual_address or site.hosts_with("edge")[0].address("users"))


def only_lab(site: Site) -> bool:
    """Say whether all of the site runs on this machine."""
    return all(host.kind == "lab" for host in site.hosts.values())


def status_table(site: Site, seen: Mapping[str, Seen], now: datetime) -> Table:
    """Say how each host fares."""
    table = Table("host", "", "services", "failed", "certificates", box=None)
    for name in site.hosts:
        match seen.get(name):
            case None:
                table.add_row(name, Text("not made", style="dim"), "", "", "")
            case Away(reason):
                table.add_row(name, Text("away", style="red"), Text(reason), "", "")
            case up:
                days = up.days_left(now)
                soonest = min(days.values(), default=None)
                left = "none" if soonest is None else f"{soonest} days left"
                style = "red" if soonest is None or soonest < 0 else "yellow" if soonest < SOON else ""
                services, failed = ", ".join(up.services), Text(", ".join(up.failed), style="red")
                table.add_row(name, Text("up", style="green"), services, failed, Text(left, style=style))
    return table


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)
