"""What a lab decides before it touches this machine: names, ranges, sources, rules."""

import itertools
from pathlib import Path

import pytest

from infra.hosts.lab.apt_sources import KEYRING, Source, debian_sources
from infra.hosts.lab.cutoff import ruleset
from infra.hosts.lab.image import digest
from infra.hosts.lab.names import INTERFACE_LENGTH, Names, interface
from infra.hosts.lab.network import controller_address, refuse_overlap
from infra.hosts.lab.packages import configuration
from infra.hosts.lab.programs import missing_packages
from infra.hosts.lab.visitor import outsider_address
from infra.hosts.machine import MachineRefused
from infra.site import load_site, shipped

DEB822 = """\
Types: deb
# snapshot
URIs: http://mirror.test/debian/
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib

Types: deb-src
URIs: http://mirror.test/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.test/off
Suites: bookworm
Components: main
Enabled: no
"""
ONE_LINE = """\
# deb http://old.test/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/security bookworm-security main # daily
deb https://other-vendor.test/apt bookworm-pgdg main
"""


def test_no_interface_of_a_site_has_more_letters_than_linux_allows_or_the_name_of_another() -> None:
    hosts = [f"a-rather-long-host-name-{number}" for number in range(40)] + ["edge1", "edge2"]
    for site in ("a", "lab", "tenletters"):
        names = Names(site)
        made = [names.plug(*pair) for pair in itertools.product(hosts, ("users", "cluster", "management"))]
        made += [names.bridge(network) for network in ("users", "cluster", "management")]
        assert len(made) == 129
        assert len(set(made)) == len(made)
        assert all(len(name) <= INTERFACE_LENGTH and name.startswith(f"{site}.") for name in made)


def test_a_short_interface_name_is_told_in_full() -> None:
    assert interface("lab", "edge1", "users") == "lab.edge1.users"


def test_what_belongs_to_one_site_does_not_begin_as_what_belongs_to_another() -> None:
    assert not Names("lab-b").host_cell("edge1").startswith(Names("lab").cells)
    assert Names("lab-b").table == "majlis_lab_b"


@pytest.mark.parametrize("taken", ["10.77.0.0/16", "10.77.1.128/25", "10.0.0.0/8", "10.77.1.5"])
def test_a_range_that_this_machine_reaches_already_is_refused(taken: str) -> None:
    with pytest.raises(
        MachineRefused, match=f"network users: 10.77.1.0/24 overlaps {taken}.*interface docker0"
    ):
        refuse_overlap("lab", "users", "10.77.1.0/24", [{"dst": taken, "dev": "docker0"}], ["lab.users"])


@pytest.mark.parametrize("route", [
    {"dst": "default", "dev": "eth0"},
    {"dst": "10.77.2.0/24", "dev": "docker0"},
    {"dst": "10.77.1.0/24", "dev": "lab.users"},
])  # fmt: skip
def test_a_range_of_its_own_is_not(route: dict[str, str]) -> None:
    refuse_overlap("lab", "users", "10.77.1.0/24", [route], ["lab.users"])


def test_this_machine_is_the_controller_where_the_site_says_so_and_the_first_elsewhere() -> None:
    assert controller_address("10.77.3.0/24", "10.77.3.9") == "10.77.3.9/24"
    assert controller_address("10.77.2.0/25", "10.77.3.9") == "10.77.2.1/25"


def test_the_visitor_has_an_address_that_no_host_of_the_lab_has() -> None:
    site = load_site(shipped("lab"))
    visitors = {outsider_address(str(network.cidr)) for network in site.networks.values()}
    assert visitors == {"10.77.1.200", "10.77.2.200", "10.77.3.200"}
    assert not visitors & {str(each) for host in site.hosts.values() for each in host.addresses.values()}
    assert outsider_address("10.77.1.0/28") == "10.77.1.14"


def test_the_lab_takes_debian_from_where_this_machine_does_and_nothing_of_other_vendors(
    tmp_path: Path,
) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(ONE_LINE)
    (tmp_path / "sources.list.d/debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d/debian.sources.save").write_text(DEB822.replace("mirror", "saved"))
    assert debian_sources(tmp_path, "bookworm") == (
        Source("http://mirror.test/security", "bookworm-security", "main", "/k.gpg"),
        Source("http://mirror.test/debian", "bookworm", "main contrib", KEYRING),
        Source("http://mirror.test/debian", "bookworm-updates", "main contrib", KEYRING),
    )


def test_a_machine_without_debian_sources_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(MachineRefused, match="hold no suite bookworm"):
        debian_sources(tmp_path, "bookworm")


def test_another_mirror_gives_another_image() -> None:
    first, second = (Source(f"http://{name}.test/debian", "bookworm", "main") for name in ("a", "b"))
    assert digest((first,)) == digest((first,))
    assert digest((first,)) != digest((second,))


def test_the_apt_cache_listens_at_one_address_and_knows_no_other_mirror_than_this_machine() -> None:
    text = configuration(Path("/lab"), Path("/kept"), "10.77.3.1", None, ["archive.test", "archive.test"])
    assert "BindAddress: 10.77.3.1\nPort: 3142\n" in text
    assert "PassThroughPattern: ^(archive[.]test):443$\n" in text
    assert "CacheDir: /kept\n" in text
    assert "Remap" not in text
    assert "Proxy:" not in text
    assert "Proxy: http://p.test:8080\n" in configuration(
        Path("/l"), Path("/k"), "::1", "http://p.test:8080", []
    )


def test_packets_from_the_hosts_go_to_the_site_or_nowhere() -> None:
    rules = ruleset(Names("lab"), ["lab.cluster", "lab.users"], ["10.77.1.0/24", "10.77.2.0/24"], seen=7)
    assert (
        "ip daddr != { 10.77.1.0/24, 10.77.2.0/24, 224.0.0.0/4, 255.255.255.255 } counter name outside drop"
        in rules
    )
    assert "counter outside { packets 7 bytes 0 }" in rules
    assert rules.index('iifname "lab.users" oifname "lab.users" accept') < rules.index("drop\n    oifname")
    assert "masquerade" not in rules


def test_a_missing_program_is_told_by_the_package_that_brings_it() -> None:
    assert missing_packages({"sh": "dash", "no-such-program": "no-such-package"}) == ["no-such-package"]
