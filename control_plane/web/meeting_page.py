"""A meeting's page, where the letters lead: what it is about, and what its reader may expect at the gate now."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter, Request, status
from fastapi.responses import RedirectResponse
from sqlmodel import Session
from starlette.responses import Response

from control_plane.meetings.service import (
    MeetingView,
    NoSuchMeeting,
    agenda_for,
    guest_names,
    occurrences_of,
    read_meeting,
    readable_by,
)
from control_plane.people.service import body, names_of_pseudonyms
from control_plane.permission import Actor, NotPermitted
from control_plane.policy import GuestFacts, State
from control_plane.rooms.service import MayEnter, MayWait, NotNow, Outlook, outlook
from control_plane.web.day import hours_of
from control_plane.web.dependencies import GuestOrActorDep, NothingHere, PermissionDep, UnitsDep
from control_plane.web.door import HOME, own_page
from control_plane.web.locales import Words
from control_plane.web.rendering import page, words_for

router = APIRouter(include_in_schema=False)


@router.get("/meetings/{meeting_id}")
def show(
    meeting_id: str, request: Request, visitor: GuestOrActorDep, units: UnitsDep, permission: PermissionDep
) -> Response:
    """Show a meeting to whoever may read about it (raises NothingHere, whether it exists or not)."""
    _must_be_own(request)
    words = words_for(request, visitor.language)
    try:
        with units.begin() as unit:
            meeting = read_meeting(unit, permission, visitor, meeting_id)
            agenda = agenda_for(unit.session, visitor, meeting)
            held_by = body(unit.session, meeting.body_id)
            name = name_of(unit.session, visitor, words)
            expected = outlook(unit, permission, visitor, meeting_id)
    except (NoSuchMeeting, NotPermitted) as absent:
        raise NothingHere from absent
    return page(
        "meeting.html",
        words,
        name=name,
        guest=isinstance(visitor.facts, GuestFacts),
        meeting=meeting,
        body=held_by.name_in(words.code),
        hours=hours_of(meeting, words),
        agenda=agenda,
        now=said_of(expected, meeting, unit.now, words),
        welcome=isinstance(expected, MayEnter | MayWait),
    )


@router.get("/series/{series_id}")
def lead_to_sitting(
    series_id: str, request: Request, visitor: GuestOrActorDep, units: UnitsDep, permission: PermissionDep
) -> Response:
    """Lead to the sitting of a series that goes on or comes next, else its last (raises NothingHere)."""
    _must_be_own(request)
    now = units.clock()
    with units.read() as session:
        found = occurrences_of(session, [series_id])[series_id]
        readable = readable_by(session, permission, visitor, found, now)
    if not readable:
        raise NothingHere
    return RedirectResponse(f"/meetings/{current(readable, now).id}", status.HTTP_303_SEE_OTHER)


def _must_be_own(request: Request) -> None:
    """Raise NothingHere for what can't be an id: PostgreSQL, asked for one with a NUL in it, raises an error."""
    if own_page(request.url.path) == HOME:
        raise NothingHere


def current(occurrences: Sequence[MeetingView], now: datetime) -> MeetingView:
    """Return the sitting that goes on, else the one that comes next, else the last (at least one is given).

    One that overruns goes on until it is closed; those called off count only where nothing else is left.
    """
    held = [each for each in occurrences if each.state is not State.cancelled] or occurrences
    in_order = sorted(held, key=lambda each: each.starts_at)
    going_on = [each for each in in_order if each.state in (State.open, State.in_camera)]
    ahead = [each for each in in_order if each.ends_at > now and each.state is not State.closed]
    return [*going_on, *ahead, in_order[-1]][0]


def name_of(session: Session, visitor: Actor, words: Words) -> str:
    """Return the name of a person, in the page's language, or of a guest."""
    if isinstance(visitor.facts, GuestFacts):
        return guest_names(session, [visitor.pseudonym]).get(visitor.pseudonym, "")
    names = names_of_pseudonyms(session, [visitor.pseudonym]).get(visitor.pseudonym, {})
    return names.get(words.code) or names.get("fr", "")


def said_of(expected: Outlook, meeting: MeetingView, now: datetime, words: Words) -> list[str]:
    """Return the sentences that say what the reader may do now."""
    match expected, meeting.state:
        case _, State.cancelled:
            return [words.called_off]
        case _, State.closed:
            return [words.was_held]
        case MayEnter(), _:
            return [words.may_enter]
        case MayWait(), _:
            return [words.would_wait]
        case NotNow(reasons, policies), state:
            early = state is State.convened and now < meeting.starts_at and not policies
            reason = reasons.get(words.code) or reasons["fr"]
            return [words.not_now, reason, *([words.come_later] if early else [])]
    raise AssertionError("an outlook is one of three")
