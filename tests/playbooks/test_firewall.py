"""The rules of every host of every shipped site, as the kernel's own program reads them."""

import re
import shutil
import subprocess
from typing import Any

import jinja2
import pytest

from infra.flows import Rule, rules_for
from infra.site import load_site, shipped
from tests.playbooks.reading import ROLES, load

SITES = {"lab": 9, "single": 1, "parliament": 16}


def rendered(**told: Any) -> str:
    """Return the template as Ansible would, with the role's own defaults."""
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined, autoescape=False)
    environment.tests["search"] = lambda value, pattern: re.search(pattern, value) is not None
    template = environment.from_string((ROLES / "firewall/templates/nftables.conf.j2").read_text("utf-8"))
    return template.render(load(ROLES / "firewall/defaults/main.yml") | told)


def rules(name: str) -> dict[str, str]:
    """Return the rules of each host of a shipped site."""
    site = load_site(shipped(name))
    return {
        host.name: rendered(
            firewall_controller=str(site.controller),
            firewall_accept=[told(rule, "from") for rule in rules_for(site, host).accept],
            firewall_send=[told(rule, "to") for rule in rules_for(site, host).send],
        )
        for host in site.hosts.values()
    }


def told(rule: Rule, end: str) -> dict[str, Any]:
    """Return a rule as the inventory has it."""
    return {"protocol": rule.protocol, "port": rule.port, end: list(rule.networks), "why": rule.why}


def chain(text: str, name: str) -> list[str]:
    """Return the lines of one chain."""
    found = re.search(rf"chain {name} {{(.*?)\n  }}", text, re.DOTALL)
    assert found is not None
    return [
        line.strip() for line in found[1].splitlines() if line.strip() and not line.strip().startswith("#")
    ]


@pytest.mark.parametrize(("site", "hosts"), SITES.items())
def test_the_kernel_takes_the_rules_of_every_host(site: str, hosts: int) -> None:
    if shutil.which("nft") is None:
        pytest.skip("nft is not installed")
    made = rules(site)
    assert len(made) == hosts
    for name, text in made.items():
        # In a network of its own: even a check asks the kernel, and this machine's rules are none of ours.
        done = subprocess.run(
            ["unshare", "--net", "nft", "--check", "--file", "-"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.stderr}"


def test_whatever_no_rule_names_is_dropped_and_counted() -> None:
    for text in rules("lab").values():
        for way, counter in (
            ("input", "dropped_in"),
            ("output", "dropped_out"),
            ("forward", "dropped_forward"),
        ):
            lines = chain(text, way)
            assert lines[0].endswith("policy drop;")
            assert lines[-1] == f"counter name {counter} drop"


def test_the_controller_is_let_in_even_where_no_flow_says_so() -> None:
    lines = chain(rendered(firewall_controller="10.77.3.1"), "input")
    assert 'ip saddr { 10.77.3.1 } tcp dport 22 counter accept comment "the sysadmin"' in lines


def test_a_host_without_flows_lets_in_the_controller_and_nobody_else() -> None:
    text = rendered(firewall_controller="10.77.3.1")
    assert [line for line in chain(text, "input") if "dport" in line] == [
        'ip saddr { 10.77.3.1 } tcp dport 22 counter accept comment "the sysadmin"'
    ]
    assert [line for line in chain(text, "output") if "dport" in line] == []


def test_both_families_of_addresses_are_let_in_by_rules_of_their_own() -> None:
    flow = {
        "protocol": "udp",
        "port": "49152:65535",
        "from": ["10.0.0.0/8", "fd00::/8"],
        "why": 'media "quoted"',
    }
    lines = chain(rendered(firewall_controller="fd00::1", firewall_accept=[flow]), "input")
    assert (
        'ip saddr { 10.0.0.0/8 } udp dport 49152-65535 ct state new counter accept comment "media quoted"'
        in lines
    )
    assert (
        'ip6 saddr { fd00::/8 } udp dport 49152-65535 ct state new counter accept comment "media quoted"'
        in lines
    )


def test_hosts_without_a_shared_address_speak_no_vrrp() -> None:
    assert "vrrp" not in rendered(firewall_controller="10.77.3.1")
    assert (
        rendered(firewall_controller="10.77.3.1", firewall_vrrp_peers=["10.77.2.12"]).count(
            "ip protocol vrrp accept"
        )
        == 2
    )
