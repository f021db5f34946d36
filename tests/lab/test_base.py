"""Every host: who may come in, what it is called, and what it can't be talked into."""

import re
import subprocess
from typing import Any

import pytest

from infra.hosts.lab.apt_sources import debian_sources

HOSTS = ("edge1", "signal1", "bridge1", "bridge2", "turn1", "db1", "control1", "monitor1", "witness1")
# Written a second time on purpose: who has a shell.
SHELLS = {"root": "/bin/bash", "majlis-admin": "/bin/bash", "sync": "/bin/sync"}
DATABASE_SHELLS = SHELLS | {"postgres": "/bin/bash"}  # Debian's package, and Patroni's, work as that account
SETUID = {
    "/usr/bin/sudo",
    "/usr/lib/dbus-1.0/dbus-daemon-launch-helper",
    "/usr/sbin/unix_chkpwd",
}

each_host = pytest.mark.parametrize("name", HOSTS)


def test_these_are_the_hosts(lab: Any) -> None:
    assert tuple(sorted(lab.hosts)) == tuple(sorted(HOSTS))


@each_host
def test_who_has_a_shell(lab: Any, name: str) -> None:
    lines = [line.split(":") for line in lab.hosts[name].file("/etc/passwd").content_string.splitlines()]
    shells = {line[0]: line[6] for line in lines if not line[6].endswith(("nologin", "false"))}
    expected = DATABASE_SHELLS if name == "db1" else SHELLS
    assert {user: shell.replace("/usr/bin/", "/bin/") for user, shell in shells.items()} == expected


@each_host
def test_no_account_has_a_password(lab: Any, name: str) -> None:
    lines = [line.split(":") for line in lab.hosts[name].file("/etc/shadow").content_string.splitlines()]
    assert len(lines) > 15
    assert [line[0] for line in lines if not line[1].startswith(("!", "*"))] == []


@each_host
def test_programs_that_run_as_somebody_else(lab: Any, name: str) -> None:
    found = lab.hosts[name].run("find / -xdev -type f -perm /6000").stdout.split()
    assert set(found) == SETUID


@each_host
def test_ssh_lets_in_keys_alone(lab: Any, name: str) -> None:
    told = dict(line.split(" ", 1) for line in lab.hosts[name].run("sshd -T").stdout.splitlines())
    assert told["passwordauthentication"] == "no"
    assert told["kbdinteractiveauthentication"] == "no"
    assert told["authenticationmethods"] == "publickey"
    assert told["permitrootlogin"] == "without-password"  # the lab's controller comes as root, with its key
    assert told["allowtcpforwarding"] == "no"
    assert told["permitemptypasswords"] == "no"
    assert told["x11forwarding"] == "no"


def test_a_password_is_not_even_asked_for(lab: Any) -> None:
    """From the controller's own address, where port 22 is open."""
    address = str(lab.site.hosts["edge1"].address("management"))
    options = ("-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oPubkeyAuthentication=no")
    command = ["ssh", "-F/dev/null", *options, "-oBatchMode=yes", f"root@{address}", "true"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert said.returncode != 0
    assert "Permission denied (publickey)." in said.stderr


@each_host
def test_a_host_knows_itself_and_all_others_without_dns(lab: Any, name: str) -> None:
    host = lab.hosts[name]
    assert host.check_output("hostname") == name
    for other, facts in lab.site.hosts.items():
        address = str(facts.address("cluster"))
        assert host.check_output(f"getent ahostsv4 {other}.{lab.site.domain}").split()[0] == address
    edge = str(lab.site.hosts["edge1"].address("users"))
    assert host.check_output(f"getent ahostsv4 {lab.site.domain}").split()[0] == edge


@each_host
def test_the_time_is_told_in_utc(lab: Any, name: str) -> None:
    assert lab.hosts[name].check_output("date +%Z") == "UTC"


@each_host
def test_the_sysadmin_may_become_root_by_key_and_nobody_else_may(lab: Any, name: str) -> None:
    host = lab.hosts[name]
    listed = host.run("sudo -l -U majlis-admin").stdout
    assert "(ALL : ALL) NOPASSWD: ALL" in listed
    assert host.check_output("getent group sudo").split(":")[3] == ""
    keys = host.file("/home/majlis-admin/.ssh/authorized_keys")
    assert keys.mode == 0o600
    assert re.fullmatch(r"(ssh-ed25519 \S+( .*)?\n)+", keys.content_string)


@each_host
def test_packages_come_from_the_sources_of_the_site_alone(lab: Any, name: str) -> None:
    host = lab.hosts[name]
    assert host.run("ls /etc/apt/sources.list.d").stdout.split() == ["majlis.sources"]
    assert not host.file("/etc/apt/sources.list").exists
    uris = re.findall(
        r"^URIs: (\S+)", host.file("/etc/apt/sources.list.d/majlis.sources").content_string, re.MULTILINE
    )
    here = {source.suite: source.uri for source in debian_sources()}  # the site names no mirror of its own
    assert uris == [here["bookworm"], here["bookworm-security"]]
    proxy = host.check_output("apt-config dump Acquire::http::Proxy")
    assert f'"http://{lab.site.controller}:3142"' in proxy


@each_host
def test_security_upgrades_are_installed_without_being_asked_for(lab: Any, name: str) -> None:
    told = lab.hosts[name].check_output("apt-config dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in told
    origins = re.findall(r'Unattended-Upgrade::Origins-Pattern:: "(.*)";', told)
    assert origins == ["origin=Debian,codename=${distro_codename}-security,label=Debian-Security"]


@each_host
def test_a_service_that_never_ran_is_not_started_by_its_package(lab: Any, name: str) -> None:
    host = lab.hosts[name]
    assert host.run("/usr/sbin/policy-rc.d no-such-service start").rc == 101
    assert host.run("/usr/sbin/policy-rc.d ssh.service restart").rc == 0


@each_host
def test_nothing_has_failed(lab: Any, name: str) -> None:
    assert lab.hosts[name].run("systemctl --failed --plain --no-legend").stdout == ""
