"""The control plane's host: its box, its secrets, its keys, and what it answers to whom."""

import re

from tests.lab.conftest import Lab
from tests.lab.hosts_talk import exposure, fetch

HEALTH = "https://10.77.2.61:8000/health"


def test_the_control_plane_is_boxed_in(lab: Lab) -> None:
    assert exposure(lab.hosts["control1"], "majlis-control.service") <= 2.5


def test_it_runs_as_its_own_account_without_a_shell(lab: Lab) -> None:
    control = lab.hosts["control1"]
    assert control.user("majlis").shell == "/usr/sbin/nologin"
    assert set(control.user("majlis").groups) == {"majlis", "majlis-tls"}
    pid = control.check_output("systemctl show -P MainPID majlis-control.service")
    assert control.check_output(f"stat -c %U /proc/{pid}") == "majlis"


def test_secrets_and_keys_are_read_by_nobody_else(lab: Lab) -> None:
    control = lab.hosts["control1"]
    settings = control.file("/etc/majlis/control.env")
    assert (settings.mode, settings.user, settings.group) == (0o640, "root", "majlis")
    keys = control.file("/var/lib/majlis/keys")
    assert (keys.mode, keys.user) == (0o700, "majlis")
    files = control.check_output("find /var/lib/majlis/keys -type f -printf '%m %u %f\\n'").splitlines()
    assert len(files) >= 2
    assert all(line.startswith("600 majlis ") for line in files)
    # What every account may read holds none of it: neither the unit nor the process list.
    assert "SECRET" not in control.check_output("systemctl cat majlis-control.service; ps -eo args")


def test_it_listens_in_the_hosts_own_network_only_and_by_tls(lab: Lab) -> None:
    control = lab.hosts["control1"]
    assert control.check_output("ss -ltnH | awk '{print $4}' | grep ':8000$'") == "10.77.2.61:8000"
    status, health = fetch(control, HEALTH)
    assert status == 200
    assert '"database":"reachable"' in health
    assert fetch(control, HEALTH.replace("https:", "http:"))[0] == 0


def test_the_policies_in_force_are_those_of_the_directory(lab: Lab) -> None:
    control = lab.hosts["control1"]
    digest = re.search(
        r"digest ([0-9a-f]{64})", control.check_output("majlis policy check /etc/majlis/policies")
    )
    assert digest is not None
    assert control.file("/etc/majlis/policies").linked_to.endswith(digest[1])
    assert digest[1] in fetch(control, HEALTH)[1]


def test_there_is_one_administrator_and_the_log_is_sound(lab: Lab) -> None:
    control = lab.hosts["control1"]
    assert "administrator@meet.lab.majlis.test" in control.check_output("COLUMNS=200 majlis people list")
    assert control.check_output("majlis audit verify").startswith("sound: ")


def test_what_is_installed_came_from_the_controller_only(lab: Lab) -> None:
    control = lab.hosts["control1"]
    current = control.check_output("readlink /opt/majlis/current")
    assert re.fullmatch(r"/opt/majlis/[0-9a-f]{16}", current)
    assert control.file(f"{current}/complete").exists
    owners = control.check_output(f"find {current} ! -user root | head -n 1")
    assert owners == ""
