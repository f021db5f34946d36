"""Prosody's door: each question is decided by the sequencer and answered once the decision is durable."""

import hmac
import secrets
from typing import Annotated, Any, cast

import msgspec
from fastapi import APIRouter, Depends, Form, Header, HTTPException, Path, Request, Response, status

from control_plane.desk import Desk
from control_plane.policy import PolicyEngine
from control_plane.rooms.doors import (
    ConnectAnswer,
    ConnectQuestion,
    EventsAnswer,
    EventsQuestion,
    JoinAnswer,
    JoinQuestion,
    Refusal,
    RoomAnswer,
    RoomQuestion,
)
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
    Report,
    Reservation,
    Sequencer,
    Show,
    TurnAway,
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

encode = msgspec.json.Encoder().encode


async def signalling_host(
    request: Request,
    authorization: Annotated[str, Header()] = "",
    x_majlis_node: Annotated[str, Header(max_length=256)] = "",
) -> str:
    """Return the calling host's name; anybody without the gate's secret is answered 401."""
    desk = cast(Desk, request.app.state.desk)
    expected = f"Bearer {desk.settings.gate_secret.get_secret_value()}"
    if not hmac.compare_digest(authorization.encode(), expected.encode()):
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "this door is for signalling hosts")
    return x_majlis_node


NodeDep = Annotated[str, Depends(signalling_host)]
gate = APIRouter(prefix="/gate", tags=["gate"])
reservations = APIRouter(prefix="/reservations", tags=["reservations"])


async def sequencer(request: Request) -> Sequencer:
    """Return the thread that decides."""
    return cast(Sequencer, request.app.state.sequencer)


async def current_desk(request: Request) -> Desk:
    """Return the desk without leaving the event loop, as a plain dependency would."""
    return cast(Desk, request.app.state.desk)


SequencerDep = Annotated[Sequencer, Depends(sequencer)]
FastDeskDep = Annotated[Desk, Depends(current_desk)]


def _json(content: Any, code: int = status.HTTP_200_OK) -> Response:
    return Response(encode(content), code, media_type="application/json")


@gate.post("/connect", response_model=ConnectAnswer, responses={403: {"model": Refusal}})
async def connect(
    question: ConnectQuestion, node: NodeDep, sequencer: SequencerDep, desk: FastDeskDep
) -> Response:
    """Take a join token, once."""
    show = Show(
        question.token, desk.settings.domain, node, question.address, oversized=bool(question.oversized)
    )
    match await sequencer.decide(answer_shows, show):
        case Accepted(connection, room, domain, context):
            return _json(
                {
                    "connection": connection,
                    "username": secrets.token_hex(8),
                    "session": {
                        "jitsi_meet_room": room,
                        "jitsi_meet_domain": domain,
                        "jitsi_meet_context_user": context["user"],
                        "jitsi_meet_context_features": context["features"],
                    },
                }
            )
        case NotAccepted(code, reason):
            return _json({"code": code, "reason": reason}, status.HTTP_403_FORBIDDEN)
    raise AssertionError("a token is accepted or not")


@gate.post("/room", response_model=RoomAnswer, responses={403: {"model": Refusal}})
async def room(question: RoomQuestion, node: NodeDep, sequencer: SequencerDep) -> Response:
    """Say whether a conference may be created: only for a meeting that is about to be held."""
    match await sequencer.decide(answer_creations, Wanted(question.room, node)):
        case Reservation():
            return _json({"lobby": True})
        case Unreserved(why):
            return _json({"code": why, "reason": sentence(REASONS[why], None)}, status.HTTP_403_FORBIDDEN)
    raise AssertionError("a room is reserved or not")


class Joins:
    """Decides joins by the policies in force when the batch is decided."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, unit: Unit, joins: Any) -> list[Answer]:
        engine: PolicyEngine = self._desk.policies.engine
        return answer_joins(engine, unit, joins)


async def joins(request: Request) -> Joins:
    """Return how joins are decided."""
    return cast(Joins, request.app.state.joins)


@gate.post("/join", response_model=JoinAnswer, dependencies=[Depends(signalling_host)])
async def join(
    question: JoinQuestion, sequencer: SequencerDep, decide: Annotated[Joins, Depends(joins)]
) -> Response:
    """Say whether an occupant may join the conference, or its lobby."""
    asked = Join(question.connection, question.room, question.lobby)
    match await sequencer.decide(decide, asked):
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


@gate.post(
    "/events",
    response_model=EventsAnswer,
    responses={409: {"model": EventsAnswer}},
    dependencies=[Depends(signalling_host)],
)
async def events(question: EventsQuestion, sequencer: SequencerDep) -> Response:
    """Count what a host saw, once and in order."""
    report = Report(
        question.node,
        question.epoch,
        [Event(e.seq, e.moment(), e.kind, e.room, e.connection, e.role, e.reason) for e in question.events],
    )
    match await sequencer.decide(take_reports, report):
        case Counted(next_seq):
            return _json({"next": next_seq})
        case Gap(next_seq):
            return _json({"next": next_seq}, status.HTTP_409_CONFLICT)
    raise AssertionError("events are counted or there is a gap")


@reservations.post("/conference", dependencies=[Depends(signalling_host)])
async def reserve(
    name: Annotated[str, Form(max_length=1_023)],
    sequencer: SequencerDep,
    node: NodeDep,
    mail_owner: Annotated[str, Form(max_length=3_071)] = "",
) -> Response:
    """Answer upstream's reservation module; whoever joins is asked about at the gate all the same.

    The id is text because upstream's module turns numbers into floats. `lobby` is never said: it would lock
    the owner out, and our gate sends guests there by itself.
    """
    local = name.partition("@")[0].lower()
    match await sequencer.decide(answer_reservations, Wanted(local, node)):
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


@reservations.delete("/conference/{conference_id}", dependencies=[Depends(signalling_host)])
async def release(_conference_id: Annotated[str, Path(alias="conference_id", max_length=64)]) -> Response:
    """Upstream's module says that the room is gone; the events module tells the same with its time."""
    return Response(status_code=status.HTTP_200_OK)
