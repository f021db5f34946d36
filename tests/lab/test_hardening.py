"""What a host doesn't need is gone, and what a container can't have is said."""

from typing import Any

import pytest

HOSTS = ("edge1", "signal1", "bridge1", "bridge2", "turn1", "db1", "control1", "monitor1", "witness1")
SYSCTLS = {
    "net.ipv4.conf.all.rp_filter": "1",
    "net.ipv4.conf.all.accept_redirects": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.all.accept_source_route": "0",
    "net.ipv4.conf.all.arp_ignore": "1",
    "net.ipv4.tcp_syncookies": "1",
}
LEFT_OUT_BY_A_CONTAINER = 5  # firewall's log, the clock, kernel settings, audit, AppArmor

each_host = pytest.mark.parametrize("name", HOSTS)


@each_host
def test_the_network_settings_are_in_force(lab: Any, name: str) -> None:
    host = lab.hosts[name]
    assert {key: host.check_output("sysctl -n %s", key) for key in SYSCTLS} == SYSCTLS


@each_host
def test_an_account_is_locked_after_five_wrong_passwords(lab: Any, name: str) -> None:
    host = lab.hosts[name]
    told = host.file("/etc/security/faillock.conf").content_string.splitlines()
    assert {"deny = 5", "unlock_time = 900", "even_deny_root"} <= set(told)
    steps = [
        line.split()[-2:]
        for line in host.file("/etc/pam.d/common-auth").content_string.splitlines()
        if line[:4] == "auth"
    ]
    assert steps[0] == ["pam_faillock.so", "preauth"]
    assert ["pam_faillock.so", "authfail"] in steps


@each_host
def test_nothing_leaves_a_core(lab: Any, name: str) -> None:
    assert lab.hosts[name].check_output("systemctl show --property=DefaultLimitCORE --value") in (
        "0",
        "infinity",
    )
    assert lab.hosts[name].file("/etc/security/limits.d/majlis.conf").content_string == "* hard core 0\n"


@each_host
def test_files_are_watched_from_a_timer(lab: Any, name: str) -> None:
    host = lab.hosts[name]
    assert host.service("majlis-aide.timer").is_running
    assert host.run("aide --config-check --config=/etc/aide/majlis.conf").rc == 0


def test_a_changed_file_is_told(lab: Any) -> None:
    host = lab.hosts["witness1"]
    host.check_output("rm -f /var/lib/majlis-aide/aide.db")
    host.check_output("systemctl start majlis-aide.service")
    assert host.file("/var/lib/majlis-aide/aide.db").size > 10_000
    try:
        host.check_output("install -m 0755 /bin/true /usr/local/sbin/majlis-stranger")
        host.check_output("systemctl start majlis-aide.service")
        said = host.check_output("journalctl --quiet --output=cat --unit=majlis-aide.service --lines=60")
        assert "/usr/local/sbin/majlis-stranger" in said
    finally:
        host.check_output("rm -f /usr/local/sbin/majlis-stranger")


@each_host
def test_what_a_container_can_not_have_is_not_there_half(lab: Any, name: str) -> None:
    host = lab.hosts[name]
    assert not host.service("auditd").is_running
    assert not host.service("auditd").is_enabled
    assert not host.file("/etc/sysctl.d/60-majlis-kernel.conf").exists
    assert not host.file("/etc/modprobe.d/majlis.conf").exists


@each_host
def test_profiles_of_debian_wait_for_a_kernel_that_takes_them(lab: Any, name: str) -> None:
    assert lab.hosts[name].file("/etc/apparmor.d/usr.sbin.chronyd").exists


@each_host
def test_what_was_left_out_reached_the_end_of_the_run(lab: Any, name: str) -> None:
    last = lab.state.last_up()
    assert last is not None
    words = [line for line in last.left_out if line.startswith(f"{name}: ") and "container" in line]
    assert len([line for line in words if "watchdog" not in line]) == LEFT_OUT_BY_A_CONTAINER


@each_host
def test_the_banner_is_said_before_a_login(lab: Any, name: str) -> None:
    assert "recorded" in lab.hosts[name].file("/etc/issue.net").content_string
    assert "banner /etc/issue.net" in lab.hosts[name].check_output("sshd -T").splitlines()
