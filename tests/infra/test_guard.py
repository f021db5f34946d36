"""The sovereignty guard: a table for each rule, and each rule broken on purpose."""

from ipaddress import ip_address
from itertools import combinations
from typing import get_args

import pytest

from infra.guard import APART, RULES, Objection, examine
from infra.places import places
from infra.site import ROLES, Role, Site, load_site, parse_site, shipped

TEXTS = {name: shipped(name).read_text("utf-8") for name in ("lab", "single", "parliament")}
PROXY = 'proxy: "http://10.77.3.1:3142"'

# Which site, what is written instead of what (" | " between several), the rule that objects, where, and why.
BROKEN = [
    # a network can hold hosts and is no wider than a state's site
    ("parliament", "203.0.113.0/26", "203.0.0.0/12", "network-meaningful", "networks.users.cidr", "so wide that nearly anything"),
    ("parliament", "cidr: 10.60.5.10/32", "cidr: 0.0.0.0/0", "network-meaningful", "outside.identity.cidr", "the widest is /24"),
    ("parliament", "cidr: 10.60.5.10/32 | example: 10.60.5.10}", "cidr: '::/0' | example: '2001:db8::1'}", "network-meaningful", "outside.identity.cidr", "the widest is /64"),
    ("parliament", "cidr: 10.60.5.10/32 | example: 10.60.5.10}", "cidr: 127.0.0.1/32 | example: 127.0.0.1}", "network-meaningful", "outside.identity.cidr", "can hold no machine"),
    ("parliament", "cidr: 10.60.5.10/32 | example: 10.60.5.10}", "cidr: 169.254.169.254/32 | example: 169.254.169.254}", "network-meaningful", "outside.identity.cidr", "can hold no machine"),
    ("parliament", "cidr: 10.60.5.10/32 | example: 10.60.5.10}", "cidr: 224.0.0.1/32 | example: 224.0.0.1}", "network-meaningful", "outside.identity.cidr", "can hold no machine"),
    # nothing leaves the site
    ("lab", PROXY, 'proxy: "http://192.0.2.7:3142"', "nothing-leaves", "packages.debian.proxy", "192.0.2.7/32 lies outside the site"),
    ("lab", PROXY, 'proxy: "http://[2001:db8::1]:3142"', "nothing-leaves", "packages.debian.proxy", "2001:db8::1/128 lies outside the site"),
    ("lab", PROXY, 'mirror: "https://archive.example.org/debian"', "nothing-leaves", "packages.debian.mirror", "archive.example.org is a name that nobody can place"),
    ("lab", PROXY, 'mirror: "http://10.77.3.1/debian", security: "https://security.debian.org/"', "nothing-leaves", "packages.debian.security", "security.debian.org is a name"),
    ("lab", "jitsi: null", 'jitsi: {repository: "https://download.jitsi.org/", key: k.asc}', "nothing-leaves", "packages.jitsi.repository", "download.jitsi.org is a name"),
    ("lab", 'host: "" ', "host: smtp.example.org ", "nothing-leaves", "mail.host", "smtp.example.org is a name"),
    ("lab", 'host: "" ', "host: 8.8.8.8 ", "nothing-leaves", "mail.host", "8.8.8.8/32 lies outside"),
    ("lab", "servers: [10.77.3.1]", "servers: [10.77.3.1, time.cloudflare.com]", "nothing-leaves", "time.servers[1]", "time.cloudflare.com is a name"),
    ("lab", "{provider: local}", '{provider: oidc, issuer: "https://login.example.com/t", client_id: m}', "nothing-leaves", "identity.issuer", "login.example.com is a name"),
    ("parliament", "names: {id.parl", "names: {id2.parl", "nothing-leaves", "identity.issuer", "id.parliament.example is a name"),
    ("parliament", "qemu+tls://10.20.3.203/system", "qemu+tls://198.51.100.3/system", "nothing-leaves", "hosts.db3.options.hypervisor", "198.51.100.3/32 lies outside"),
    ("parliament", "https://10.20.3.221", "https://198.51.100.21", "nothing-leaves", "hosts.bridge1.options.bmc", "198.51.100.21/32 lies outside"),
    ("lab", "identity:", "state: s3://majlis\nidentity:", "nothing-leaves", "state", "s3.amazonaws.com is a name"),
    ("lab", "identity:", 'state: "s3://majlis?endpoint=https://s3.example.com"\nidentity:', "nothing-leaves", "state", "s3.example.com is a name"),
    ("lab", "identity:", 'state: "s3://majlis?endpoint=192.0.2.9:9000"\nidentity:', "nothing-leaves", "state", "192.0.2.9/32 lies outside"),
    # disks of sealed meetings
    *[
        ("parliament", f"  {host}:\n", f"  {host}:\n#", "sealed-disk", f"hosts.{host}.disk_encrypted", "is not encrypted")
        for host in ("signal2", "bridge3", "db1", "db2", "db3", "control1", "control2", "monitor1")
    ],
    ("lab", "restricted], name | not_served: [confidential, ", "restricted, confidential], name | not_served: [", "sealed-disk", "hosts.bridge1.disk_encrypted", "what the pool open works with for confidential meetings"),
    ("lab", "restricted], name | not_served: [confidential, secret]", "restricted, secret], name | not_served: [confidential]", "sealed-disk", "hosts.db1.disk_encrypted", "the agenda, the attendance and the log for secret meetings"),
    # one box
    ("single", "one_box: true", "one_box: false", "roles-apart", "hosts.box1.roles", "bridge and database must be on hosts of their own"),
    ("single", "database, control,", "database, control, witness,", "roles-apart", "hosts.box1.roles", "witness and control must be on hosts of their own: who can alter the log"),
    ("single", "restricted], name | not_served: [confidential, secret]", "restricted, secret], name | not_served: [confidential]", "one-box-modest", "pools.open.classifications", "too close for secret meetings"),
    # relays
    ("single", "[management] | [users, cluster]", "[users, management] | [cluster]", "relay-out-of-management", "hosts.box1.addresses.management", "TURN could relay into management"),
    # people
    ("lab", "parliament: []", "parliament: [10.77.3.128/25]", "people-out-of-inner", "zones.parliament[0]", "lies in management"),
    ("lab", "parliament: []", "parliament: [10.77.2.200/32]", "people-out-of-inner", "zones.parliament[0]", "lies in cluster"),
    ("parliament", "visitors: [0.0.0.0/0]", "visitors: [10.20.3.0/24]", "people-out-of-inner", "visitors[0]", "lies in management"),
]  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_each_shipped_site_may_be_built(name: str) -> None:
    assert examine(load_site(shipped(name))) == ()


@pytest.mark.parametrize(("name", "old", "new", "rule", "where", "why"), BROKEN)
def test_the_guard_objects(name: str, old: str, new: str, rule: str, where: str, why: str) -> None:
    found = examine(_changed(name, old, new))
    assert any(o.rule == rule and o.where == where and why in o.reason for o in found), found


def test_every_rule_is_broken_on_purpose() -> None:
    """address-inside has tests of its own below: no file can break it, for the types refuse it before."""
    assert {rule for _, _, _, rule, _, _ in BROKEN} == set(RULES) - {"address-inside"}


@pytest.mark.parametrize(
    ("network", "address"), [("users", "10.78.1.11"), ("users", "10.77.2.99"), ("lan", "10.77.1.9")]
)
def test_an_address_outside_its_network_is_refused_even_where_no_file_was_read(
    network: str, address: str
) -> None:
    """Code may make a site past its types; the guard is asked before anything is built and looks again."""
    lab = load_site(shipped("lab"))
    edge = lab.hosts["edge1"].model_copy(update={"addresses": {network: ip_address(address)}})
    strayed = lab.model_copy(update={"hosts": lab.hosts | {"edge1": edge}})
    reason = f"{address} lies outside the declared networks"
    assert Objection("address-inside", f"hosts.edge1.addresses.{network}", reason) in examine(strayed)


@pytest.mark.parametrize("key", ["controller", "virtual_address"])
def test_a_lone_address_outside_the_site_is_refused(key: str) -> None:
    strayed = load_site(shipped("lab")).model_copy(update={key: ip_address("192.0.2.1")})
    assert Objection("address-inside", key, "192.0.2.1 lies outside the declared networks") in examine(
        strayed
    )


@pytest.mark.parametrize(("one", "other"), APART)
def test_roles_that_must_be_apart_are_refused_on_one_host(one: Role, other: Role) -> None:
    found = [objection for objection in examine(_together(one, other)) if objection.rule == "roles-apart"]
    assert [objection.where for objection in found] == ["hosts.extra.roles"]
    assert found[0].reason == f"{one} and {other} must be on hosts of their own: {APART[one, other]}"


def test_roles_that_may_be_together_are_named_here_a_second_time() -> None:
    pairs = {frozenset(pair) for pair in combinations(ROLES, 2)} - {frozenset(pair) for pair in APART}
    assert pairs == {
        *(frozenset({"edge", other}) for other in ("signalling", "bridge", "turn")),
        *(frozenset({"signalling", other}) for other in ("bridge", "database", "control", "monitoring")),
        *(frozenset({"database", other}) for other in ("control", "monitoring")),
        frozenset({"control", "monitoring"}),
        frozenset({"monitoring", "witness"}),
    }
    assert len(pairs) + len(APART) == len(get_args(Role)) * 7 // 2


def test_one_box_is_accepted_knowingly_for_all_roles_but_the_witness() -> None:
    assert examine(_changed("single", "one_box: true", "one_box: true")) == ()
    found = examine(_changed("single", "database, control,", "database, control, witness,"))
    assert {objection.rule for objection in found} == {"roles-apart"}
    assert all("witness" in objection.reason for objection in found)


def test_a_place_of_the_state_s_own_is_allowed_by_name_and_by_address() -> None:
    outside = "outside: {m: {cidr: 10.9.9.9/32, names: {mirror.gov.example: 10.9.9.9}, why: the state's mirror}}\npackages:"
    for host in ("mirror.gov.example", "10.9.9.9"):
        text = TEXTS["lab"].replace(PROXY, f'mirror: "https://{host}/debian"').replace("packages:", outside)
        assert examine(parse_site(text)) == ()


def test_a_store_for_the_state_inside_the_site_is_allowed() -> None:
    assert (
        examine(_changed("lab", "identity:", 'state: "s3://majlis?endpoint=10.77.3.1:9000"\nidentity:')) == ()
    )


def test_every_place_that_the_parliament_speaks_to_is_seen() -> None:
    """An empty list would make nothing-leaves agree to anything."""
    seen = [place.what for place in places(load_site(shipped("parliament")))]
    assert {what: seen.count(what) for what in seen} == {
        "mirror": 3,
        "time": 2,
        "mail": 1,
        "identity": 1,
        "machine": 15 + 3,  # a hypervisor or a board each, and the installer's image of bare metal
    }


def test_all_objections_are_told_at_once() -> None:
    text = (
        TEXTS["lab"]
        .replace(PROXY, 'proxy: "http://192.0.2.7:3142"')
        .replace("parliament: []", "parliament: [10.77.2.0/24]")
    )
    assert [o.rule for o in examine(parse_site(text))] == ["nothing-leaves", "people-out-of-inner"]


def _changed(name: str, old: str, new: str) -> Site:
    text = TEXTS[name]
    if new.endswith("\n#"):  # take the word back that the disk of this host is encrypted
        start = text.index(old)
        return parse_site(
            text[:start] + text[start:].replace("disk_encrypted: true", "disk_encrypted: false", 1)
        )
    for this, that in zip(old.split(" | "), new.split(" | "), strict=True):
        assert this in text
        text = text.replace(this, that)
    return parse_site(text)


def _together(one: Role, other: Role) -> Site:
    pool = "pool: open, " if {"bridge", "signalling"} & {one, other} else ""
    extra = (
        f"  extra: {{kind: lab, roles: [{one}, {other}], {pool}"
        "addresses: {users: 10.77.1.99, cluster: 10.77.2.99, management: 10.77.3.99}}\n"
    )
    keep = "database" not in (one, other)
    text = TEXTS["lab"].replace("  witness1: ", f"{extra}  witness1: ")
    if "edge" in (one, other):
        text += "\nvirtual_address: 10.77.1.10\n"
    return parse_site(text if keep else _without(text, "db1"))


def _without(text: str, host: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith(f"  {host}:"))
