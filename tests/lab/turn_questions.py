"""What tests/lab/test_turn.py asks a TURN server, as a program: it runs on a person's computer, answers as JSON.

python -m tests.lab.turn_questions QUESTION ADDRESS BRIDGE < secret
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from tests.lab.turn_client import NoAnswer, Refused, TurnClient, binding_request, short_lived

PORT = 3478
MEDIA_PORT = 10_000
# Each range that must stay closed, and an address in it. What a site adds of its own comes from the test.
CLOSED = {
    "this host (RFC 1122)": ("0.0.0.0", "0.1.2.3"),
    "loopback (RFC 1122)": ("127.0.0.1", "127.255.255.254"),
    "private (RFC 1918)": ("10.0.0.1", "10.255.255.254", "172.16.0.1", "172.31.255.254", "192.168.1.1"),
    "shared (RFC 6598)": ("100.64.0.1", "100.127.255.254"),
    "link-local (RFC 3927)": ("169.254.0.1", "169.254.169.254"),
    "protocol assignments (RFC 6890)": ("192.0.0.1",),
    "documentation (RFC 5737)": ("192.0.2.1", "198.51.100.1", "203.0.113.1"),
    "benchmarking (RFC 2544)": ("198.18.0.1", "198.19.255.254"),
    "multicast (RFC 5771)": ("224.0.0.1", "239.255.255.255"),
    "reserved and broadcast": ("240.0.0.1", "255.255.255.255"),
    "anybody else": ("8.8.8.8", "1.1.1.1"),
    "IPv6 loopback and any": ("::1", "::"),
    "IPv4-mapped (CVE-2026-27624)": ("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    "IPv6 link-local": ("fe80::1",),
    "IPv6 unique local": ("fc00::1", "fdff::1"),
    "IPv6 multicast": ("ff02::1",),
    "IPv6 translation (RFC 6052, RFC 3056)": ("64:ff9b::7f00:1", "2002:7f00:1::"),
}


def credentials(server: tuple[str, int], secret: str, _bridge: str) -> dict[str, Any]:
    """What the server says to each kind of credential."""
    now = int(time.time())
    tried = {
        "none": None,
        "over": short_lived(secret, now - 60),
        "of another secret": short_lived("x" * 32, now + 600),
        "right": short_lived(secret, now + 600),
    }
    return {name: _outcome(partial(_allocate, server, credential)) for name, credential in tried.items()}


def peers(server: tuple[str, int], secret: str, bridge: str, *others: str) -> dict[str, Any]:
    """What the server says to a permission, and to a channel, for each address of the table."""
    table = {**CLOSED, "the site's own": others, "the bridge": (bridge,)}
    with TurnClient(server, short_lived(secret, int(time.time()) + 601)) as client:
        client.allocate()
        answers = {
            name: {
                peer: [
                    _outcome(partial(client.permit, peer)),
                    _outcome(partial(client.bind_channel, peer, MEDIA_PORT)),
                ]
                for peer in addresses
            }
            for name, addresses in table.items()
        }
        client.release()
    return answers


def mapped(server: tuple[str, int], secret: str, *others: str) -> dict[str, Any]:
    """The same from an IPv6 address, where a mapped one is of the right family: only the denied ranges refuse it."""
    with TurnClient(server, short_lived(secret, int(time.time()) + 605)) as client:
        client.allocate(ipv6=True)
        return {
            peer: [
                _outcome(partial(client.permit, peer)),
                _outcome(partial(client.bind_channel, peer, MEDIA_PORT)),
            ]
            for peer in others
        }


def media(server: tuple[str, int], secret: str, bridge: str) -> dict[str, Any]:
    """Send a packet to the bridge through the server; what comes back, and from where."""
    with TurnClient(server, short_lived(secret, int(time.time()) + 602)) as client:
        relayed = client.allocate()
        client.permit(bridge)
        for _ in range(3):
            client.send((bridge, MEDIA_PORT), binding_request())
            try:
                peer, packet = client.receive()
            except NoAnswer:
                continue
            client.release()
            return {"relayed": relayed, "peer": peer, "kind": packet[:2].hex()}
    return {"relayed": relayed, "peer": None, "kind": ""}


def quota(server: tuple[str, int], secret: str, _bridge: str) -> dict[str, Any]:
    """How many allocations one credential gets, and whether another still gets one meanwhile."""
    greedy, modest = (short_lived(secret, int(time.time()) + seconds) for seconds in (603, 604))
    with ExitStack() as stack:
        held = []
        refused = 0
        for _ in range(40):
            client = stack.enter_context(TurnClient(server, greedy))
            try:
                client.allocate()
            except Refused as refusal:
                refused = refusal.code
                break
            held.append(client)
        other = _outcome(partial(_allocate, server, modest))
        for client in held:
            client.release()
    return {"held": len(held), "refused": refused, "another": other}


def _allocate(server: tuple[str, int], credential: Any) -> None:
    with TurnClient(server, credential) as client:
        client.allocate()
        client.release()


def _outcome(act: Callable[[], object]) -> int:
    """200 if it was granted, else STUN's number; 0 for silence."""
    try:
        act()
    except Refused as refusal:
        return refusal.code
    except NoAnswer:
        return 0
    return 200


QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "credentials": credentials,
    "peers": peers,
    "mapped": mapped,
    "media": media,
    "quota": quota,
}

if __name__ == "__main__":
    question, address, *more = sys.argv[1:]
    print(json.dumps(QUESTIONS[question]((address, PORT), sys.stdin.readline().strip(), *more)))
