"""A site file becomes types that cannot be wrong, or a list of all that is wrong with it."""

import json
import re
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import ValidationError

from infra import site_file
from infra.site import SITES, Overrides, Site, SiteInvalid, json_schema, load_site, parse_site, shipped

LAB = shipped("lab").read_text("utf-8")
PARLIAMENT = shipped("parliament").read_text("utf-8")
NAMES = ("lab", "parliament", "single")

# What is written instead of what, the key that is named, and the sentence about it.
WRONG = [
    ("name: lab ", "name: Lab ", "name", "holds Lab, may hold 1 to 10 of a-z"),
    ("name: lab ", "name: averylongname ", "name", "holds averylongname, may hold 1 to 10"),
    ("name: lab ", "name: 7 ", "name", "holds 7, may hold text (in quotes"),
    ("name: lab ", "name: ", "name", "holds nothing, may hold text"),
    ("name: lab ", 'name: "" ', "name", "holds , may hold 1 to 10"),
    ("name: lab ", 'name: "lab\\n" ', "name", "may hold text of one line"),
    ("name: lab ", "nom: lab ", "name", "is missing"),
    ("name: lab ", "nom: lab ", "nom", "is no key of a site file here"),
    ("domain: meet.lab.majlis.test", "domain: lab", "domain", "may hold a domain in lower case with a dot"),
    ("domain: meet.lab.majlis.test", "domain: Meet.lab.test", "domain", "may hold a domain in lower case"),
    ("domain: meet.lab.majlis.test", "domain: 10.77.1.1", "domain", "may hold a domain in lower case"),
    ("domain: meet.lab.majlis.test", "domain: a_b.test", "domain", "may hold a domain in lower case"),
    ("domain: meet.lab.majlis.test", "domain: meet.lab.test.", "domain", "may hold a domain in lower case"),
    ("domain: meet.lab.majlis.test", "domain: مجلس.test", "domain", "may hold a domain in lower case"),
    ("10.77.1.0/24, carries: [users]", "10.77.1.1/24, carries: [users]", "networks.users.cidr", "has host bits set"),
    ("10.77.1.0/24, carries: [users]", "10.77.1.0, carries: [users]", "networks.users.cidr", "may hold a network such as"),
    ("10.77.1.0/24, carries: [users]", "10.77.1.0/33, carries: [users]", "networks.users.cidr", "may hold a network such as"),
    ("carries: [users]", "carries: []", "networks.users.carries", "may hold at least 1 of them"),
    ("carries: [users]", "carries: users", "networks.users.carries", "holds users, may hold a list"),
    ("carries: [users]", "carries: [users, users]", "networks.users.carries", "each word once (users stands there again)"),
    ("carries: [users]", "carries: [visitors]", "networks.users.carries[0]", "may hold 'users', 'cluster' or 'management'"),
    ("carries: [users]", "carries: [cluster]", "networks.cluster.carries", "may hold what users does not carry already"),
    ("carries: [users]", "carries: [cluster]", "networks", "carries no users, one network may"),
    ("cidr: 10.77.2.0/24", "cidr: 10.77.1.128/25", "networks.cluster.cidr", "does not overlap with users (10.77.1.0/24)"),
    ("controller: 10.77.3.1 ", "controller: 10.77.1.1 ", "controller", "may hold an address in management (10.77.3.0/24)"),
    ("controller: 10.77.3.1 ", "controller: 10.77.3.0 ", "controller", "may hold an address that a host can have"),
    ("controller: 10.77.3.1 ", "controller: 10.77.3.11 ", "hosts.edge1.addresses.management", "another address than the controller's"),
    ("controller: 10.77.3.1 ", "controller: 168624897 ", "controller", "may hold an address such as 10.77.1.11"),
    ("controller: 10.77.3.1 ", "controller: 10.77.3.01 ", "controller", "may hold an address such as 10.77.1.11"),
    ("government: [10.77.1.0/24]", "goverment: [10.77.1.0/24]", "zones.goverment", "may hold 'government' or 'parliament'"),
    ("government: [10.77.1.0/24]", "government: 10.77.1.0/24", "zones.government", "may hold a list"),
    ("classifications: [public, restricted]", "classifications: [public, restricted, public]", "pools.open.classifications", "each word once"),
    ("classifications: [public, restricted]", "classifications: [public]", "pools", "serve no restricted meetings, one may, or not_served may name it"),
    ("classifications: [public, restricted]", "classifications: [public, hidden]", "pools.open.classifications[1]", "'public', 'restricted', 'confidential' or 'secret'"),
    ("not_served: [confidential, secret]", "not_served: [confidential]", "pools", "serve no secret meetings"),
    ("not_served: [confidential, secret]", "not_served: [confidential, secret, public]", "not_served", "holds public, which open serves"),
    ("name: rooms", "name: turn", "pools.open.name", "holds turn, may hold a name that no service uses"),
    ("name: rooms", "name: rooms.big", "pools.open.name", "may hold 1 to 30 of a-z"),
    ("client_certificates: none", "client_certificates: no", "pools.open.client_certificates", "holds no, may hold 'none', 'optional' or 'required'"),
    ("kind: lab, roles: [edge]", "kind: vmware, roles: [edge]", "hosts.edge1.kind", "may hold 'lab', 'existing', 'libvirt' or 'redfish'"),
    ("roles: [edge]", "roles: []", "hosts.edge1.roles", "may hold at least 1 of them"),
    ("roles: [edge]", "roles: edge", "hosts.edge1.roles", "holds edge, may hold a list"),
    ("roles: [edge]", "roles: [edge, edge]", "hosts.edge1.roles", "each word once"),
    ("roles: [edge]", "roles: [witness]", "hosts", "hold no edge, a working site has at least one"),
    ("roles: [turn]", "roles: [witness]", "hosts", "hold no turn"),
    ("roles: [database]", "roles: [witness]", "hosts", "hold no database"),
    ("roles: [control]", "roles: [witness]", "hosts", "hold no control"),
    ("roles: [monitoring]", "roles: [witness]", "hosts", "hold no monitoring"),
    ("roles: [witness]", "roles: [database]", "hosts", "hold 2 database hosts, may hold 1, 3 or 5"),
    ("signalling], pool: open", "signalling]", "hosts.signal1.pool", "is missing, may hold the pool that this signalling serves: open"),
    ("signalling], pool: open", "signalling], pool: openn", "hosts.signal1.pool", "holds openn, may hold open"),
    ("signalling], pool: open", "signalling], pool: openn", "pools.open", "has no signalling, at least one host of the pool may be"),
    ("roles: [turn],", "roles: [turn], pool: open,", "hosts.turn1.pool", "may stand at hosts with signalling or bridge only"),
    ("users: 10.77.1.31", "users: 10.78.1.31", "hosts.bridge1.addresses.users", "holds 10.78.1.31, may hold an address in users (10.77.1.0/24)"),
    ("users: 10.77.1.31", "users: 10.77.1.32", "hosts.bridge2.addresses.users", "may hold an address that bridge1 does not have"),
    ("users: 10.77.1.31", "users: 10.77.1.255", "hosts.bridge1.addresses.users", "may hold an address that a host can have"),
    ("users: 10.77.1.31", "people: 10.77.1.31", "hosts.bridge1.addresses.people", "is no network of this site, may be cluster, management, users"),
    ("users: 10.77.1.31", "users: fe80::1%eth0", "hosts.bridge1.addresses.users", "holds fe80::1%eth0, may hold an address"),
    ("users: 10.77.1.31, ", "", "hosts.bridge1.addresses", "has no address in users, where bridge must be reached"),
    ("{cluster: 10.77.2.51, management: 10.77.3.51}", "{cluster: 10.77.2.51}", "hosts.db1.addresses", "has no address in management, where database must be reached"),
    ("{cluster: 10.77.2.51, management: 10.77.3.51}", "{}", "hosts.db1.addresses", "may hold at least 1 of them"),
    ("  db1: ", "  database: ", "hosts.database", "is a word with a meaning of its own"),
    ("  db1: ", "  localhost: ", "hosts.localhost", "is a word with a meaning of its own"),
    ("  db1: ", "  Db1: ", "hosts.Db1", "may hold 1 to 30 of a-z"),
    ("  db1: ", "  db_1: ", "hosts.db_1", "may hold 1 to 30 of a-z"),
    ("  db1: ", "  db1-: ", "hosts.db1-", "may hold 1 to 30 of a-z"),
    ("  db1: ", f"  {'d' * 31}: ", f"hosts.{'d' * 31}", "may hold 1 to 30 of a-z"),
    ("kind: lab, roles: [witness],", "kind: lab, cores: 0, roles: [witness],", "hosts.witness1.cores", "holds 0, may hold at least 1"),
    ("kind: lab, roles: [witness],", "kind: lab, cores: 1.5, roles: [witness],", "hosts.witness1.cores", "may hold a number in plain"),
    ("kind: lab, roles: [witness],", "kind: lab, cores: true, roles: [witness],", "hosts.witness1.cores", "holds true, may hold a whole number"),
    ("kind: lab, roles: [witness],", "kind: lab, disk_encrypted: yes, roles: [witness],", "hosts.witness1.disk_encrypted", "holds yes, may hold true or false"),
    ("kind: lab, roles: [witness],", "kind: lab, options: {user: root}, roles: [witness],", "hosts.witness1.options.user", "is no option of the kind lab, may be nothing"),
    ("kind: lab, roles: [witness],", "kind: redfish, roles: [witness],", "hosts.witness1.options.bmc", "is missing, may hold the board's address"),
    ("kind: lab, roles: [witness],", "kind: existing, options: {user: Root}, roles: [witness],", "hosts.witness1.options.user", "holds Root, may hold the account"),
    ("kind: lab, roles: [witness],", 'kind: existing, options: {host_key: "ssh-rsa AAAA"}, roles: [witness],', "hosts.witness1.options.host_key", "may hold the host's key"),
    ("identity: {provider: local}", "identity: {provider: oidc}", "identity", "may hold issuer and client_id with provider: oidc"),
    ("identity: {provider: local}", 'identity: {provider: local, client_id: x, issuer: "https://id.example"}', "identity", "neither with local"),
    ("  port: 25", "  port: 70000", "mail.port", "holds 70000, may hold at most 65535"),
    ("  port: 25", '  port: "25"', "mail.port", "holds 25, may hold a whole number"),
    ("sender: majlis@meet", "sender: majlis meet", "mail.sender", "may hold an address such as"),
    ("servers: [10.77.3.1]", "servers: []", "time.servers", "may hold at least 1 of them"),
    ("servers: [10.77.3.1]", "servers: [10.77.3.999]", "time.servers[0]", "may hold an address, or a full name"),
    ("servers: [10.77.3.1]", "servers: [pool]", "time.servers[0]", "may hold an address, or a full name"),
    ("nts: false", "nts: no", "time.nts", "holds no, may hold true or false"),
    ('proxy: "http://10.77.3.1:3142"', 'proxy: "ftp://10.77.3.1"', "packages.debian.proxy", "may hold an http:// or https:// address"),
    ('proxy: "http://10.77.3.1:3142"', 'proxy: "http://u:p@10.77.3.1"', "packages.debian.proxy", "without account and query"),
    ('proxy: "http://10.77.3.1:3142"', 'proxy: "http://10.77.3.1:99999"', "packages.debian.proxy", "with a port of 1 to 65535"),
    ('proxy: "http://10.77.3.1:3142"', "suites: [bookworm]", "packages.debian", "may hold proxy or mirror, one of the two"),
    ("jitsi: null", "jitsi: {}", "packages.jitsi", "may hold directory or repository, one of the two"),
    ("jitsi: null", 'jitsi: {repository: "http://10.77.3.1/j"}', "packages.jitsi", "may hold key together with repository"),
    ("journal_days: 30", "journal_days: 0", "retention.journal_days", "may hold at least 1"),
    ("identity: {provider", "virtual_address: 10.77.1.10\nidentity: {provider", "virtual_address", "may stand in a site with two edges or more"),
    ("identity: {provider", "outside: {m: {cidr: 10.9.9.9/32, why: so}}\nidentity: {provider", "outside.m.why", "at least 10 characters"),
    ("identity: {provider", "name_servers: [ns.meet.lab.majlis.test]\nidentity: {provider", "name_servers[0]", "may hold a name outside meet.lab.majlis.test"),
    ("identity: {provider", "state: gs://bucket\nidentity: {provider", "state", "may hold a directory or s3://BUCKET?endpoint=HOST"),
]  # fmt: skip
WRONG_PARLIAMENT = [
    ("virtual_address: 203.0.113.10 ", "# ", "virtual_address", "is missing, 2 edges may share one address"),
    ("virtual_address: 203.0.113.10 ", "virtual_address: 203.0.113.11 ", "virtual_address", "which is edge1's, may hold a free address"),
    ("virtual_address: 203.0.113.10 ", "virtual_address: 10.20.2.9 ", "virtual_address", "may hold an address in users"),
    ("[confidential, secret]", "[restricted, confidential, secret]", "pools.closed.classifications", "holds restricted, may hold what open does not serve already"),
    ("time1.parliament.example: 10.60.5.129", "time1.parliament.example: 10.60.5.1", "outside.clocks.names.time1.parliament.example", "may hold an address in 10.60.5.128/30"),
    ("names: {mail.parl", "names: {id.parl", "outside.mail.names.id.parliament.example", "stands there twice, identity has it already"),
    ("people_authority: people", "#", "people_authority", "is missing, pool closed asks for certificates and may hold who signs them"),
    ("name: closed", "name: rooms", "pools.closed.name", "may hold another name than open's"),
    ("qemu+tls://10.20.3.203/system", "vbox://10.20.3.203", "hosts.db3.options.hypervisor", "may hold libvirt's address"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "says"), WRONG)
def test_a_wrong_lab_is_refused_with_line_key_and_what_may_stand_there(
    old: str, new: str, key: str, says: str
) -> None:
    _refused(LAB, old, new, key, says)


@pytest.mark.parametrize(("old", "new", "key", "says"), WRONG_PARLIAMENT)
def test_a_wrong_parliament_is_refused(old: str, new: str, key: str, says: str) -> None:
    _refused(PARLIAMENT, old, new, key, says)


def test_the_line_is_that_of_the_wrong_value() -> None:
    text = LAB.replace("nts: false", "nts: no")
    line = next(number for number, said in enumerate(text.splitlines(), 1) if "nts: no" in said)
    with pytest.raises(SiteInvalid) as refused:
        parse_site(text, "lab.yaml")
    assert str(refused.value) == f"lab.yaml:{line}: time.nts: holds no, may hold true or false"


def test_all_problems_are_told_at_once_and_in_order() -> None:
    """Text that YAML doubts, types, and rules between parts: three stages, one answer."""
    text = (
        LAB.replace("  port: 25", "  port: 025")
        .replace("nts: false", "nts: no")
        .replace("cluster: 10.77.2.81", "cluster: 10.78.2.81")
        .replace("users: 10.77.1.31", "users: 10.77.1.32")
    )
    with pytest.raises(SiteInvalid) as refused:
        parse_site(text)
    paths = [problem.path for problem in refused.value.problems]
    assert paths == [
        "hosts.bridge2.addresses.users",
        "hosts.witness1.addresses.cluster",
        "mail.port",
        "time.nts",
    ]
    assert [p.line for p in refused.value.problems] == sorted(p.line for p in refused.value.problems)


def test_a_broken_host_is_not_also_called_missing() -> None:
    """One mistake is one sentence: a host whose roles are wrong makes no second one about the pool it serves."""
    with pytest.raises(SiteInvalid) as refused:
        parse_site(LAB.replace("roles: [signalling]", "roles: [signaling]"))
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize("name", NAMES)
def test_each_shipped_site_can_be_read(name: str) -> None:
    assert load_site(shipped(name)).name == name


def test_exactly_these_sites_ship() -> None:
    assert sorted(file.stem for file in SITES.glob("*.yaml")) == sorted(NAMES)


def test_the_lab_has_the_hosts_that_the_tests_of_hosts_expect() -> None:
    lab = load_site(shipped("lab"))
    assert list(lab.hosts) == [
        *("edge1", "signal1", "bridge1", "bridge2", "turn1", "db1", "control1", "monitor1", "witness1")
    ]
    assert {host.kind for host in lab.hosts.values()} == {"lab"}


def test_a_parliament_has_two_of_what_people_meet_and_three_databases() -> None:
    site = load_site(shipped("parliament"))
    roles = [role for host in site.hosts.values() for role in host.roles]
    assert {role: roles.count(role) for role in roles} == {
        "edge": 2,
        "signalling": 2,
        "bridge": 3,
        "turn": 2,
        "database": 3,
        "control": 2,
        "monitoring": 1,
        "witness": 1,
    }
    assert {host.pool for host in site.hosts_with("signalling")} == {"open", "closed"}
    assert {host.kind for host in site.hosts.values()} == {"libvirt", "redfish", "existing"}


def test_a_host_knows_its_address_by_use() -> None:
    box = load_site(shipped("single")).hosts["box1"]
    assert box.name == "box1"
    assert str(box.address("users")) == str(box.address("cluster")) == "192.168.10.11"
    assert str(box.address("management")) == "192.168.20.11"
    assert load_site(shipped("lab")).hosts["db1"].address("users") is None


def test_a_site_answers_what_others_ask_of_it() -> None:
    lab = load_site(shipped("lab"))
    assert str(lab.network("cluster")) == "10.77.2.0/24"
    assert lab.turn_domain == "turn.meet.lab.majlis.test"
    assert lab.pool_domain("open") == "rooms.meet.lab.majlis.test"
    assert [host.name for host in lab.hosts_with("bridge")] == ["bridge1", "bridge2"]


def test_a_site_cannot_be_changed() -> None:
    lab = load_site(shipped("lab"))
    with pytest.raises(ValidationError, match="frozen"):
        lab.domain = "other.example"  # type: ignore[misc]


def test_no_other_way_to_make_a_site_goes_round_its_rules() -> None:
    value = site_file.parse(LAB.replace("users: 10.77.1.31", "users: 10.77.1.32")).value
    with pytest.raises(ValidationError, match="does not have"):
        Site.model_validate_json(json.dumps(value))


def test_paths_start_at_the_site_file(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(LAB.replace("jitsi: null", "jitsi: {directory: debs}"), "utf-8")
    jitsi = load_site(file).packages.jitsi
    assert jitsi is not None
    assert jitsi.directory == tmp_path / "debs"


def test_the_command_line_goes_before_the_file(tmp_path: Path) -> None:
    site = load_site(shipped("lab"), Overrides(jitsi_packages=tmp_path, state=str(tmp_path / "state")))
    assert site.packages.jitsi is not None
    assert site.packages.jitsi.directory == tmp_path
    assert site.state == str(tmp_path / "state")


def test_the_schema_for_editors_is_up_to_date() -> None:
    """Mend it with `python -c 'from infra.site import write_schema; write_schema()'`."""
    assert json.loads((SITES / "site.schema.json").read_text("utf-8")) == json_schema()


@pytest.mark.parametrize("name", NAMES)
def test_an_editor_finds_nothing_wrong_in_a_shipped_site(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(site_file.read(shipped(name)).value, json_schema())
    assert shipped(name).read_text("utf-8").startswith("# yaml-language-server: $schema=site.schema.json\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: lab ", "name: Lab "),
        ("roles: [edge]", "roles: [edg]"),
        ("nts: false", "nts: no"),
        ("mail:", "mial:"),
    ],
)
def test_an_editor_underlines_what_is_wrong(old: str, new: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(site_file.parse(LAB.replace(old, new)).value, json_schema())


def _refused(text: str, old: str, new: str, key: str, says: str) -> None:
    assert old in text
    with pytest.raises(SiteInvalid) as refused:
        parse_site(text.replace(old, new), "site.yaml")
    told = [(problem.path, problem.says) for problem in refused.value.problems]
    assert any(path == key and says in said for path, said in told), told
    assert all(re.match(r"site\.yaml:[1-9][0-9]*: .", line) for line in str(refused.value).splitlines())
