"""What each host listens to, seen from inside and written a second time; test_firewall.py asks from outside."""

import re
from typing import Any

import pytest

# SSH may come from the controller alone: the firewall says so, and its tests. It waits on every address.
EVERYWHERE = {"tcp 0.0.0.0:22 sshd", "tcp [::]:22 sshd"}
INSIDE = {
    "edge1": {
        "tcp 10.77.1.11:80 haproxy",
        "tcp 10.77.1.11:443 haproxy",
        "tcp 10.77.3.11:8404 haproxy",
        "tcp 127.0.0.1:8880 nginx",
    },
    "signal1": {
        "tcp 10.77.2.21:5222 lua5.4",
        "tcp 127.0.0.1:5222 lua5.4",
        "tcp 10.77.2.21:5281 lua5.4",
        "tcp 127.0.0.1:5281 lua5.4",
        "tcp 127.0.0.1:8888 jitsi",
    },
    "bridge1": {"udp 10.77.1.31:10000 jitsi", "tcp 10.77.2.31:9090 jitsi", "tcp 127.0.0.1:8080 jitsi"},
    "bridge2": {"udp 10.77.1.32:10000 jitsi", "tcp 10.77.2.32:9090 jitsi", "tcp 127.0.0.1:8080 jitsi"},
    "turn1": {
        "udp 10.77.1.41:3478 turnserver",
        "tcp 10.77.1.41:3478 turnserver",
        "tcp 10.77.1.41:5349 turnserver",
    },
    "db1": {"tcp 10.77.2.51:5432 postgres"},
    "control1": {"tcp 10.77.2.61:8000 majlis"},
    "monitor1": {
        "tcp 10.77.3.71:9090 prometheus",
        "tcp 10.77.3.71:19532 stunnel4",
        "tcp 127.0.0.1:9093 prometheus-aler",
        "tcp 127.0.0.1:19531 systemd-journal",
    },
    "witness1": set(),
}
LINE = re.compile(r'^(\w+)\s+\S+\s+\d+\s+\d+\s+(\S+:\d+)\s+\S+\s+users:\(\("([^"]+)"', re.MULTILINE)
# What jicofo and the bridge run as: doubles of ours, or Jitsi itself.
AS_JITSI = {"python3": "jitsi", "java": "jitsi"}


@pytest.mark.parametrize("name", INSIDE)
def test_a_host_listens_to_this_and_to_nothing_else(lab: Any, name: str) -> None:
    told = lab.hosts[name].check_output("ss -Hlntup")
    found = LINE.findall(told)
    assert len(found) == len(told.splitlines())  # no line that this test can't read
    address = str(lab.site.hosts[name].address("management"))
    expected = INSIDE[name] | EVERYWHERE | {f"tcp {address}:9100 prometheus-node"}
    assert {f"{how} {where} {AS_JITSI.get(who, who)}" for how, where, who in found} == expected
