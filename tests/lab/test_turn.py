"""The TURN server: it relays media to the bridges for whoever Prosody vouches for, and to nobody else."""

import json
import subprocess
import sys
from typing import Any

import pytest

from infra.hosts.lab.names import Names
from infra.hosts.lab.visitor import VISITOR
from tests.lab.hosts_talk import exposure, listening
from tests.lab.turn_questions import CLOSED

REFUSED = {403, 443}  # forbidden; of another family than the allocation, so nothing could be sent either


@pytest.fixture(scope="module")
def turn(lab: Any) -> Any:
    return lab.hosts["turn1"]


@pytest.fixture(scope="module")
def secret(turn: Any) -> str:
    found = turn.check_output("sed -n 's/^static-auth-secret=//p' /etc/turnserver.conf")
    assert len(found) >= 32
    return str(found)


def ask(lab: Any, secret: str, question: str, *more: str) -> Any:
    """Ask as a person's computer does; the secret goes by standard input, so that no list of processes shows it."""
    address, bridge = (str(lab.site.hosts[name].address("users")) for name in ("turn1", "bridge1"))
    program = [sys.executable, "-m", "tests.lab.turn_questions", question, address, bridge, *more]
    inside = ["ip", "netns", "exec", Names(lab.site.name).namespace(VISITOR), *program]
    done = subprocess.run(inside, input=secret, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def answers(lab: Any, secret: str) -> dict[str, dict[str, list[int]]]:
    """What the server says to each address of the table, and to addresses of the site that aren't bridges'."""
    own = [
        str(address)
        for name, host in lab.site.hosts.items()
        for address in host.addresses.values()
        if "bridge" not in host.roles
    ]
    management = [str(host.address("management")) for host in lab.site.hosts.values()]
    mapped = [f"::ffff:{address}" for address in management]
    found: dict[str, dict[str, list[int]]] = ask(lab, secret, "peers", *own, *management, *mapped)
    return found


def test_only_a_credential_of_ours_that_still_runs_gets_an_address(lab: Any, secret: str) -> None:
    assert ask(lab, secret, "credentials") == {
        "none": 401,
        "over": 401,
        "of another secret": 401,
        "right": 200,
    }


@pytest.mark.parametrize("kind", [*CLOSED, "the site's own"])
def test_a_peer_of_this_kind_is_refused(answers: dict[str, dict[str, list[int]]], kind: str) -> None:
    assert answers[kind]
    let_through = {peer: codes for peer, codes in answers[kind].items() if not set(codes) <= REFUSED}
    assert not let_through


def test_every_ipv4_peer_but_the_bridges_is_forbidden(answers: dict[str, dict[str, list[int]]]) -> None:
    refusals = {
        peer: codes for kind in answers for peer, codes in answers[kind].items() if kind != "the bridge"
    }
    assert len(refusals) > 40
    assert all(codes == [403, 403] for peer, codes in refusals.items() if ":" not in peer)


def test_the_hole_of_mapped_addresses_is_closed_by_name_too(turn: Any) -> None:
    assert (
        "denied-peer-ip=::ffff:0.0.0.0-::ffff:255.255.255.255"
        in turn.file("/etc/turnserver.conf").content_string
    )


def test_a_media_packet_is_relayed_to_a_bridge_and_back(
    lab: Any, secret: str, answers: dict[str, dict[str, list[int]]]
) -> None:
    bridge = str(lab.site.hosts["bridge1"].address("users"))
    assert answers["the bridge"] == {bridge: [200, 200]}
    heard = ask(lab, secret, "media")
    assert heard["relayed"][0] == str(lab.site.hosts["turn1"].address("users"))
    assert heard["peer"] == [bridge, 10_000]
    assert heard["kind"] == "0101"  # the bridge's answer to a binding request


def test_one_credential_does_not_take_all_the_ports(lab: Any, secret: str) -> None:
    outcome = ask(lab, secret, "quota")
    assert outcome["refused"] == 486
    assert 4 <= outcome["held"] <= 12
    assert outcome["another"] == 200


def test_it_listens_where_people_reach_it_and_nowhere_else(lab: Any, turn: Any) -> None:
    address = str(lab.site.hosts["turn1"].address("users"))
    relayed = range(49152, 65536)
    found = [place for place in listening(turn, "turnserver") if int(place.rsplit(":", 1)[1]) not in relayed]
    assert found == [f"tcp {address}:3478", f"tcp {address}:5349", f"udp {address}:3478"]


def test_its_secret_is_read_by_coturn_alone_and_stands_in_no_log(turn: Any, secret: str) -> None:
    file = turn.file("/etc/turnserver.conf")
    assert (file.user, file.group, file.mode) == ("root", "turnserver", 0o640)
    assert turn.run("journalctl --no-pager -q -u coturn | grep -F -e '%s'", secret).rc == 1


@pytest.mark.parametrize(("protocol", "works"), [("tls1", False), ("tls1_1", False), ("tls1_2", True)])
def test_it_speaks_no_tls_older_than_1_2_and_shows_the_name_that_clients_ask_for(
    lab: Any, protocol: str, works: bool
) -> None:
    address = str(lab.site.hosts["turn1"].address("users"))
    name = f"turn.{lab.site.domain}"
    shake = f"timeout 5 openssl s_client -connect {address}:5349 -servername {name} -{protocol} </dev/null"
    heard = lab.visitor("sh", "-c", f"{shake} 2>/dev/null | openssl x509 -noout -ext subjectAltName")
    assert (f"DNS:{name}" in heard.stdout) == works


def test_it_is_shut_in(turn: Any) -> None:
    assert exposure(turn, "coturn.service") <= 2.5
