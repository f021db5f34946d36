"""What a door may ask FastAPI for: the desk's instruments and who is asking."""

from ipaddress import ip_address
from typing import Annotated, cast

from fastapi import Depends, Request

from control_plane.desk import Desk
from control_plane.meetings.service import Letterhead, guest_of_device
from control_plane.people.service import Caller, Entrance, actor_of, session_of, standings, touch_session
from control_plane.permission import Actor, Permission
from control_plane.policy import SignIn, Strength
from control_plane.settings import Settings, Zone
from control_plane.unit import Units

GUEST = "-guest"
DEVICE = "-device"


class NotSignedIn(Exception):
    """The request carries no session that is still good."""


class NothingHere(Exception):
    """A page that isn't there, or isn't for this reader: they must not learn which."""


def desk(request: Request) -> Desk:
    """Return the application's desk."""
    return cast(Desk, request.app.state.desk)


DeskDep = Annotated[Desk, Depends(desk)]


def settings(desk: DeskDep) -> Settings:
    """Return what the operator set."""
    return desk.settings


def entrance(desk: DeskDep) -> Entrance:
    """Return how people sign in here."""
    return desk.entrance


def units(desk: DeskDep) -> Units:
    """Return where units of work begin."""
    return desk.units


def permission(desk: DeskDep) -> Permission:
    """Return the door to the policies now in force."""
    return Permission(desk.policies.engine)


def client_address(request: Request) -> str:
    """Return the client's IP address, as the edge or the socket says."""
    return request.client.host if request.client else ""


def client_zone(request: Request, desk: DeskDep) -> Zone:
    """Return the network zone of the client's address; unknown addresses are the internet."""
    try:
        address = ip_address(client_address(request))
    except ValueError:
        return "internet"
    for zone, networks in desk.settings.zones.items():
        if any(address in network for network in networks):
            return zone
    return "internet"


def cookie_name(settings: Settings, what: str = "") -> str:
    """Return a cookie's name: __Host- makes browsers refuse it for other hosts and without TLS."""
    return ("__Host-majlis" if settings.secure_cookies else "majlis") + what


def actor_or_none(
    request: Request, desk: DeskDep, zone: Annotated[Zone, Depends(client_zone)]
) -> Actor | None:
    """Return who is signed in, as their memberships stand now, or None."""
    token = request.cookies.get(cookie_name(desk.settings))
    if not token:
        return None
    with desk.units.read() as session:
        now = desk.units.clock()
        signed_in = session_of(session, token, now)
        if signed_in is None:
            return None
        standing = standings(session, [signed_in.person_id], now)[signed_in.person_id]
    if standing.disabled:  # since the statement before
        return None
    if signed_in.to_be_touched:
        with desk.units.begin() as unit:
            touch_session(unit, signed_in.id)
    return _reading(request, actor_of(standing, signed_in.sign_in(zone)))


def actor(actor: Annotated[Actor | None, Depends(actor_or_none)]) -> Actor:
    """Return who is signed in (raises NotSignedIn)."""
    if actor is None:
        raise NotSignedIn
    return actor


def guest_or_none(
    request: Request, desk: DeskDep, zone: Annotated[Zone, Depends(client_zone)]
) -> Actor | None:
    """Return the guest whose link this browser used, or None."""
    token = request.cookies.get(cookie_name(desk.settings, GUEST))
    if not token:
        return None
    with desk.units.read() as session:
        guest = guest_of_device(session, token, desk.units.clock())
    if guest is None:
        return None
    sign_in = SignIn(Strength.LINK, certificate=False, zone=zone)
    return _reading(request, Actor(guest.pseudonym, guest.facts(), sign_in, guest.language))


def guest_or_actor(
    actor: Annotated[Actor | None, Depends(actor_or_none)],
    guest: Annotated[Actor | None, Depends(guest_or_none)],
) -> Actor:
    """Return who is signed in, else the guest whose link this browser used (raises NotSignedIn)."""
    visitor = actor or guest
    if visitor is None:
        raise NotSignedIn
    return visitor


def _reading(request: Request, actor: Actor) -> Actor:
    """Keep with the request which language this reader reads, for an error that may come."""
    request.state.reads = actor.language
    return actor


def caller(
    request: Request,
    desk: DeskDep,
    address: Annotated[str, Depends(client_address)],
    zone: Annotated[Zone, Depends(client_zone)],
) -> Caller:
    """Return who is at the door of a sign-in: where from, and with which cookies."""
    return Caller(
        address=address,
        zone=zone,
        device=request.cookies.get(cookie_name(desk.settings, DEVICE), ""),
        session=request.cookies.get(cookie_name(desk.settings), ""),
    )


CallerDep = Annotated[Caller, Depends(caller)]
SettingsDep = Annotated[Settings, Depends(settings)]
EntranceDep = Annotated[Entrance, Depends(entrance)]
UnitsDep = Annotated[Units, Depends(units)]
PermissionDep = Annotated[Permission, Depends(permission)]
ZoneDep = Annotated[Zone, Depends(client_zone)]
AddressDep = Annotated[str, Depends(client_address)]
ActorDep = Annotated[Actor, Depends(actor)]
GuestOrActorDep = Annotated[Actor, Depends(guest_or_actor)]
OptionalActorDep = Annotated[Actor | None, Depends(actor_or_none)]
OptionalGuestDep = Annotated[Actor | None, Depends(guest_or_none)]


def letterhead(settings: SettingsDep) -> Letterhead:
    """Return who writes to people."""
    return Letterhead(str(settings.base_url).rstrip("/"), "Majlis", settings.mail_from)


LetterheadDep = Annotated[Letterhead, Depends(letterhead)]
