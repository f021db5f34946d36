"""JSON of signing in, of oneself, and of managing people and bodies."""

from typing import Annotated

from fastapi import APIRouter, Path, Response, status
from fastapi.responses import JSONResponse

from control_plane.people.payloads import (
    BodyPayload,
    BodyShown,
    CalendarAddress,
    Changed,
    Created,
    Credentials,
    Ended,
    EndPayload,
    GivenPassword,
    MembershipPayload,
    MembershipShown,
    OwnPassword,
    PersonPayload,
    PersonShown,
    Refusal,
)
from control_plane.people.service import (
    SignedIn,
    TurnedAway,
    add_person,
    begin_membership,
    change_body,
    change_person,
    create_body,
    disable_person,
    end_membership,
    end_sessions_of,
    give_duty,
    list_bodies,
    list_memberships,
    list_people,
    renew_feed,
    replace_password,
    set_password,
    sign_in,
    sign_out,
    standings,
    take_duty,
)
from control_plane.policy import Duty
from control_plane.settings import Settings
from control_plane.web.cookies import give_cookies, take_session_cookie
from control_plane.web.dependencies import (
    ActorDep,
    CallerDep,
    DeskDep,
    PermissionDep,
    SettingsDep,
    UnitsDep,
)

router = APIRouter(prefix="/api", tags=["people"])
IdPath = Annotated[str, Path(pattern=r"^[a-z2-7]{16}$")]


TURNED_AWAY: dict[int | str, dict[str, object]] = {
    status.HTTP_401_UNAUTHORIZED: {"model": Refusal},
    status.HTTP_429_TOO_MANY_REQUESTS: {"model": Refusal},
}


@router.post("/sign-in", status_code=status.HTTP_204_NO_CONTENT, responses=TURNED_AWAY)
def enter(credentials: Credentials, desk: DeskDep, caller: CallerDep) -> Response:
    """Sign in with a password; the answer carries the cookies."""
    outcome = sign_in(desk.units, desk.entrance, credentials.email, credentials.password, caller)
    return _answer(outcome, desk.settings)


@router.post("/sign-out", status_code=status.HTTP_204_NO_CONTENT)
def leave(units: UnitsDep, settings: SettingsDep, caller: CallerDep) -> Response:
    """End this browser's session, if there is one."""
    with units.begin() as unit:
        sign_out(unit, caller.session)
    response = Response(status_code=status.HTTP_204_NO_CONTENT)
    take_session_cookie(response, settings)
    return response


@router.get("/me")
def me(actor: ActorDep, units: UnitsDep) -> PersonShown:
    """Return who is signed in, as they stand now."""
    with units.read() as session:
        return PersonShown.of(standings(session, [actor.facts.id], units.clock())[actor.facts.id])


@router.post("/me/calendar")
def calendar_address(actor: ActorDep, units: UnitsDep, settings: SettingsDep) -> CalendarAddress:
    """Make the secret address of one's own calendar; the one given before is worth nothing from now on."""
    with units.begin() as unit:
        token = renew_feed(unit, actor.facts.id)
    return CalendarAddress(address=f"{str(settings.base_url).rstrip('/')}/calendar/{token}.ics")


@router.put("/me/password", status_code=status.HTTP_204_NO_CONTENT, responses=TURNED_AWAY)
def replace_own_password(
    passwords: OwnPassword, actor: ActorDep, desk: DeskDep, caller: CallerDep
) -> Response:
    """Replace one's own password; other browsers are signed out and this one gets new cookies."""
    outcome = replace_password(
        desk.units, desk.entrance, actor.facts.id, passwords.current, passwords.new, caller
    )
    return _answer(outcome, desk.settings)


@router.get("/bodies")
def bodies_there_are(actor: ActorDep, units: UnitsDep, permission: PermissionDep) -> list[BodyShown]:
    """Return all bodies."""
    with units.begin() as unit:
        return [BodyShown.of(body) for body in list_bodies(unit, permission, actor)]


@router.post("/bodies", status_code=status.HTTP_201_CREATED)
def new_body(body: BodyPayload, actor: ActorDep, units: UnitsDep, permission: PermissionDep) -> Created:
    """Create a body."""
    with units.begin() as unit:
        return Created(id=create_body(unit, permission, actor, body.details()))


@router.put("/bodies/{body_id}")
def other_body(
    body_id: IdPath, body: BodyPayload, actor: ActorDep, units: UnitsDep, permission: PermissionDep
) -> Changed:
    """Give a body these names and rules."""
    with units.begin() as unit:
        return Changed(fields=list(change_body(unit, permission, actor, body_id, body.details())))


@router.get("/bodies/{body_id}/memberships")
def memberships(
    body_id: IdPath, actor: ActorDep, units: UnitsDep, permission: PermissionDep
) -> list[MembershipShown]:
    """Return who is, was and will be what in a body."""
    with units.begin() as unit:
        return [MembershipShown.of(one) for one in list_memberships(unit, permission, actor, body_id)]


@router.post("/bodies/{body_id}/memberships", status_code=status.HTTP_201_CREATED)
def new_membership(
    body_id: IdPath,
    membership: MembershipPayload,
    actor: ActorDep,
    units: UnitsDep,
    permission: PermissionDep,
) -> Created:
    """Give a person a function in a body."""
    with units.begin() as unit:
        membership_id = begin_membership(
            unit,
            permission,
            actor,
            person_id=membership.person_id,
            body_id=body_id,
            function=membership.function,
            substitute_for=membership.substitute_for,
            term=membership.term(unit.now),
        )
    return Created(id=membership_id)


@router.post("/memberships/{membership_id}/end", status_code=status.HTTP_204_NO_CONTENT)
def over(
    membership_id: IdPath, end: EndPayload, actor: ActorDep, units: UnitsDep, permission: PermissionDep
) -> None:
    """Let a membership end."""
    with units.begin() as unit:
        end_membership(unit, permission, actor, membership_id, at=end.at)


@router.get("/people")
def people_there_are(actor: ActorDep, units: UnitsDep, permission: PermissionDep) -> list[PersonShown]:
    """Return everybody with an account."""
    with units.begin() as unit:
        return [PersonShown.of(standing) for standing in list_people(unit, permission, actor)]


@router.post("/people", status_code=status.HTTP_201_CREATED)
def new_person(person: PersonPayload, actor: ActorDep, units: UnitsDep, permission: PermissionDep) -> Created:
    """Add an account."""
    with units.begin() as unit:
        return Created(id=add_person(unit, permission, actor, person.details()))


@router.put("/people/{person_id}")
def other_person(
    person_id: IdPath, person: PersonPayload, actor: ActorDep, units: UnitsDep, permission: PermissionDep
) -> Changed:
    """Give an account these names, address and language."""
    with units.begin() as unit:
        return Changed(fields=list(change_person(unit, permission, actor, person_id, person.details())))


@router.post("/people/{person_id}/disable", status_code=status.HTTP_204_NO_CONTENT)
def disabled(person_id: IdPath, actor: ActorDep, units: UnitsDep, permission: PermissionDep) -> None:
    """Shut an account and end its sessions."""
    with units.begin() as unit:
        disable_person(unit, permission, actor, person_id)


@router.put("/people/{person_id}/password", status_code=status.HTTP_204_NO_CONTENT)
def given_password(
    person_id: IdPath, given: GivenPassword, actor: ActorDep, desk: DeskDep, permission: PermissionDep
) -> None:
    """Give an account a password and end its sessions."""
    with desk.entrance.passwords.place():
        new = desk.entrance.passwords.prepare(given.password)
    with desk.units.begin() as unit:
        set_password(unit, permission, actor, person_id, new)


@router.delete("/people/{person_id}/sessions")
def signed_out(person_id: IdPath, actor: ActorDep, units: UnitsDep, permission: PermissionDep) -> Ended:
    """Sign somebody out everywhere."""
    with units.begin() as unit:
        return Ended(sessions=end_sessions_of(unit, permission, actor, person_id))


@router.put("/people/{person_id}/duties/{duty}", status_code=status.HTTP_204_NO_CONTENT)
def duty_given(
    person_id: IdPath, duty: Duty, actor: ActorDep, units: UnitsDep, permission: PermissionDep
) -> None:
    """Give a person a duty."""
    with units.begin() as unit:
        give_duty(unit, permission, actor, person_id=person_id, duty=duty)


@router.delete("/people/{person_id}/duties/{duty}", status_code=status.HTTP_204_NO_CONTENT)
def duty_taken(
    person_id: IdPath, duty: Duty, actor: ActorDep, units: UnitsDep, permission: PermissionDep
) -> None:
    """Take a duty from a person."""
    with units.begin() as unit:
        take_duty(unit, permission, actor, person_id=person_id, duty=duty)


def _answer(outcome: SignedIn | TurnedAway, settings: Settings) -> Response:
    match outcome:
        case SignedIn() as signed_in:
            response = Response(status_code=status.HTTP_204_NO_CONTENT)
            give_cookies(response, settings, signed_in)
            return response
        case TurnedAway(wait):
            refusal = Refusal.after(wait)
            code = status.HTTP_429_TOO_MANY_REQUESTS if wait else status.HTTP_401_UNAUTHORIZED
            headers = {"Retry-After": str(refusal.seconds)} if wait else {}
            return JSONResponse(refusal.model_dump(), code, headers)
