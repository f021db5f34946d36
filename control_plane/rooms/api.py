"""Doors of the people: join tokens, who is there, moderation; and the public halves of the signing keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal, cast

from anyio import from_thread
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from fastapi import APIRouter, Body, Depends, HTTPException, Request, Response, status
from jwt.algorithms import RSAAlgorithm
from pydantic import BaseModel

from control_plane.permission import Actor, Permission
from control_plane.rooms import service
from control_plane.rooms.service import MovedOut, Present, Signalling, Ticket, TicketOffice
from control_plane.unit import Unit, Units
from control_plane.web.dependencies import (
    ActorDep,
    DeskDep,
    GuestOrActorDep,
    LetterheadDep,
    PermissionDep,
    UnitsDep,
)

router = APIRouter(prefix="/api", tags=["rooms"])
keys = APIRouter(prefix="/asap", tags=["keys"])

SETTLE_SECONDS = 3.0
Why = Annotated[str, Body(embed=True, max_length=500)]


class TicketShape(BaseModel):
    """A join token and what a client needs beside it; `waits` when the lobby comes first."""

    token: str
    room: str
    domain: str
    websocket_url: str
    expires_at: datetime
    waits: bool


class Told(BaseModel):
    """The meeting that changed; the signalling hosts were told, or will be as soon as they answer."""

    meeting: str


class MovedShape(BaseModel):
    """How many were moved out of the room."""

    to_lobby: int
    removed: int


def ticket_office(desk: DeskDep, permission: PermissionDep) -> TicketOffice:
    """Return what tokens are made with."""
    return TicketOffice(permission, desk.keys, desk.settings.domain, desk.settings.token_seconds, desk.pools)


def signalling(request: Request) -> Signalling:
    """Return the worker that talks to Prosody."""
    return cast(Signalling, request.app.state.signalling)


OfficeDep = Annotated[TicketOffice, Depends(ticket_office)]
SignallingDep = Annotated[Signalling, Depends(signalling)]


@dataclass(frozen=True, slots=True)
class Lead:
    """Somebody who would lead a conference, and what their orders need."""

    actor: Actor
    units: Units
    permission: Permission
    hosts: Signalling

    @contextmanager
    def ordering(self) -> Iterator[Unit]:
        """Give a unit, and once it is committed give the hosts a moment to obey before anything says it is done."""
        with self.units.begin() as unit:
            yield unit
        from_thread.run(self.hosts.settled, SETTLE_SECONDS)


def lead(actor: ActorDep, units: UnitsDep, permission: PermissionDep, hosts: SignallingDep) -> Lead:
    """Return who gives an order."""
    return Lead(actor, units, permission, hosts)


LeadDep = Annotated[Lead, Depends(lead)]


@router.post("/meetings/{meeting_id}/join-token")
def join_token(meeting_id: str, actor: GuestOrActorDep, units: UnitsDep, office: OfficeDep) -> TicketShape:
    """Give whoever is signed in a token for the meeting's conference, if they may enter or wait now."""
    with units.begin() as unit:
        ticket: Ticket = service.hand_out_token(unit, office, actor, meeting_id)
    return TicketShape(**asdict(ticket))


@router.get("/meetings/{meeting_id}/present")
def present(meeting_id: str, actor: ActorDep, units: UnitsDep, permission: PermissionDep) -> list[Present]:
    """Return who is inside and who waits, for those who moderate the meeting."""
    with units.begin() as unit:
        return service.present(unit, permission, actor, meeting_id)


@router.post("/meetings/{meeting_id}/in-camera")
def in_camera(meeting_id: str, lead: LeadDep) -> MovedShape:
    """Close the sitting to everybody but its members and move the others out."""
    with lead.ordering() as unit:
        moved: MovedOut = service.move_in_camera(unit, lead.permission, lead.actor, meeting_id)
    return MovedShape(**asdict(moved))


@router.post("/meetings/{meeting_id}/close")
def close(meeting_id: str, lead: LeadDep) -> Told:
    """End the sitting and its conference."""
    with lead.ordering() as unit:
        service.close(unit, lead.permission, lead.actor, meeting_id)
    return Told(meeting=meeting_id)


@router.put("/meetings/{meeting_id}/lock")
def lock(meeting_id: str, lead: LeadDep, locked: Annotated[bool, Body(embed=True)]) -> Told:
    """Let nobody new in but moderators, or let them in again."""
    with lead.ordering() as unit:
        service.lock(unit, lead.permission, lead.actor, meeting_id, locked=locked)
    return Told(meeting=meeting_id)


@router.post("/guests/{guest_id}/revoke")
def revoke_invitation(guest_id: str, lead: LeadDep, head: LetterheadDep) -> Told:
    """Make a guest's link worth nothing, and remove them should they be inside."""
    with lead.ordering() as unit:
        meeting = service.revoke_invitation(unit, lead.permission, lead.actor, head, guest_id)
    return Told(meeting=meeting)


@router.post("/connections/{connection_id}/let-in")
def let_in(connection_id: str, lead: LeadDep) -> Told:
    """Admit somebody from the lobby."""
    with lead.ordering() as unit:
        meeting = service.let_in(unit, lead.permission, lead.actor, connection_id)
    return Told(meeting=meeting)


@router.post("/connections/{connection_id}/send-back")
def send_back(connection_id: str, lead: LeadDep, why: Why = "") -> Told:
    """Have somebody wait in the lobby again."""
    with lead.ordering() as unit:
        meeting = service.send_back(unit, lead.permission, lead.actor, connection_id, why)
    return Told(meeting=meeting)


@router.post("/connections/{connection_id}/remove")
def remove(connection_id: str, lead: LeadDep, why: Why = "") -> Told:
    """Remove somebody for the rest of the meeting."""
    with lead.ordering() as unit:
        meeting = service.remove(unit, lead.permission, lead.actor, connection_id, why)
    return Told(meeting=meeting)


@router.post("/connections/{connection_id}/mute")
def mute(
    connection_id: str, lead: LeadDep, media: Annotated[Literal["audio", "video"], Body(embed=True)]
) -> Told:
    """Have somebody's microphone or camera switched off."""
    with lead.ordering() as unit:
        meeting = service.mute(unit, lead.permission, lead.actor, connection_id, media)
    return Told(meeting=meeting)


@keys.get("/jwks.json")
def jwks(units: UnitsDep) -> dict[str, list[dict[str, Any]]]:
    """Return the public keys in force as a JSON Web Key Set (RFC 7517)."""
    with units.read() as session:
        in_force = service.verifying(session, units.clock())
    return {"keys": [_jwk(kid, key) for kid, key in in_force.items()]}


def _jwk(kid: str, key: RSAPublicKey) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key, as_dict=True), "kid": kid, "alg": "RS256", "use": "sig"}


@keys.get("/{name}.pem")
def pem(name: str, units: UnitsDep) -> Response:
    """Return a public key by the SHA-256 of its kid, as Jitsi's ASAP key server does; a retired one is gone."""
    with units.read() as session:
        in_force = service.public_pems(session, units.clock())
    for kid, text in in_force.items():
        if sha256(kid.encode()).hexdigest() == name:
            return Response(
                text, media_type="application/x-pem-file", headers={"Cache-Control": "max-age=60"}
            )
    raise HTTPException(status.HTTP_404_NOT_FOUND, "no such key is in force")
