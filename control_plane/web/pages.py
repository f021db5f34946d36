"""The pages: signing in and out, the day with its meetings, and the log for those who may read it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, status
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from control_plane.people.service import (
    BodyView,
    PasswordsBusy,
    TurnedAway,
    bodies,
    names_of_pseudonyms,
    sign_in,
    sign_out,
)
from control_plane.permission import Actor, NotPermitted, Permission
from control_plane.policy import Refused
from control_plane.unit import Units
from control_plane.web.cookies import give_cookies, take_session_cookie
from control_plane.web.day import ONE_DAY, chosen_day, house_zone, sittings
from control_plane.web.dependencies import (
    CallerDep,
    DeskDep,
    OptionalActorDep,
    PermissionDep,
    SettingsDep,
    UnitsDep,
)
from control_plane.web.door import Tried, door, own_page, turned_away
from control_plane.web.language import COOKIE, LANGUAGES
from control_plane.web.locales import Words
from control_plane.web.log_state import log_state
from control_plane.web.rendering import STATIC, Assets, page, words_for
from control_plane.web.timeline import Timeline, may_read, read_timeline

router = APIRouter(include_in_schema=False)
MOST_DIGITS = 18  # of a log's position, which is 64 bits
LANGUAGE_SECONDS = 365 * 24 * 3600
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Withheld:
    """The entries are not shown; `reasons` holds a sentence a language."""

    reasons: Mapping[str, str]


def static_files() -> Assets:
    """Return what serves the style sheet and the seal."""
    return Assets(directory=STATIC)


@router.get("/")
def home(
    request: Request,
    actor: OptionalActorDep,
    units: UnitsDep,
    permission: PermissionDep,
    day: str = "",
    before: str = "",
) -> Response:
    """Show the day to whoever is signed in, the door to everybody else."""
    if actor is None:
        return door(units, words_for(request))
    words = words_for(request, actor.language)
    now = units.clock()
    with units.read() as session:
        known = bodies(session)
        zone = house_zone(known)
        chosen = chosen_day(day, now, zone)
        name = names_of_pseudonyms(session, [actor.pseudonym]).get(actor.pseudonym, {})
        shown = sittings(session, permission, actor, (chosen, now), known, words)
        state = log_state(session)
    timeline = _timeline(units, permission, actor, _position(before), known, words)
    return page(
        "day.html",
        words,
        name=name.get(words.code) or name.get("fr", ""),
        day=chosen,
        is_today=chosen == chosen_day("", now, zone),
        previous=chosen - ONE_DAY,
        next=chosen + ONE_DAY,
        sittings=shown,
        zone=zone,
        timeline=timeline if isinstance(timeline, Timeline) else None,
        withheld=timeline.reasons.get(words.code) if isinstance(timeline, Withheld) else None,
        paging=bool(before),
        state=state,
    )


@router.post("/sign-in")
def enter(
    request: Request,
    desk: DeskDep,
    caller: CallerDep,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    onward: Annotated[str, Form(alias="next")] = "",
) -> Response:
    """Sign in with a password and go where one was going; else show the door again with the address as typed."""
    words, tried = words_for(request), Tried(email, own_page(onward))
    try:
        outcome = sign_in(desk.units, desk.entrance, email, password, caller)
    except PasswordsBusy:
        return door(desk.units, words, tried, words.busy, status.HTTP_503_SERVICE_UNAVAILABLE)
    if isinstance(outcome, TurnedAway):
        return turned_away(desk.units, words, tried, outcome.wait)
    response = _see(tried.onward)
    give_cookies(response, desk.settings, outcome)
    return response


@router.get("/sign-in")
def door_again() -> Response:
    """Lead whoever comes back to the address of the form to the page that has it."""
    return _see("/")


@router.post("/sign-out")
def leave(units: UnitsDep, settings: SettingsDep, caller: CallerDep) -> Response:
    """End this browser's session, if there is one."""
    with units.begin() as unit:
        sign_out(unit, caller.session)
    response = _see("/")
    take_session_cookie(response, settings)
    return response


@router.get("/language")
def speak(
    settings: SettingsDep, to: str = "", day: str = "", onward: Annotated[str, Query(alias="next")] = ""
) -> Response:
    """Keep the chosen language for a year and go back to the page; a language we don't speak changes nothing."""
    response = _see(f"/?day={day}" if _is_date(day) else own_page(onward))
    if to in LANGUAGES:
        response.set_cookie(
            COOKIE,
            to,
            max_age=LANGUAGE_SECONDS,
            secure=settings.secure_cookies,
            httponly=True,
            samesite="lax",
        )
    return response


@router.get("/health")
def health(desk: DeskDep) -> JSONResponse:
    """Tell monitoring whether the database answers, how long the log is, and which policies are in force."""
    policies = desk.policies.engine.digest
    try:
        with desk.units.read() as session:
            state = log_state(session)
    except SQLAlchemyError:
        logger.exception("the database does not answer")
        return JSONResponse(
            {"database": "unreachable", "log_size": None, "policies": policies},
            status.HTTP_503_SERVICE_UNAVAILABLE,
        )
    return JSONResponse(
        {"database": "reachable", "log_size": state.size if state else 0, "policies": policies}
    )


def _timeline(
    units: Units,
    permission: Permission,
    actor: Actor,
    before: int | None,
    known: Mapping[str, BodyView],
    words: Words,
) -> Timeline | Withheld:
    """Read the log where that is permitted. Whoever pages through it asked for it: that refusal is recorded."""
    if before is None:
        verdict = may_read(permission, actor, units.clock())
        if isinstance(verdict, Refused):
            return Withheld(verdict.reasons)
    try:
        with units.begin() as unit:
            return read_timeline(unit, permission, actor, before, known, words)
    except NotPermitted as refusal:
        return Withheld(refusal.reasons)


def _position(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _see(address: str) -> RedirectResponse:
    return RedirectResponse(address, status.HTTP_303_SEE_OTHER)
