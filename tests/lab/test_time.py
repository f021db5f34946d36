"""The time: asked of the site's servers, served to nobody, and a container only watches."""

from typing import Any

import pytest

HOSTS = ("edge1", "signal1", "bridge1", "bridge2", "turn1", "db1", "control1", "monitor1", "witness1")


@pytest.mark.parametrize("name", HOSTS)
def test_chrony_asks_the_sites_servers_and_no_other(lab: Any, name: str) -> None:
    host = lab.hosts[name]
    assert host.service("chrony").is_running
    told = host.file("/etc/chrony/chrony.conf").content_string
    servers = [line.split()[1] for line in told.splitlines() if line.split()[:1] in (["server"], ["pool"])]
    assert servers == list(map(str, lab.site.time.servers))
    assert host.check_output("chronyc -n sources").count(servers[0]) == 1


@pytest.mark.parametrize("name", HOSTS)
def test_chrony_serves_nobody(lab: Any, name: str) -> None:
    assert lab.hosts[name].run("ss -Hlnup 'sport = :123 or sport = :323'").stdout == ""


@pytest.mark.parametrize("name", HOSTS)
def test_a_container_does_not_set_the_clock_of_its_machine(lab: Any, name: str) -> None:
    host = lab.hosts[name]
    process = host.check_output("systemctl show --property=MainPID --value chrony")
    assert "-x" in host.file(f"/proc/{process}/cmdline").content.decode().split("\0")


@pytest.mark.parametrize("name", HOSTS)
def test_no_other_program_sets_the_clock(lab: Any, name: str) -> None:
    assert not lab.hosts[name].service("systemd-timesyncd").is_running
