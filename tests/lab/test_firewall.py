"""Who reaches what: every host's open ports, from inside and from each neighbouring network."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

HOSTS = ("edge1", "signal1", "bridge1", "bridge2", "turn1", "db1", "control1", "monitor1", "witness1")
# Bounded: every port below 1024, and all that a role of ours or a program of Debian's might open.
HIGH = (
    *(
        2379,
        2380,
        3128,
        3142,
        3306,
        3478,
        5222,
        5269,
        5280,
        5281,
        5349,
        5432,
        6379,
        8000,
        8008,
        8080,
        8081,
        8100,
    ),
    *(8404, 8443, 8880, 8888, 9090, 9093, 9094, 9100, 9187, 9641, 10000, 19531, 19532),
)
SCAN = """
import asyncio, json, sys
addresses, ports = json.loads(sys.argv[1])
async def open_at(gate, address, port):
    async with gate:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 1)
        except (OSError, asyncio.TimeoutError):
            return None
        writer.close()
        return address, port
async def main():
    gate = asyncio.Semaphore(900)
    asked = [open_at(gate, address, port) for address in addresses for port in ports]
    print(json.dumps([found for found in await asyncio.gather(*asked) if found]))
asyncio.run(main())
"""
each_host = pytest.mark.parametrize("name", HOSTS)


def scan(enter: Any, addresses: Mapping[str, str]) -> dict[str, set[int]]:
    """Return which ports of each host let one in."""
    ports = [*range(1, 1024), *HIGH]
    done = enter("python3", "-c", SCAN, json.dumps([list(addresses.values()), ports]), within=120)
    assert done.returncode == 0, done.stderr
    names = {address: name for name, address in addresses.items()}
    found: dict[str, set[int]] = {}
    for address, port in json.loads(done.stdout):
        found.setdefault(names[address], set()).add(port)
    return found


def addresses(lab: Any, use: str) -> dict[str, str]:
    """Return the addresses of the hosts in the network of a use."""
    return {name: str(host.address(use)) for name, host in lab.site.hosts.items() if host.address(use)}


def test_people_reach_the_edge_and_the_relay_and_nothing_else(lab: Any) -> None:
    assert scan(lab.visitor, addresses(lab, "users")) == {"edge1": {80, 443}, "turn1": {3478, 5349}}


@pytest.mark.parametrize("use", ["cluster", "management"])
def test_a_strange_machine_in_an_inner_network_reaches_nothing(lab: Any, use: str) -> None:
    places = addresses(lab, use)
    assert len(places) == len(HOSTS)
    assert scan(lab.stranger, places) == {}


@each_host
def test_what_no_rule_names_is_dropped_both_ways(lab: Any, name: str) -> None:
    told = json.loads(lab.hosts[name].check_output("nft --json list ruleset"))["nftables"]
    chains = {part["chain"]["name"]: part["chain"] for part in told if "chain" in part}
    assert {chain: facts["policy"] for chain, facts in chains.items()} == {
        "input": "drop",
        "output": "drop",
        "forward": "drop",
    }
    assert {part["table"]["name"] for part in told if "table" in part} == {"majlis"}


def test_drops_are_counted(lab: Any) -> None:
    before = dropped(lab, "db1")
    assert scan(lab.stranger, {"db1": addresses(lab, "cluster")["db1"]}) == {}
    assert dropped(lab, "db1") - before > 1000


def dropped(lab: Any, name: str) -> int:
    """Return how many packets to a host were dropped."""
    told = json.loads(lab.hosts[name].check_output("nft --json list counter inet majlis dropped_in"))
    return int(told["nftables"][1]["counter"]["packets"])


@each_host
def test_a_host_reaches_nothing_outside_its_flows(lab: Any, name: str) -> None:
    """Not even the controller, but for packages and the time, and no address that isn't of the site."""
    open_ports = "import socket,sys\ns=socket.socket();s.settimeout(2)\nprint(s.connect_ex((sys.argv[1],int(sys.argv[2]))))"
    host = lab.hosts[name]
    controller = str(lab.site.controller)
    assert host.check_output("python3 -c %s %s %s", open_ports, controller, "3142") == "0"
    assert host.check_output("python3 -c %s %s %s", open_ports, controller, "22") != "0"


@each_host
def test_the_rules_are_loaded_at_each_boot(lab: Any, name: str) -> None:
    nftables = lab.hosts[name].service("nftables")
    assert nftables.is_enabled
    assert nftables.is_running


@each_host
def test_a_host_forwards_nothing(lab: Any, name: str) -> None:
    assert lab.hosts[name].check_output("sysctl -n net.ipv4.ip_forward") == "0"
