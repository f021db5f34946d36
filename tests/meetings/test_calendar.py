"""The calendar object, read back by a reader that takes RFC 5545 at its word."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from control_plane.meetings.calendar import Notice, Party, calendar
from control_plane.meetings.recurrence import recurrence
from control_plane.meetings.walltime import to_utc
from control_plane.policy import Classification
from tests.meetings.conftest import moment, wall
from tests.meetings.letters import parse

RABAT = "Africa/Casablanca"


def _notice(starts: str, *, zone: str = RABAT, rrule: str = "", **more: object) -> Notice:
    first = wall(starts)
    rule = recurrence(rrule, first, zone) if rrule else None
    return Notice(
        uid="4f7b",
        sequence=0,
        summary="Commission, « ordre » du jour; suite\\fin",
        classification=Classification.PUBLIC,
        starts_wall=first,
        ends_wall=first + timedelta(hours=2),
        zone=zone,
        page="https://majlis.parlement.test/meetings/abc",
        stamp=moment("2026-01-01T00:00"),
        organiser=Party("Commission", "majlis@parlement.test"),
        rrule=rule.text if rule else "",
        last_wall=rule.walls[-1] if rule else None,
        **more,  # type: ignore[arg-type]
    )


def by_the_book(read: Any, at: datetime) -> datetime:
    """Return the moment of a wall time by nothing but the VTIMEZONE (RFC 5545, 3.6.5)."""
    (zone,) = read.walk("VTIMEZONE")
    onsets = sorted(
        (each["DTSTART"].dt.replace(tzinfo=None), each["TZOFFSETFROM"].td, each["TZOFFSETTO"].td)
        for each in zone.subcomponents
    )
    holding = [to for onset, _, to in onsets if onset <= at]
    offset: timedelta = holding[-1]
    return (at - offset).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("starts", "zone", "rule"),
    [
        ("2026-01-06T10:00", RABAT, "FREQ=WEEKLY;COUNT=60"),
        ("2024-01-02T10:00", RABAT, "FREQ=WEEKLY;COUNT=150"),
        ("2026-02-14T10:00", RABAT, "FREQ=DAILY;COUNT=40"),
        ("2026-01-06T10:00", "Europe/Paris", "FREQ=WEEKLY;COUNT=120"),
        ("2026-01-06T10:00", "America/New_York", "FREQ=MONTHLY;COUNT=36"),
        ("2026-12-01T10:00", RABAT, "FREQ=WEEKLY;COUNT=30"),
    ],
)
def test_the_vtimezone_gives_every_occurrence_its_moment(starts: str, zone: str, rule: str) -> None:
    notice = _notice(starts, zone=zone, rrule=rule)
    read = parse(calendar("REQUEST", [notice]))
    walls = recurrence(rule, wall(starts), zone).walls
    assert len(walls) >= 30
    for each in walls:
        assert by_the_book(read, each) == to_utc(each, zone), each


def test_the_change_back_after_ramadan_is_dated_by_the_offset_before_it() -> None:
    """icalendar's own generator says 03:00, which readers take for 03:00 UTC, an hour late."""
    read = parse(calendar("REQUEST", [_notice("2026-01-06T10:00", rrule="FREQ=WEEKLY;COUNT=20")]))
    (zone,) = read.walk("VTIMEZONE")
    told = [
        (
            each.name,
            f"{each['DTSTART'].dt:%Y-%m-%dT%H:%M}",
            each["TZOFFSETFROM"].to_ical(),
            each["TZOFFSETTO"].to_ical(),
        )
        for each in zone.subcomponents
    ]
    assert told[1:] == [
        ("STANDARD", "2026-02-15T03:00", "+0100", "+0000"),
        ("DAYLIGHT", "2026-03-22T02:00", "+0000", "+0100"),
    ]


def test_text_with_every_special_character_comes_back_as_it_was() -> None:
    read = parse(calendar("PUBLISH", [_notice("2026-12-01T10:00")]))
    assert str(read.events[0]["SUMMARY"]) == "Commission, « ordre » du jour; suite\\fin"


def test_lines_are_folded_and_end_as_the_rfc_wants() -> None:
    attendees = [Party("ال" * 60, "a@parlement.test", "CHAIR")]
    written = calendar("REQUEST", [_notice("2026-12-01T10:00", attendees=attendees)])
    lines = written.split(b"\r\n")
    assert lines[-1] == b""
    assert max(len(line) for line in lines) <= 75
    assert b"\n" not in written.replace(b"\r\n", b"")
    assert parse(written).events[0]["ATTENDEE"].params["CN"] == "ال" * 60


@pytest.mark.parametrize(
    "name", ['x":mailto:evil@example.org', "x\r\nATTENDEE:mailto:evil@example.org", "a;b,c"]
)
def test_a_name_cannot_become_another_property(name: str) -> None:
    written = calendar("REQUEST", [_notice("2026-12-01T10:00", attendees=[Party(name, "a@parlement.test")])])
    (event,) = parse(written).events
    assert event["ATTENDEE"] == "mailto:a@parlement.test"


def test_a_cancelled_notice_says_so_and_a_moved_one_says_from_where() -> None:
    notice = _notice("2026-12-02T10:00", cancelled=True, recurrence_id=wall("2026-12-01T10:00"))
    (event,) = parse(calendar("CANCEL", [notice])).events
    assert str(event["STATUS"]) == "CANCELLED"
    assert event["RECURRENCE-ID"].to_ical() == b"20261201T100000"
    assert event["RECURRENCE-ID"].params["TZID"] == RABAT
