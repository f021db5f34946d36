"""Prometheus sees every host and service, shows nothing to strangers, and its alerts are loaded."""

import json
import re
import time
from typing import Any

import pytest

HOSTS = {"edge1", "signal1", "bridge1", "bridge2", "turn1", "db1", "control1", "monitor1", "witness1"}
TARGETS = {("node", name) for name in HOSTS} | {
    ("edge", "edge1"),
    ("control_plane", "control1"),
    ("prosody", "signal1"),
}
ASK = """
import base64, json, ssl, sys, urllib.error, urllib.request
url, user = sys.argv[1:]
context = ssl.create_default_context(cafile="/etc/majlis/tls/authority.crt")
request = urllib.request.Request(url)
if user:
    password = open("/etc/prometheus/password").read()
    request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
try:
    print(urllib.request.urlopen(request, context=context, timeout=10).read().decode())
except urllib.error.HTTPError as refused:
    print(refused.code)
"""


def ask(lab: Any, path: str, user: str = "majlis") -> Any:
    """Return what Prometheus answers, on the host itself; the status when it refuses."""
    address = str(lab.site.hosts["monitor1"].address("management"))
    said = lab.hosts["monitor1"].check_output(
        "python3 -c %s %s %s", ASK, f"https://{address}:9090{path}", user
    )
    return json.loads(said)


def test_every_host_and_service_gives_its_numbers(lab: Any) -> None:
    until = time.monotonic() + 60
    targets: list[Any] = []
    while time.monotonic() < until:
        targets = ask(lab, "/api/v1/targets?state=active")["data"]["activeTargets"]
        if all(target["health"] == "up" for target in targets):
            break
        time.sleep(2)
    assert {(target["labels"]["job"], target["labels"]["host"]) for target in targets} == TARGETS
    assert [(target["labels"], target["lastError"]) for target in targets if target["health"] != "up"] == []


def test_programs_that_open_no_port_are_asked_on_their_host(lab: Any) -> None:
    found = ask(lab, "/api/v1/query?query=majlis_program_up")["data"]["result"]
    told = {(one["metric"]["host"], one["metric"]["name"], one["value"][1]) for one in found}
    assert told == {
        ("bridge1", "videobridge", "1"),
        ("bridge2", "videobridge", "1"),
        ("signal1", "jicofo", "1"),
    }


def test_nobody_looks_without_the_password(lab: Any) -> None:
    assert ask(lab, "/api/v1/targets", user="") == 401
    assert ask(lab, "/", user="") == 401
    assert ask(lab, "/api/v1/targets", user="somebody") == 401


def test_the_alerts_are_loaded_and_none_is_broken(lab: Any) -> None:
    groups = ask(lab, "/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == 11
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []


def test_alerts_reach_the_alert_manager_on_loopback(lab: Any) -> None:
    managers = ask(lab, "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert [manager["url"] for manager in managers] == ["http://127.0.0.1:9093/api/v2/alerts"]
    said = lab.hosts["monitor1"].check_output("ss -Hlnt 'sport = :9093 or sport = :9094'")
    assert [line.split()[3] for line in said.splitlines()] == ["127.0.0.1:9093"]


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_a_hosts_numbers_are_for_holders_of_a_certificate_alone(lab: Any, name: str) -> None:
    address = str(lab.site.hosts[name].address("management"))
    host = lab.hosts[name]
    said = host.check_output("ss -Hlnt 'sport = :9100'")
    assert [line.split()[3] for line in said.splitlines()] == [f"{address}:9100"]
    handshake = f"echo 'GET /metrics' | timeout 10 openssl s_client -connect {address}:9100 -CAfile /etc/majlis/tls/authority.crt"
    refused = host.run(f"{handshake} -ign_eof")
    assert re.search("alert (bad certificate|certificate required)", refused.stdout + refused.stderr)


def test_when_each_certificate_ends_is_known(lab: Any) -> None:
    found = ask(lab, "/api/v1/query?query=majlis_certificate_ends_seconds")["data"]["result"]
    names = {(one["metric"]["host"], one["metric"]["name"]) for one in found}
    assert names >= {(name, "host") for name in HOSTS} | {
        ("edge1", "public"),
        ("turn1", "turn"),
        ("signal1", "xmpp"),
    }
