"""One line of flows.yml opens both ends, for exactly those who are named."""

from pathlib import Path

import pytest

from infra.flows import Rule, read_flows, rules_for
from infra.playbook import PlaybookWrong, Port, read_playbook
from infra.site import Site, load_site, parse_site, shipped
from tests.infra.playbooks import FLOWS, SITE, small_playbooks

LAB = load_site(shipped("lab"))


@pytest.fixture
def rules(tmp_path: Path):  # type: ignore[no-untyped-def]
    playbook = read_playbook(small_playbooks(tmp_path))
    flows = read_flows(playbook, tmp_path)
    return lambda host, site=LAB: rules_for(site, site.hosts[host], flows)


def test_a_relay_accepts_and_sends_what_its_lines_say_and_nothing_else(rules) -> None:  # type: ignore[no-untyped-def]
    assert rules("turn1").accept == (
        Rule("tcp", "22", ("10.77.3.1/32",), "the operator works"),
        Rule("udp", "3478", ("10.77.1.0/24",), "people ask for a relay"),
    )
    assert rules("turn1").send == (
        Rule("tcp", "3142", ("10.77.3.1/32",), "packages"),
        Rule("udp", "123", ("10.77.3.1/32",), "the time"),
        Rule("udp", "10000", ("10.77.1.31/32", "10.77.1.32/32"), "relayed media"),
    )


def test_each_end_is_open_for_the_other(rules) -> None:  # type: ignore[no-untyped-def]
    relayed = [rule for rule in rules("bridge1").accept if rule.why == "relayed media"]
    assert relayed == [Rule("udp", "10000", ("10.77.1.41/32",), "relayed media")]
    assert Rule("tcp", "8000", ("10.77.2.61/32",), "pages") in rules("edge1").send
    assert Rule("tcp", "8000", ("10.77.2.11/32",), "pages") in rules("control1").accept


def test_nobody_has_a_rule_about_themselves(rules) -> None:  # type: ignore[no-untyped-def]
    between = [rule for rule in rules("bridge1").accept if rule.why == "media between bridges"]
    assert between == [Rule("udp", "10000", ("10.77.2.32/32",), "media between bridges")]
    box = load_site(shipped("single"))
    whys = {rule.why for rule in rules("box1", box).accept}
    assert whys == {"the operator works", "people ask for a relay", "media"}


def test_pools_never_meet(rules) -> None:  # type: ignore[no-untyped-def]
    """A bridge of the open pool is a stranger to one of the closed pool, whatever flows.yml says of bridges."""
    parliament = load_site(shipped("parliament"))
    between = {
        host: {
            net
            for rule in rules(host, parliament).accept
            for net in rule.networks
            if rule.why.endswith("bridges")
        }
        for host in ("bridge1", "bridge2", "bridge3")
    }
    assert between == {"bridge1": {"10.20.2.32/32"}, "bridge2": {"10.20.2.31/32"}, "bridge3": set()}


def test_a_rule_that_would_let_nobody_in_is_left_out(rules) -> None:  # type: ignore[no-untyped-def]
    """The lab sends no mail and signs nobody in elsewhere; a rule without addresses could be read as 'anybody'."""
    assert {"convocations", "sign-in"} & {rule.why for rule in rules("control1").send} == set()


def test_services_stand_where_the_site_file_says(rules) -> None:  # type: ignore[no-untyped-def]
    parliament = load_site(shipped("parliament"))
    sends = {rule.why: (rule.port, rule.networks) for rule in rules("control1", parliament).send}
    assert sends["convocations"] == ("587", ("10.60.5.25/32",))
    assert sends["sign-in"] == ("443", ("10.60.5.10/32",))
    assert sends["the time"] == ("123", ("10.60.5.129/32", "10.60.5.130/32"))
    assert sends["keys for the time"][0] == "4460"
    assert "keys for the time" not in {rule.why for rule in rules("control1").send}
    assert sends["packages"] == ("80", ("10.20.3.10/32",))


def test_people_come_from_their_network_the_zones_and_where_visitors_are(rules) -> None:  # type: ignore[no-untyped-def]
    site = _lab("parliament: []", "parliament: [10.60.0.0/16]\nvisitors: [198.51.100.0/24, 10.77.1.128/25]")
    asked = next(rule for rule in rules("turn1", site).accept if rule.port == "3478")
    assert asked.networks == ("10.60.0.0/16", "10.77.1.0/24", "198.51.100.0/24")


def test_both_families_are_kept_apart(rules) -> None:  # type: ignore[no-untyped-def]
    site = _lab("parliament: []", 'parliament: []\nvisitors: ["2001:db8::/32", 198.51.100.0/24]')
    asked = next(rule for rule in rules("turn1", site).accept if rule.port == "3478")
    assert asked.networks == ("10.77.1.0/24", "198.51.100.0/24", "2001:db8::/32")


def test_a_host_without_an_address_there_neither_sends_nor_accepts(rules) -> None:  # type: ignore[no-untyped-def]
    assert [rule.why for rule in rules("db1").accept] == ["the operator works"]


def test_the_virtual_address_is_an_edge_too(tmp_path: Path) -> None:
    flows = "- {from: turn, to: edge, port: tcp/443, on: users, why: the pages}\n"
    playbook = read_playbook(small_playbooks(tmp_path, flows=flows))
    parliament = load_site(shipped("parliament"))
    [rule] = rules_for(parliament, parliament.hosts["turn1"], read_flows(playbook, tmp_path)).send
    assert rule.networks == ("203.0.113.10/31", "203.0.113.12/32")


LINE = "{from: users, to: turn, port: coturn.turn, on: users, why: media}"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (LINE.replace("to: turn", "to: relay"), "to holds relay, may hold edge, signalling,"),
        (LINE.replace("from: users", "from: internet"), "from holds internet, may hold edge, signalling,"),
        (
            LINE.replace("coturn.turn", "coturn.turm"),
            "coturn.turm: coturn has no port turm; it has relay, turn",
        ),
        (
            LINE.replace("coturn.turn", "cotrun.turn"),
            "cotrun is no role of site.yml; there are base, control_plane,",
        ),
        (LINE.replace("coturn.turn", "coturn"), "coturn: coturn has no port ; it has relay, turn"),
        (LINE.replace("coturn.turn", "sctp/5000"), "sctp/5000 may be ROLE.PORT, or tcp/NUMBER"),
        (LINE.replace("coturn.turn", "tcp/0"), "tcp/0 may be ROLE.PORT, or tcp/NUMBER"),
        (LINE.replace("coturn.turn", "tcp/65536"), "tcp/65536 may be ROLE.PORT"),
        (LINE.replace("coturn.turn", "tcp/²"), "may be ROLE.PORT"),
        (LINE.replace("coturn.turn", "443"), "may hold texts for from, on, port, to, why"),
        (LINE.replace("on: users", "on: lan"), "on holds lan, may hold users, cluster, management"),
        (LINE.replace(", why: media", ""), "may hold texts for from, on, port, to, why"),
        (
            LINE.replace("why:", "because: x, why:"),
            "holds the key because (a text with a comma wants quotes)",
        ),
        (
            LINE.replace("media}", "media, and more}"),
            "holds the key and more (a text with a comma wants quotes)",
        ),
        (LINE.replace("to: turn", "to: users"), "no host opens connections to people's machines"),
        (LINE.replace("from: users", "from: mail"), "from holds mail, which opens no connections to hosts"),
        ("word", "may hold texts for"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused_with_its_number(tmp_path: Path, line: str, says: str) -> None:
    playbook = read_playbook(small_playbooks(tmp_path, flows=f"{FLOWS}- {line}\n"))
    with pytest.raises(PlaybookWrong) as refused:
        read_flows(playbook, tmp_path)
    assert str(refused.value).startswith("flows.yml, item 12")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("flows", "says"),
    [
        ("a: b\n", "flows.yml may hold a list"),
        ("- {a\n", "flows.yml is not YAML"),
        ("- &a [*a]\n", "may hold texts"),
    ],
)
def test_a_file_that_holds_no_flows_is_refused(tmp_path: Path, flows: str, says: str) -> None:
    playbook = read_playbook(small_playbooks(tmp_path, flows=flows))
    with pytest.raises(PlaybookWrong, match=says):
        read_flows(playbook, tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlaybookWrong, match=r"site\.yml is missing"):
        read_playbook(tmp_path)


def test_a_playbook_says_what_each_host_carries(tmp_path: Path) -> None:
    playbook = read_playbook(small_playbooks(tmp_path))
    assert [role.name for role in playbook.roles_of(LAB.hosts["turn1"])] == ["base", "time", "coturn"]
    assert playbook.groups_with("coturn") == ("turn",)
    assert len(playbook.groups_with("base")) == 8
    assert playbook.port("coturn.relay") == Port(49152, "udp", 65535)
    assert playbook.port("coturn.relay").spelled == "49152:65535"


@pytest.mark.parametrize(
    ("site", "roles", "says"),
    [
        (SITE.replace("hosts: turn", "hosts: relays"), {}, "play 2 is for relays, may be for all or one of"),
        (
            SITE.replace("coturn,", "nobody,"),
            {},
            r"roles/nobody/vars/main.yml is missing; it says nobody_packages",
        ),
        ("word", {}, "site.yml may hold a list of plays"),
        (SITE, {"coturn": "coturn_ports: [3478]\n"}, "coturn_ports may hold names"),
        (SITE, {"coturn": "coturn_packages: coturn\n"}, "coturn_packages may hold a list of Debian packages"),
        (
            SITE,
            {"coturn": "coturn_ports: {turn: {port: 0, protocol: udp}}\n"},
            "coturn_ports.turn holds 0 to 0",
        ),
        (
            SITE,
            {"coturn": "coturn_ports: {turn: {port: true, protocol: udp}}\n"},
            "coturn_ports.turn holds True",
        ),
        (SITE, {"coturn": "coturn_ports: {turn: {port: 9, to: 8, protocol: udp}}\n"}, "holds 9 to 8"),
        (SITE, {"coturn": "coturn_ports: {turn: {port: 9, protocol: sctp}}\n"}, "holds the protocol sctp"),
        (SITE, {"coturn": "coturn_ports: {turn: {port: 9, proto: udp}}\n"}, "may hold port, protocol and"),
        (
            SITE,
            {"coturn": 'coturn_ports: {turn: {port: "{{ x }}", protocol: udp}}\n'},
            "may hold numbers of 1",
        ),
    ],
)
def test_a_playbook_that_cannot_be_meant_is_refused(
    tmp_path: Path, site: str, roles: dict[str, str], says: str
) -> None:
    with pytest.raises(PlaybookWrong, match=says):
        read_playbook(small_playbooks(tmp_path, site, **roles))


def _lab(old: str, new: str) -> Site:
    text = shipped("lab").read_text("utf-8")
    assert old in text
    return parse_site(text.replace(old, new))
