"""A small TURN client over UDP (RFC 8489, RFC 8656): enough to ask what a server lets through, and no more."""

import base64
import hashlib
import hmac
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

COOKIE = 0x2112A442
ALLOCATE, REFRESH, SEND, DATA, PERMISSION, BIND = 0x003, 0x004, 0x006, 0x007, 0x008, 0x009
BINDING = 0x001
SUCCESS, FAILURE, INDICATION = 0x100, 0x110, 0x010
USERNAME, INTEGRITY, ERROR, CHANNEL, PEER, PAYLOAD, REALM, NONCE, RELAYED, FAMILY, TRANSPORT, LIFETIME = (
    0x0006, 0x0008, 0x0009, 0x000C, 0x0012, 0x0013, 0x0014, 0x0015, 0x0016, 0x0017, 0x0019, 0x000D,
)  # fmt: skip
UDP = 17
WRONG_NONCE = 438

Attributes = dict[int, bytes]


class Refused(Exception):
    """The server answered with an error; `code` is STUN's number."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code


class NoAnswer(Exception):
    """The server kept silent."""


@dataclass(frozen=True)
class Credential:
    """What the server derives from its secret too, as Prosody hands it out."""

    username: str
    password: str


def short_lived(secret: str, expires: int) -> Credential:
    """Return the credential that ends at `expires` (seconds since 1970)."""
    digest = hmac.new(secret.encode(), str(expires).encode(), hashlib.sha1).digest()
    return Credential(str(expires), base64.b64encode(digest).decode())


@dataclass
class TurnClient:
    """One client socket, so at most one allocation. Methods raise Refused or NoAnswer."""

    server: tuple[str, int]
    credential: Credential | None = None
    timeout: float = 2.0  # seconds for an answer
    realm: bytes = b""
    nonce: bytes = b""
    _socket: socket.socket = field(init=False)
    _channels: Iterator[int] = field(default_factory=lambda: iter(range(0x4000, 0x5000)))

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(self.timeout)
        self._socket.connect(self.server)

    def __enter__(self) -> "TurnClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def allocate(self, seconds: int = 60, *, ipv6: bool = False) -> tuple[str, int]:
        """Ask for a relayed address and return it."""
        wanted = {TRANSPORT: struct.pack(">B3x", UDP), LIFETIME: struct.pack(">I", seconds)}
        if ipv6:
            wanted[FAMILY] = struct.pack(">B3x", 2)
        return _address(self._request(ALLOCATE, wanted)[RELAYED])

    def release(self) -> None:
        """Give the allocation back."""
        self._request(REFRESH, {LIFETIME: struct.pack(">I", 0)})

    def permit(self, peer: str) -> None:
        """Ask to exchange packets with this address."""
        self._request(PERMISSION, {}, (peer, 0))

    def bind_channel(self, peer: str, port: int) -> None:
        """Ask for a channel, the other way to a peer."""
        self._request(BIND, {CHANNEL: struct.pack(">H2x", next(self._channels))}, (peer, port))

    def send(self, peer: tuple[str, int], payload: bytes) -> None:
        """Have the server relay a packet; whether it does isn't said."""
        transaction = os.urandom(12)
        body = _pack({PEER: _xored(*peer, transaction), PAYLOAD: payload})
        self._socket.send(_head(SEND | INDICATION, len(body), transaction) + body)

    def receive(self) -> tuple[tuple[str, int], bytes]:
        """Return the next packet that the server relayed to us, and from whom."""
        while True:
            kind, attributes = _parse(self._hear())
            if kind == DATA | INDICATION:
                return _address(attributes[PEER]), attributes[PAYLOAD]

    def _request(
        self, method: int, attributes: Attributes, peer: tuple[str, int] | None = None
    ) -> Attributes:
        """Send a request; answer a challenge or a stale nonce once, as RFC 8489, 9.2.5 says."""
        for _ in range(3):
            answer = self._exchange(method, attributes, peer)
            if ERROR not in answer:
                return answer
            code, reason = answer[ERROR][2] * 100 + answer[ERROR][3], answer[ERROR][4:].decode()
            challenged = code == 401 and not self.nonce and self.credential is not None
            if not challenged and code != WRONG_NONCE:
                raise Refused(code, reason)
            self.realm, self.nonce = answer.get(REALM, self.realm), answer[NONCE]
        raise Refused(code, reason)

    def _exchange(self, method: int, attributes: Attributes, peer: tuple[str, int] | None) -> Attributes:
        transaction = os.urandom(12)
        if peer:
            attributes = {**attributes, PEER: _xored(*peer, transaction)}
        self._socket.send(self._signed(method, attributes, transaction))
        while True:
            packet = self._hear()
            kind, answer = _parse(packet)
            if packet[8:20] == transaction and kind in {method | SUCCESS, method | FAILURE}:
                return answer

    def _signed(self, method: int, attributes: Attributes, transaction: bytes) -> bytes:
        if not (self.credential and self.nonce):
            body = _pack(attributes)
            return _head(method, len(body), transaction) + body
        who = self.credential
        body = _pack({**attributes, USERNAME: who.username.encode(), REALM: self.realm, NONCE: self.nonce})
        key = hashlib.md5(b":".join((who.username.encode(), self.realm, who.password.encode()))).digest()
        head = _head(method, len(body) + 24, transaction)
        return head + body + _pack({INTEGRITY: hmac.new(key, head + body, hashlib.sha1).digest()})

    def _hear(self) -> bytes:
        try:
            return self._socket.recv(65_535)
        except TimeoutError as silence:
            raise NoAnswer(f"no answer from {self.server} in {self.timeout} s") from silence


def binding_request() -> bytes:
    """Return the STUN packet by which a client tries whether media reaches a bridge."""
    return _head(BINDING, 0, os.urandom(12))


def _head(kind: int, length: int, transaction: bytes) -> bytes:
    return struct.pack(">HHI", kind, length, COOKIE) + transaction


def _pack(attributes: Attributes) -> bytes:
    return b"".join(
        struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)
        for kind, value in attributes.items()
    )


def _parse(packet: bytes) -> tuple[int, Attributes]:
    kind, length = struct.unpack_from(">HH", packet)
    attributes: Attributes = {}
    position = 20
    while position < 20 + length:
        name, size = struct.unpack_from(">HH", packet, position)
        attributes[name] = packet[position + 4 : position + 4 + size]
        position += 4 + size + -size % 4
    return kind, attributes


def _xored(host: str, port: int, transaction: bytes) -> bytes:
    address = ipaddress.ip_address(host)
    mask = struct.pack(">I", COOKIE) + transaction
    masked = bytes(a ^ b for a, b in zip(address.packed, mask, strict=False))
    return struct.pack(">BBH", 0, 1 if address.version == 4 else 2, port ^ (COOKIE >> 16)) + masked


def _address(value: bytes) -> tuple[str, int]:
    """Read an address; of an IPv6 one only that it is there, since its mask is the request's own number."""
    _, family, port = struct.unpack_from(">BBH", value)
    if family != 1:
        return "::", port ^ (COOKIE >> 16)
    (host,) = struct.unpack_from(">I", value, 4)
    return str(ipaddress.IPv4Address(host ^ COOKIE)), port ^ (COOKIE >> 16)
