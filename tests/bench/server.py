"""The control plane as it is served, with two routes more that do nothing, to be measured against.

Run as `python -m tests.bench.server PORT`, with the settings in the environment.
"""

import sys

import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel

from control_plane.app import create_app
from control_plane.rooms.doors import JoinQuestion
from control_plane.rooms.gate_api import GateRoom, encode, route
from control_plane.settings import load_settings


async def nothing(_room: GateRoom, node: str, question: JoinQuestion) -> Response:
    """Read the same question through the same door, and answer without deciding anything."""
    return Response(
        encode({"verdict": "refuse", "reason": question.room + node}), media_type="application/json"
    )


def measured() -> FastAPI:
    """Return the application with two routes more: a bare one, and one as FastAPI makes them."""
    app = create_app(load_settings())
    app.router.routes.insert(0, route("nothing", JoinQuestion, nothing))

    @app.post("/bench/nothing")
    async def plain(question: PlainQuestion) -> PlainQuestion:
        return question

    return app


class PlainQuestion(BaseModel):
    """The question as FastAPI would read it."""

    connection: str | None
    room: str
    lobby: bool = False


if __name__ == "__main__":
    uvicorn.run(
        measured(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=False,
        log_level="warning",
        proxy_headers=False,
    )
