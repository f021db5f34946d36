"""UDP port of the bridge's double: counts what comes and answers a STUN binding request (RFC 8489)."""

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import cast

COOKIE = 0x2112A442
BINDING_REQUEST, BINDING_SUCCESS, XOR_MAPPED_ADDRESS = 0x0001, 0x0101, 0x0020


@dataclass
class Media(asyncio.DatagramProtocol):
    """`received` counts datagrams of any kind."""

    received: int = 0
    sent: int = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.received += 1
        if answer := binding_answer(data, address):
            self._transport.sendto(answer, address)
            self.sent += 1


async def listen(addresses: list[str], port: int) -> Media:
    """Take packets on each of these addresses of ours, or on all of them when none is named."""
    media = Media()
    for address in addresses or ["0.0.0.0"]:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: media, local_addr=(address, port))
    return media


def binding_answer(packet: bytes, address: tuple[str, int]) -> bytes | None:
    """The answer to a binding request, with the address it came from; None to anything else."""
    if len(packet) < 20:
        return None
    kind, length, cookie = struct.unpack_from(">HHI", packet)
    if kind != BINDING_REQUEST or cookie != COOKIE or len(packet) != 20 + length:
        return None
    host = int.from_bytes(socket.inet_aton(address[0]), "big") ^ COOKIE
    mapped = struct.pack(">HHBBHI", XOR_MAPPED_ADDRESS, 8, 0, 1, address[1] ^ (COOKIE >> 16), host)
    return struct.pack(">HHI", BINDING_SUCCESS, len(mapped), COOKIE) + packet[8:20] + mapped
