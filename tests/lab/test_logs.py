"""Journals leave each host as they are written, to a collector that takes them from hosts of the site alone."""

import secrets
import time
from typing import Any

import pytest

SENDERS = ("edge1", "signal1", "bridge1", "bridge2", "turn1", "db1", "control1", "witness1")
REMOTE = "journalctl --quiet --directory=/var/log/journal/remote --output=cat"


@pytest.mark.parametrize("name", SENDERS)
def test_what_a_host_writes_is_on_the_collector_within_seconds(lab: Any, name: str) -> None:
    mark = secrets.token_hex(8)
    lab.hosts[name].check_output(f"logger majlis-test-{mark}")
    until = time.monotonic() + 20
    said = ""
    while mark not in said and time.monotonic() < until:
        said = lab.hosts["monitor1"].run(f"{REMOTE} _HOSTNAME={name} --since=-2min").stdout
        time.sleep(0.5)
    assert mark in said


def test_the_collector_takes_nothing_from_somebody_without_a_certificate_of_the_site(lab: Any) -> None:
    address = str(lab.site.hosts["monitor1"].address("management"))
    handshake = (
        f"echo | timeout 10 openssl s_client -connect {address}:19532 -CAfile /etc/majlis/tls/authority.crt"
    )
    refused = lab.hosts["edge1"].run(f"{handshake} -ign_eof")
    assert "certificate required" in refused.stdout + refused.stderr


def test_the_collector_behind_the_door_is_on_loopback(lab: Any) -> None:
    said = lab.hosts["monitor1"].check_output("ss -Hlnt 'sport = :19531'").split()
    assert said[3] == "127.0.0.1:19531"


@pytest.mark.parametrize("name", [*SENDERS, "monitor1"])
def test_a_journal_is_kept_as_long_as_the_site_says(lab: Any, name: str) -> None:
    told = lab.hosts[name].file("/etc/systemd/journald.conf.d/majlis.conf").content_string
    assert f"MaxRetentionSec={lab.site.retention.journal_days}day" in told
    assert lab.hosts[name].file("/var/log/journal").is_directory


def test_old_journals_of_all_hosts_go_every_night(lab: Any) -> None:
    host = lab.hosts["monitor1"]
    assert host.service("majlis-journals.timer").is_running
    assert host.run("systemctl start majlis-journals.service").rc == 0
