"""Prosody's door: each question is decided by the sequencer and answered once the decision is durable.

These are plain ASGI routes with msgspec for the bodies: on this path FastAPI's resolving of dependencies
took as long as the decision (tests/bench measures both). docs/sysadmin.md describes the answers.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar, cast

import msgspec
from fastapi import APIRouter, Depends, Form, Header, HTTPException, Path, Request, Response, status
from starlette.routing import Route

from control_plane.desk import Desk
from control_plane.rooms.doors import ConnectQuestion, EventsQuestion, JoinQuestion, RoomQuestion
from control_plane.rooms.reasons import REASONS, sentence
from control_plane.rooms.service import (
    Accepted,
    Admit,
    Answer,
    Counted,
    Event,
    Gap,
    Join,
    NotAccepted,
    Overloaded,
    Report,
    Reservation,
    Sequencer,
    Show,
    TurnAway,
    UnknownEvent,
    Unreserved,
    Wait,
    Wanted,
    answer_creations,
    answer_joins,
    answer_reservations,
    answer_shows,
    take_reports,
)
from control_plane.unit import Unit

MAX_BODY_BYTES = 1_048_576
Question = TypeVar("Question", bound=msgspec.Struct)
encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class GateRoom:
    """Where questions are decided: the desk, the sequencer, and how joins are decided."""

    desk: Desk
    sequencer: Sequencer

    def decide_joins(self, unit: Unit, joins: Any) -> list[Answer]:
        """Decide by the policies that are in force when the batch is decided."""
        return answer_joins(self.desk.policies.engine, self.desk.pools, unit, joins)

    def decide_creations(self, unit: Unit, wanted: Any) -> list[Reservation | Unreserved]:
        """Decide which conferences our own gate may have created."""
        return answer_creations(self.desk.pools, unit, wanted)

    def decide_reservations(self, unit: Unit, wanted: Any) -> list[Reservation | Unreserved]:
        """Decide which conferences upstream's module may have created."""
        return answer_reservations(self.desk.pools, unit, wanted)


def _json(content: Any, code: int = status.HTTP_200_OK) -> Response:
    return Response(encode(content), code, media_type="application/json")


def _node(desk: Desk, authorization: str, node: str) -> str | None:
    """Return the calling host's name, or None without the gate's secret."""
    expected = f"Bearer {desk.settings.gate_secret.get_secret_value()}"
    return node[:256] if hmac.compare_digest(authorization.encode(), expected.encode()) else None


@dataclass(frozen=True)
class _Door(Generic[Question]):
    """An ASGI endpoint that knows its caller and reads its question before anything is decided."""

    decoder: msgspec.json.Decoder[Question]
    answer: Callable[[GateRoom, str, Question], Awaitable[Response]]

    async def __call__(self, request: Request) -> Response:
        room = cast(GateRoom, request.app.state.gate_room)
        headers = request.headers
        node = _node(room.desk, headers.get("authorization", ""), headers.get("x-majlis-node", ""))
        if node is None:
            return _json({"error": "this door is for signalling hosts"}, status.HTTP_401_UNAUTHORIZED)
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return _json({"error": "a length is needed"}, status.HTTP_411_LENGTH_REQUIRED)
        if int(length) > MAX_BODY_BYTES:
            return _json({"error": "too large"}, status.HTTP_413_CONTENT_TOO_LARGE)
        try:
            question = self.decoder.decode(await request.body())
        except msgspec.DecodeError as error:
            return _json({"error": str(error)}, status.HTTP_422_UNPROCESSABLE_CONTENT)
        try:
            return await self.answer(room, node, question)
        except Overloaded as error:
            return _json({"error": str(error)}, status.HTTP_503_SERVICE_UNAVAILABLE)
        except UnknownEvent as error:
            return _json({"error": str(error)}, status.HTTP_422_UNPROCESSABLE_CONTENT)


async def connect(room: GateRoom, node: str, question: ConnectQuestion) -> Response:
    """Take a join token, once."""
    domain, oversized = room.desk.settings.domain, bool(question.oversized)
    show = Show(question.token, domain, node, question.address, oversized=oversized)
    match await room.sequencer.decide(answer_shows, show):
        case Accepted(connection, name, domain, context):
            session = {
                "jitsi_meet_room": name,
                "jitsi_meet_domain": domain,
                "jitsi_meet_context_user": context["user"],
                "jitsi_meet_context_features": context["features"],
            }
            return _json({"connection": connection, "username": secrets.token_hex(8), "session": session})
        case NotAccepted(code, reason):
            return _json({"code": code, "reason": reason}, status.HTTP_403_FORBIDDEN)
    raise AssertionError("a token is accepted or not")


async def create(room: GateRoom, node: str, question: RoomQuestion) -> Response:
    """Say whether a conference may be created: only for a meeting that is about to be held."""
    match await room.sequencer.decide(room.decide_creations, Wanted(question.room, node)):
        case Reservation():
            return _json({"lobby": True})
        case Unreserved(why):
            return _json({"code": why, "reason": sentence(REASONS[why], None)}, status.HTTP_403_FORBIDDEN)
    raise AssertionError("a room is reserved or not")


async def join(room: GateRoom, node: str, question: JoinQuestion) -> Response:
    """Say whether an occupant may join the conference, or its lobby."""
    asked = Join(question.connection, question.room, question.lobby, node)
    match await room.sequencer.decide(room.decide_joins, asked):
        case Admit(seat, name, moderator):
            return _json(
                {
                    "verdict": "admit",
                    "affiliation": "owner" if moderator else "member",
                    "role": "moderator" if moderator else "participant",
                    "name": name,
                    "seat": seat,
                }
            )
        case Wait(reason):
            return _json({"verdict": "lobby", "reason": reason})
        case TurnAway(reason, policies):
            return _json({"verdict": "refuse", "reason": reason, "policy": ", ".join(policies)})
    raise AssertionError("a join is admitted, sent to the lobby or refused")


async def events(room: GateRoom, _node: str, question: EventsQuestion) -> Response:
    """Count what a host saw, once and in order."""
    told = [Event(e.seq, e.moment(), e.kind, e.room, e.connection, e.role, e.reason) for e in question.events]
    match await room.sequencer.decide(take_reports, Report(question.node, question.epoch, told)):
        case Counted(next_seq):
            return _json({"next": next_seq})
        case Gap(next_seq):
            return _json({"next": next_seq}, status.HTTP_409_CONFLICT)
    raise AssertionError("events are counted or there is a gap")


def route(
    name: str, shape: type[Question], answer: Callable[[GateRoom, str, Question], Awaitable[Response]]
) -> Route:
    """Return the route of one of the gate's questions."""
    return Route(f"/gate/{name}", _Door(msgspec.json.Decoder(shape), answer).__call__, methods=["POST"])


gate = APIRouter(
    routes=[
        route("connect", ConnectQuestion, connect),
        route("room", RoomQuestion, create),
        route("join", JoinQuestion, join),
        route("events", EventsQuestion, events),
    ]
)
reservations = APIRouter(prefix="/reservations", tags=["reservations"])


async def gate_room(
    request: Request,
    authorization: Annotated[str, Header()] = "",
) -> GateRoom:
    """Return where questions are decided, to a caller with the gate's secret."""
    room = cast(GateRoom, request.app.state.gate_room)
    if _node(room.desk, authorization, "") is None:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "this door is for signalling hosts")
    return room


GateRoomDep = Annotated[GateRoom, Depends(gate_room)]


@reservations.post("/conference")
async def reserve(
    name: Annotated[str, Form(max_length=1_023)],
    room: GateRoomDep,
    node: Annotated[str, Header(alias="x-majlis-node", max_length=256)] = "",
    mail_owner: Annotated[str, Form(max_length=3_071)] = "",
) -> Response:
    """Answer upstream's reservation module; whoever joins is asked about at the gate all the same.

    The id is text because upstream's module turns numbers into floats. `lobby` is never said: it would lock
    the owner out, and our gate sends guests there by itself.
    """
    local = name.partition("@")[0].lower()
    match await room.sequencer.decide(room.decide_reservations, Wanted(local, node)):
        case Reservation() as booked:
            return _json(_conference(booked, name, mail_owner), status.HTTP_201_CREATED)
        case Unreserved(why):
            return _json({"message": sentence(REASONS[why], None)}, status.HTTP_403_FORBIDDEN)
    raise AssertionError("a conference is reserved or not")


def _conference(booked: Reservation, name: str, mail_owner: str) -> dict[str, Any]:
    moment = booked.starts_at
    return {
        "id": f"meeting-{booked.meeting_id}",
        "name": name,
        "mail_owner": mail_owner,
        "start_time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
        "duration": booked.seconds,
        "max_occupants": booked.max_occupants,
    }


@reservations.delete("/conference/{conference_id}", dependencies=[Depends(gate_room)])
async def release(_conference_id: Annotated[str, Path(alias="conference_id", max_length=64)]) -> Response:
    """Upstream's module says that the room is gone; the events module tells the same with its time."""
    return Response(status_code=status.HTTP_200_OK)
