"""Signalling: Prosody with our modules, and jicofo beside it."""

import json
from typing import Any

import pytest

from tests.lab.hosts_talk import digests, eventually, exposure, fetch, listening

JICOFO = "http://127.0.0.1:8888"
OURS = (
    "/etc/majlis/jicofo/jicofo.conf",
    "/etc/majlis/jicofo/logging.properties",
    "/etc/majlis/jicofo/authority.jks",
    "/etc/systemd/system/jicofo.service",
    "/etc/prosody/prosody.cfg.lua",
)


@pytest.fixture(scope="module")
def signalling(lab: Any) -> Any:
    return lab.hosts["signal1"]


@pytest.fixture(scope="module")
def settings(signalling: Any) -> Any:
    """What jicofo is told."""
    return json.loads(signalling.file("/etc/majlis/jicofo/jicofo.conf").content_string)["jicofo"]


def test_it_listens_to_the_cluster_by_tls_and_nowhere_else(lab: Any, signalling: Any) -> None:
    address = str(lab.site.hosts["signal1"].address("cluster"))
    everywhere = [f"tcp {where}:{port}" for where in (address, "127.0.0.1") for port in (5222, 5281)]
    assert listening(signalling, "lua5.4", "prosody") == sorted(everywhere)
    assert listening(signalling, "java", "python3") == ["tcp 127.0.0.1:8888"]


def test_upstreams_modules_find_their_libraries(signalling: Any) -> None:
    """Trap 1: Debian ships basexx and inspect for other Luas than the one that its Prosody runs."""
    asked = "print(type(require('basexx').to_base64), type(require('inspect')))"
    assert signalling.check_output(
        "setpriv --reuid prosody --regid prosody --clear-groups lua5.4 -e %s", asked
    ).split() == ["function", "table"]
    log = signalling.check_output("journalctl --no-pager -q -u prosody -b")
    assert "Serving 'majlis_control'" in log
    assert not [
        line for line in log.splitlines() if "Error initializing" in line or "Unable to load module" in line
    ]


def test_nobody_opens_a_room_by_asking_jicofo_over_http(signalling: Any, settings: Any) -> None:
    """Trap 2: who posts there walks around the reservation."""
    assert settings["rest"]["conference-request"]["enabled"] is False
    body = json.dumps({"room": f"walked-around@conference.{signalling.check_output('hostname')}"})
    assert fetch(signalling, f"{JICOFO}/conference-request/v1", "POST", body)[0] in {404, 405}


def test_tokens_are_checked_by_our_module_and_stand_in_no_log(signalling: Any) -> None:
    """Trap 7: upstream's module accepts a token without an end and logs it whole."""
    told = signalling.file("/etc/prosody/prosody.cfg.lua").content_string
    assert 'authentication = "majlis"' in told
    assert "token_verification" not in told
    assert 'authentication = "token"' not in told
    assert (
        signalling.run("journalctl --no-pager -q -u prosody | grep -E 'eyJ[A-Za-z0-9_-]{20}|token='").rc == 1
    )


def test_relays_work_without_sctp(settings: Any) -> None:
    """Trap 8: sctp alone switched off breaks what bridges tell each other."""
    assert settings["sctp"]["enabled"] is False
    assert settings["octo"] == {"enabled": True, "sctp-datachannels": False}


def test_nobody_becomes_a_moderator_by_coming_first(settings: Any) -> None:
    assert settings["conference"]["enable-auto-owner"] is False
    assert settings["health"]["enabled"] is False


def test_jicofo_is_a_unit_of_ours_and_reads_files_of_ours(signalling: Any) -> None:
    """Trap 11: the package has an init script only, and edits its own configuration at each configure."""
    assert (
        signalling.check_output("systemctl show -P FragmentPath jicofo")
        == "/etc/systemd/system/jicofo.service"
    )
    process = signalling.check_output("tr '\\0' ' ' < /proc/$(systemctl show -P MainPID jicofo)/cmdline")
    assert "-Dconfig.file=/etc/majlis/jicofo/jicofo.conf" in process
    assert "/etc/jitsi" not in process


def test_configuring_the_packages_again_changes_nothing_that_is_read(signalling: Any) -> None:
    before, running = (
        digests(signalling, OURS),
        signalling.check_output("systemctl show -P MainPID jicofo prosody"),
    )
    packages = "jicofo jitsi-meet-prosody"
    assert signalling.run(f"DEBIAN_FRONTEND=noninteractive dpkg-reconfigure {packages}").rc == 0
    assert digests(signalling, OURS) == before
    assert len(running.split()) == 2
    assert signalling.service("jicofo").is_running
    assert signalling.service("prosody").is_running
    # The package restarts Prosody, and the bridges come back by themselves.
    assert eventually(lambda: fetch(signalling, f"{JICOFO}/about/health")[0] == 200, 60)


def test_jicofo_is_signed_in_and_sees_every_bridge_of_its_pool(lab: Any, signalling: Any) -> None:
    bridges = [
        host for host in lab.site.hosts_with("bridge") if host.pool in {None, lab.site.hosts["signal1"].pool}
    ]
    assert len(bridges) > 1

    def sees_all() -> bool:
        status, body = fetch(signalling, f"{JICOFO}/stats")
        return status == 200 and json.loads(body)["bridge_selector"]["operational_bridge_count"] == len(
            bridges
        )

    assert eventually(sees_all, 60)
    assert fetch(signalling, f"{JICOFO}/about/health")[0] == 200


@pytest.mark.parametrize(("protocol", "works"), [("tls1_1", False), ("tls1_2", True), ("tls1_3", True)])
def test_bridges_see_the_sites_certificate_over_a_recent_tls_only(
    lab: Any, protocol: str, works: bool
) -> None:
    address, domain = lab.site.hosts["signal1"].address("cluster"), lab.site.domain
    heard = lab.hosts["bridge1"].run(
        f"openssl s_client -connect {address}:5222 -starttls xmpp -xmpphost auth.{domain} -{protocol} "
        f"-verify_return_error -CAfile /etc/majlis/tls/authority.crt -verify_hostname auth.{domain} </dev/null"
    )
    assert (heard.rc == 0 and "Verification: OK" in heard.stdout) == works


@pytest.mark.parametrize(
    ("path", "owner", "group", "mode"),
    [
        ("/etc/prosody/majlis/gate-secret", "root", "prosody", 0o640),
        ("/etc/prosody/majlis/control-secret", "root", "prosody", 0o640),
        ("/etc/prosody/majlis/turn-secret", "root", "prosody", 0o640),
        ("/etc/prosody/prosody.cfg.lua", "root", "prosody", 0o640),
        ("/etc/majlis/jicofo/jicofo.conf", "root", "jitsi", 0o640),
    ],
)
def test_a_secret_is_read_by_its_service_alone(
    signalling: Any, path: str, owner: str, group: str, mode: int
) -> None:
    file = signalling.file(path)
    assert (file.user, file.group, file.mode) == (owner, group, mode)


def test_accounts_hold_no_password(lab: Any, signalling: Any, settings: Any) -> None:
    folder = "/var/lib/prosody/auth" + f".{lab.site.domain}".replace(".", "%2e").replace("-", "%2d")
    accounts = signalling.check_output("cat %s/accounts/*.dat", folder)
    assert accounts.count("stored_key") == 2
    assert "password" not in accounts
    assert settings["xmpp"]["client"]["password"] not in accounts


def test_it_is_shut_in(signalling: Any) -> None:
    assert {unit for unit in ("prosody", "jicofo") if exposure(signalling, f"{unit}.service") > 2.5} == set()
