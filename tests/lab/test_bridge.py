"""Bridges: media on one address and port, everything else by TLS or on loopback."""

import json
from typing import Any

import pytest

from tests.lab.hosts_talk import digests, eventually, exposure, fetch, listening

PRIVATE = "http://127.0.0.1:8080"
OURS = (
    "/etc/majlis/videobridge/jvb.conf",
    "/etc/majlis/videobridge/host.p12",
    "/etc/systemd/system/jitsi-videobridge2.service.d/majlis.conf",
)


@pytest.fixture(scope="module", params=["bridge1", "bridge2"])
def bridge(lab: Any, request: pytest.FixtureRequest) -> Any:
    host = lab.hosts[request.param]
    host.majlis_name = request.param
    return host


@pytest.fixture
def settings(bridge: Any) -> Any:
    """What the bridge is told."""
    return json.loads(bridge.file("/etc/majlis/videobridge/jvb.conf").content_string)


def test_it_listens_where_it_should_and_nowhere_else(lab: Any, bridge: Any) -> None:
    addresses = lab.site.hosts[bridge.majlis_name]
    assert listening(bridge, "java", "python3") == [
        f"tcp {addresses.address('cluster')}:9090",
        "tcp 127.0.0.1:8080",
        f"udp {addresses.address('users')}:10000",
    ]


def test_it_is_well_with_private_addresses_only(bridge: Any, settings: Any) -> None:
    """Trap 10: by default a bridge without a public address calls itself ill."""
    assert settings["videobridge"]["health"] == {"require-valid-address": False, "require-stun": False}
    assert fetch(bridge, f"{PRIVATE}/about/health")[0] == 200


def test_it_asks_nobody_outside_for_its_address(bridge: Any, settings: Any) -> None:
    mapping = settings["ice4j"]["harvest"]["mapping"]
    assert mapping == {"stun": {"addresses": []}, "aws": {"enabled": False}, "static-mappings": []}
    process = bridge.check_output(
        "tr '\\0' ' ' < /proc/$(systemctl show -P MainPID jitsi-videobridge2)/cmdline"
    )
    assert "-Dconfig.file=/etc/majlis/videobridge/jvb.conf" in process


def test_its_load_is_measured_by_packets(settings: Any) -> None:
    assert (
        settings["videobridge"]["load-management"]["load-measurements"]["load-measurement"] == "packet-rate"
    )


def test_it_signs_in_where_the_certificate_is_right(settings: Any) -> None:
    configs = settings["videobridge"]["apis"]["xmpp-client"]["configs"]
    assert set(configs) == {"signal1"}
    assert configs["signal1"]["DISABLE_CERTIFICATE_VERIFICATION"] is False


def test_bridges_relay_to_each_other_without_sctp(bridge: Any, settings: Any) -> None:
    told = settings["videobridge"]
    assert told["relay"]["enabled"] is True
    assert told["relay"]["relay-id"] == told["websockets"]["server-id"] == bridge.majlis_name
    assert told["sctp"]["enabled"] is False


@pytest.mark.parametrize("asking", ["edge1", "bridge2"])
def test_websockets_go_by_tls_with_the_hosts_certificate(lab: Any, asking: str) -> None:
    address = lab.site.hosts["bridge1"].address("cluster")
    heard = lab.hosts[asking].run(
        f"openssl s_client -connect {address}:9090 -tls1_2 -verify_return_error "
        f"-CAfile /etc/majlis/tls/authority.crt -verify_ip {address} </dev/null"
    )
    assert heard.rc == 0
    assert "Verification: OK" in heard.stdout


def test_configuring_the_package_again_changes_nothing_that_is_read(bridge: Any) -> None:
    """Trap 11: the package writes files of its own, which the service doesn't read."""
    before = digests(bridge, OURS)
    assert bridge.run("DEBIAN_FRONTEND=noninteractive dpkg-reconfigure jitsi-videobridge2").rc == 0
    assert digests(bridge, OURS) == before
    assert bridge.service("jitsi-videobridge2").is_running


def test_a_bridge_empties_itself_before_it_stops(bridge: Any) -> None:
    assert bridge.run("systemctl restart jitsi-videobridge2").rc == 0
    log = bridge.check_output("journalctl --no-pager -q -u jitsi-videobridge2 -n 30")
    assert "can't be asked to leave" not in log
    assert bridge.check_output("systemctl show -P Result jitsi-videobridge2") == "success"
    assert eventually(lambda: fetch(bridge, f"{PRIVATE}/about/health")[0] == 200)
    if "double" in fetch(bridge, f"{PRIVATE}/about/version")[1]:
        assert "left, as it was asked to" in log


def test_its_password_and_key_are_read_by_it_alone(bridge: Any) -> None:
    for path in OURS[:2]:
        file = bridge.file(path)
        assert (file.user, file.group, file.mode) == ("root", "jitsi", 0o640)
    assert bridge.file("/etc/majlis/videobridge").mode == 0o750


def test_it_is_shut_in(bridge: Any) -> None:
    assert exposure(bridge, "jitsi-videobridge2.service") <= 2.5
