"""A token is handed over unread, used once, bounded, and never written down."""

import http.client
import secrets
import socket
import time

import pytest

from demo.players import ConnectionRefused, PlayerFailed
from tests.doubles.fake_control_plane import FakeControlPlane
from tests.prosody.conftest import DOMAIN, Cast

KIB = 1024


@pytest.mark.parametrize("size", [8 * KIB + 1, 9 * KIB])
def test_a_token_over_8_kib_is_not_handed_over_but_its_size_is(
    plane: FakeControlPlane, cast: Cast, size: int
) -> None:
    with pytest.raises(ConnectionRefused):
        cast("x" * size)
    assert plane.questions[-1].body == {"token": "", "oversized": size, "address": "127.0.0.1"}


@pytest.mark.parametrize("size", [11 * KIB, 64 * KIB, KIB * KIB])
def test_a_token_that_is_longer_than_any_request_is_refused_at_once_and_told(
    plane: FakeControlPlane, cast: Cast, size: int
) -> None:
    before = len(plane.questions)
    with pytest.raises(PlayerFailed, match="414"):
        cast("x" * size)
    plane.wait_until(lambda plane: len(plane.questions) > before)
    question = plane.questions[before]
    assert question.path == "/gate/connect"
    assert question.body["token"] == ""
    assert question.body["oversized"] >= size


def test_a_request_head_that_never_ends_is_cut_off(plane: FakeControlPlane, cast: Cast) -> None:
    with socket.create_connection(("127.0.0.1", cast.server.port), timeout=10) as connection:
        connection.sendall(b"GET /xmpp-websocket?token=")
        answer = b""
        try:
            for _ in range(80):
                connection.sendall(b"x" * 64 * KIB)
            answer = connection.recv(100)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert answer == b"" or answer.startswith(b"HTTP/1.1 414")
    plane.know("amina")
    assert cast("amina").jid, "and everybody else is served"


def test_a_token_of_8_kib_is_handed_over_whole(plane: FakeControlPlane, cast: Cast) -> None:
    token = "t" * 8 * KIB
    plane.know(token)
    with pytest.raises(ConnectionRefused):  # the name made of it is too long for an address, the token isn't
        cast(token)
    assert plane.questions[-1].body["token"] == token


@pytest.mark.parametrize("token", ['"}', "a b+c%20&x=1", "رمز", "../../etc", "<x/>", "\\u0000"])
def test_a_token_reaches_the_control_plane_as_it_is(plane: FakeControlPlane, cast: Cast, token: str) -> None:
    with pytest.raises(ConnectionRefused):
        cast(token)
    assert plane.questions[-1].body["token"] == token


def test_one_connection_asks_once(plane: FakeControlPlane, cast: Cast) -> None:
    asked = len(plane.questions)
    body = (
        f'<body rid="1" to="{DOMAIN}" wait="10" hold="1" ver="1.6" xmpp:version="1.0" '
        'xmlns="http://jabber.org/protocol/httpbind" xmlns:xmpp="urn:xmpp:xbosh"/>'
    )
    connection = http.client.HTTPConnection("127.0.0.1", cast.server.port, timeout=5)
    connection.request("POST", "/http-bind?token=bosh-token", body=body)
    sid = connection.getresponse().read().decode().split("sid='")[1].split("'")[0]
    auth = '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>'
    for rid in (2, 3):
        body = f'<body rid="{rid}" sid="{sid}" xmlns="http://jabber.org/protocol/httpbind">{auth}</body>'
        connection.request("POST", "/http-bind?token=bosh-token", body=body)
        assert b"not-authorized" in connection.getresponse().read()
    connection.close()
    assert [question.body["token"] for question in plane.questions[asked:]] == ["bosh-token"]


def test_no_log_at_any_level_holds_a_token(plane: FakeControlPlane, cast: Cast, room: str) -> None:
    good, bad, late = (f"tok-{secrets.token_hex(12)}" for _ in range(3))
    plane.admit(good, room)
    cast(good).join(room, nick="n1")
    with pytest.raises(ConnectionRefused):
        cast(bad)
    plane.stop()
    with pytest.raises(ConnectionRefused):
        cast(late)
    plane.start()
    time.sleep(0.1)
    log = cast.server.log_path.read_text(errors="replace")
    assert "debug" in log
    assert "BOSH" in log
    assert "token=" not in log
    for token in (bad, late, "bosh-token"):
        assert token not in log
    # The fake names the account after the token; its address in the log is not the token handed over.
    assert good not in log.replace(f"x{good}@", "")
    for secret in ("gate-secret-of-the-tests", "control-secret-of-the-tests"):
        assert secret not in log
