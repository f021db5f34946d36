"""A small HTTP server for health, version, statistics and a few orders."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

LARGEST_REQUEST = 64 * 1024  # bytes


@dataclass(frozen=True)
class Answer:
    """What is said to a request."""

    status: int = 200
    body: str = ""
    content_type: str = "application/json"
    upgrade: bool = False  # a WebSocket begins: the connection stays open until the other side ends it


def as_json(value: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value) + "\n")


def as_metrics(values: Mapping[str, float]) -> Answer:
    """Prometheus' text format."""
    lines = [f"# TYPE {name} gauge\n{name} {value}\n" for name, value in values.items()]
    return Answer(200, "".join(lines), "text/plain; version=0.0.4")


Handler = Callable[[str, str], Answer]  # path and body
Routes = Mapping[tuple[str, str], Handler]  # method and path; a path that ends in / takes all below it


async def serve(
    routes: Routes, host: str | None, port: int, context: ssl.SSLContext | None = None
) -> asyncio.Server:
    """Answer on this address until the server is closed."""

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            await _exchange(routes, reader, writer)
        writer.close()

    return await asyncio.start_server(on_connection, host, port, ssl=context, limit=LARGEST_REQUEST)


async def _exchange(routes: Routes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode("latin-1")
    method, target, *_ = head.split(" ", 2)
    length = 0
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length" and value.strip().isdigit():
            length = min(int(value), LARGEST_REQUEST)
    body = (await reader.readexactly(length)).decode("utf-8", "replace")
    answer = _find(routes, method, target.split("?")[0])(target, body)
    writer.write(_head(answer) + answer.body.encode())
    await writer.drain()
    while answer.upgrade and await reader.read(4096):
        pass


def _find(routes: Routes, method: str, path: str) -> Handler:
    if handler := routes.get((method, path)):
        return handler
    for (allowed, prefix), handler in routes.items():
        if allowed == method and prefix.endswith("/") and path.startswith(prefix):
            return handler
    return lambda _path, _body: Answer(404, "", "text/plain")


def _head(answer: Answer) -> bytes:
    if answer.upgrade:
        return b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    return (
        f"HTTP/1.1 {answer.status} .\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body.encode())}\r\nConnection: close\r\n\r\n"
    ).encode()
