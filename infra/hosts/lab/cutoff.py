"""The lab's hosts reach each other and this machine's addresses in the lab, and nothing else; every try is counted.

There is no NAT and no route out of a host. These rules hold when a host makes itself one, or when this machine
forwards packets for some other purpose.
"""

import json
from collections.abc import Iterable

from infra.hosts.lab.names import Names
from infra.hosts.lab.programs import run


def cut_off(names: Names, bridges: Iterable[str], cidrs: Iterable[str]) -> None:
    """Put the rules for these bridges in place, all at once; the counter goes on from where it was."""
    run("nft", "-f", "-", given=ruleset(names, sorted(bridges), sorted(cidrs), packets_outside(names)))


def ruleset(names: Names, bridges: list[str], cidrs: list[str], seen: int = 0) -> str:
    """Return the rules as nft reads them."""
    ports = ", ".join(f'"{bridge}"' for bridge in bridges)
    inside = ", ".join(cidrs)
    between = "\n".join(f'    iifname "{each}" oifname "{each}" accept' for each in bridges)
    return f"""\
table bridge {names.table}
delete table bridge {names.table}
table bridge {names.table} {{
  counter outside {{ packets {seen} bytes 0 }}
  chain leaving {{
    type filter hook prerouting priority -300; policy accept;
    iifname "{names.site}.*" ip daddr != {{ {inside}, 224.0.0.0/4, 255.255.255.255 }} counter name outside drop
    iifname "{names.site}.*" ip6 daddr != {{ fe80::/10, ff00::/8 }} counter name outside drop
  }}
}}
table inet {names.table}
delete table inet {names.table}
table inet {names.table} {{
  chain forwarded {{
    type filter hook forward priority -300; policy accept;
{between}
    iifname {{ {ports} }} drop
    oifname {{ {ports} }} drop
  }}
}}
"""


def packets_outside(names: Names) -> int:
    """Return how many packets the hosts sent to addresses outside the site since the lab began."""
    if names.table not in tables("bridge"):
        return 0
    said = json.loads(run("nft", "--json", "list", "counter", "bridge", names.table, "outside"))
    return sum(int(each["counter"]["packets"]) for each in said["nftables"] if "counter" in each)


def remove_rules(names: Names) -> None:
    """Take the site's tables away, those that are there."""
    for family in ("bridge", "inet"):
        if names.table in tables(family):
            run("nft", "delete", "table", family, names.table)


def tables(family: str) -> set[str]:
    """Return the names of all tables of this family."""
    said = json.loads(run("nft", "--json", "list", "tables", family))
    return {each["table"]["name"] for each in said["nftables"] if "table" in each}
