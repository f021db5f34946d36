"""Doors of the meetings: booking and changing, the course of a sitting, guests, and calendars.

What also moves people in or out of the conference (in camera, close, let in, remove) is the rooms' door.
"""

from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Response, status

from control_plane.meetings import service
from control_plane.meetings.shapes import (
    BookingShape,
    CancelShape,
    ChangesShape,
    ConveneShape,
    MeetingInFull,
    MeetingShape,
    PreviewShape,
    SeriesShape,
)
from control_plane.people.service import feed_owner
from control_plane.web.dependencies import (
    ActorDep,
    GuestOrActorDep,
    LetterheadDep,
    PermissionDep,
    UnitsDep,
)

router = APIRouter(prefix="/api", tags=["meetings"])
calendar = APIRouter(prefix="/calendar", tags=["calendar"])


def version(if_match: Annotated[str | None, Header()] = None) -> int:
    """Return the version that a change starts from, which If-Match must say (RFC 6585: 428 where it doesn't)."""
    number = (if_match or "").strip().strip('"')
    if not number.isascii() or not number.isdigit():
        raise HTTPException(
            status.HTTP_428_PRECONDITION_REQUIRED, 'say If-Match: "n", n the version you read'
        )
    return int(number)


VersionDep = Annotated[int, Depends(version)]


@router.get("/meetings")
def list_day(
    actor: ActorDep,
    units: UnitsDep,
    permission: PermissionDep,
    on: Annotated[date, Query()],
    zone: Annotated[str, Query()] = "Africa/Casablanca",
) -> list[MeetingShape]:
    """Return the meetings of a day in a zone that the actor may read, earliest first."""
    midnight = datetime.combine(on, time())
    begin, end = (service.to_utc(midnight + timedelta(days=days), zone) for days in (0, 1))
    with units.read() as session:
        found = service.day(session, begin, end)
        readable = service.readable_by(session, permission, actor, found, units.clock())
    return [MeetingShape.of(meeting) for meeting in readable]


@router.post("/meetings", status_code=status.HTTP_201_CREATED)
def book(
    given: BookingShape, actor: ActorDep, units: UnitsDep, permission: PermissionDep
) -> MeetingShape | SeriesShape:
    """Book a sitting, or with `rrule` a series."""
    with units.begin() as unit:
        if not given.rrule:
            meeting = service.book(
                unit, permission, actor, given.booking(), accept_conflicts=given.accept_conflicts
            )
            return MeetingShape.of(meeting)
        series_id, meetings = service.book_series(
            unit, permission, actor, given.booking(), given.rrule, accept_conflicts=given.accept_conflicts
        )
        return SeriesShape(series_id=series_id, meetings=[MeetingShape.of(each) for each in meetings])


@router.post("/meetings/preview")
def preview(given: BookingShape, actor: ActorDep, units: UnitsDep, permission: PermissionDep) -> PreviewShape:
    """Return what booking this would make, and what stands in its way."""
    with units.begin() as unit:
        shown = service.preview(unit, permission, actor, given.booking(), given.rrule)
    return PreviewShape(starts_at=shown.starts_at, conflicts=shown.conflicts)


@router.get("/meetings/{meeting_id}")
def get(
    meeting_id: str, actor: GuestOrActorDep, units: UnitsDep, permission: PermissionDep, response: Response
) -> MeetingInFull:
    """Return a meeting; its ETag is the version to change it from. Guests see the public points only."""
    with units.begin() as unit:
        meeting = service.read_meeting(unit, permission, actor, meeting_id)
        agenda = service.agenda_for(unit.session, actor, meeting)
    response.headers["ETag"] = f'"{meeting.version}"'
    return MeetingInFull(**MeetingShape.of(meeting).model_dump(), agenda=agenda)


@router.patch("/meetings/{meeting_id}")
def change(
    meeting_id: str,
    given: ChangesShape,
    actor: ActorDep,
    units: UnitsDep,
    permission: PermissionDep,
    head: LetterheadDep,
    start: VersionDep,
    response: Response,
) -> MeetingShape:
    """Change a meeting from the version in If-Match."""
    with units.begin() as unit:
        meeting = service.change(
            unit,
            permission,
            actor,
            head,
            meeting_id,
            start,
            given.changes(),
            reason=given.reason,
            accept_conflicts=given.accept_conflicts,
        )
    response.headers["ETag"] = f'"{meeting.version}"'
    return MeetingShape.of(meeting)


@router.post("/meetings/{meeting_id}/convene")
def convene(
    meeting_id: str,
    given: ConveneShape,
    actor: ActorDep,
    units: UnitsDep,
    permission: PermissionDep,
    head: LetterheadDep,
) -> MeetingShape:
    """Send out the convocation."""
    with units.begin() as unit:
        meeting = service.convene(
            unit,
            permission,
            actor,
            head,
            meeting_id,
            reason=given.reason,
            accept_conflicts=given.accept_conflicts,
        )
    return MeetingShape.of(meeting)


@router.post("/meetings/{meeting_id}/open")
def open_meeting(
    meeting_id: str, actor: ActorDep, units: UnitsDep, permission: PermissionDep
) -> MeetingShape:
    """Open the sitting."""
    with units.begin() as unit:
        return MeetingShape.of(service.open_meeting(unit, permission, actor, meeting_id))


@router.post("/meetings/{meeting_id}/public")
def back_in_public(
    meeting_id: str, actor: ActorDep, units: UnitsDep, permission: PermissionDep
) -> MeetingShape:
    """End the sitting in camera and go on."""
    with units.begin() as unit:
        return MeetingShape.of(service.back_in_public(unit, permission, actor, meeting_id))


@router.post("/meetings/{meeting_id}/cancel")
def cancel(
    meeting_id: str,
    given: CancelShape,
    actor: ActorDep,
    units: UnitsDep,
    permission: PermissionDep,
    head: LetterheadDep,
) -> MeetingShape:
    """Call off a sitting that hasn't begun."""
    with units.begin() as unit:
        meeting = service.cancel(unit, permission, actor, head, meeting_id, reason=given.reason)
    return MeetingShape.of(meeting)


@router.post("/series/{series_id}/convene")
def convene_series(
    series_id: str,
    given: ConveneShape,
    actor: ActorDep,
    units: UnitsDep,
    permission: PermissionDep,
    head: LetterheadDep,
) -> SeriesShape:
    """Send out the convocation of all sittings of a series that are ahead."""
    with units.begin() as unit:
        meetings = service.convene_series(
            unit,
            permission,
            actor,
            head,
            series_id,
            reason=given.reason,
            accept_conflicts=given.accept_conflicts,
        )
    return SeriesShape(series_id=series_id, meetings=[MeetingShape.of(each) for each in meetings])


@router.post("/series/{series_id}/cancel")
def cancel_series(
    series_id: str,
    given: CancelShape,
    actor: ActorDep,
    units: UnitsDep,
    permission: PermissionDep,
    head: LetterheadDep,
) -> SeriesShape:
    """Call off all sittings of a series that haven't begun."""
    with units.begin() as unit:
        meetings = service.cancel_series(unit, permission, actor, head, series_id, reason=given.reason)
    return SeriesShape(series_id=series_id, meetings=[MeetingShape.of(each) for each in meetings])


@calendar.get("/{token}.ics")
def feed(token: str, units: UnitsDep, head: LetterheadDep) -> Response:
    """Return the calendar of whoever has this secret address."""
    with units.read() as session:
        now = units.clock()
        owner = feed_owner(session, token, now)
        if owner is None:
            raise HTTPException(status.HTTP_404_NOT_FOUND, "no such calendar")
        written = service.feed(session, owner.id, head, now)
    headers = {"Cache-Control": "private, max-age=300", "X-Robots-Tag": "noindex"}
    return Response(written, media_type="text/calendar; charset=utf-8", headers=headers)
