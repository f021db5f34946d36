"""Series: one rule in the calendars, with what was moved and what was called off."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from control_plane.meetings.service import (
    MeetingView,
    NoSuchSeries,
    NothingAhead,
    book_series,
    cancel_occurrence,
    cancel_series,
    convene,
    convene_series,
    feed,
    meetings,
    move_occurrence,
)
from control_plane.policy import State
from tests.meetings.conftest import LETTERHEAD, MORNING, Parliament, booking, kinds, wall
from tests.meetings.letters import calendar_in, parse

WEEK = timedelta(weeks=1)


def _series(
    house: Parliament, rule: str = "FREQ=WEEKLY;COUNT=4", at: datetime = MORNING
) -> tuple[str, list[MeetingView]]:
    body = house.committee(members=1)
    with house.units.begin() as unit:
        return book_series(unit, house.permission, house.clerk(), booking(body, at=at), rule)


def _calendars(house: Parliament, address: str) -> list[Any]:
    return [calendar_in(mail.message) for mail in house.mails() if mail.address == address]


def _member(house: Parliament) -> str:
    return sorted(mail.address for mail in house.mails())[0]


def _convene(house: Parliament, series: str) -> list[MeetingView]:
    with house.units.begin() as unit:
        return convene_series(unit, house.permission, house.clerk(), LETTERHEAD, series)


def _moved(house: Parliament, meeting: MeetingView) -> MeetingView:
    start = meeting.starts_wall + timedelta(days=1)
    with house.units.begin() as unit:
        return move_occurrence(
            unit,
            house.permission,
            house.clerk(),
            LETTERHEAD,
            meeting.id,
            meeting.version,
            start,
            start + timedelta(hours=2),
        )


def test_a_series_is_convened_by_one_letter_a_reader_with_its_rule(house: Parliament) -> None:
    series, made = _series(house)
    _moved(house, made[2])
    with house.units.begin() as unit:
        cancel_occurrence(unit, house.permission, house.clerk(), LETTERHEAD, made[1].id)
    convened = _convene(house, series)
    assert [each.state for each in convened] == [State.convened] * 3
    assert kinds(house.entries())[-3:] == ["MeetingConvened"] * 3
    assert len(house.mails()) == 3
    (read,) = _calendars(house, _member(house))
    master, moved = read.events
    assert master["RRULE"].to_ical() == b"FREQ=WEEKLY;COUNT=4"
    assert master.decoded("DTSTART").replace(tzinfo=None) == MORNING
    assert [each.dt.replace(tzinfo=None) for each in master["EXDATE"].dts] == [MORNING + WEEK]
    assert str(master["CONFERENCE"]) == f"https://majlis.parlement.test/series/{series}"
    assert moved["UID"] == master["UID"]
    assert moved.decoded("RECURRENCE-ID").replace(tzinfo=None) == MORNING + 2 * WEEK
    assert moved.decoded("DTSTART").replace(tzinfo=None) == MORNING + 2 * WEEK + timedelta(days=1)
    assert str(moved["CONFERENCE"]) == f"https://majlis.parlement.test/meetings/{made[2].id}"


def test_moving_a_convened_occurrence_tells_of_that_one_only(house: Parliament) -> None:
    series, made = _series(house)
    _convene(house, series)
    with house.units.read() as session:
        occurrence = meetings(session, [made[3].id])[made[3].id]
    _moved(house, occurrence)
    first, second = sorted(_calendars(house, _member(house)), key=lambda each: "RRULE" not in each.events[0])
    (event,) = second.events
    assert str(second["METHOD"]) == "REQUEST"
    assert event["UID"] == first.events[0]["UID"]
    assert event["SEQUENCE"] == 1
    assert event.decoded("RECURRENCE-ID").replace(tzinfo=None) == MORNING + 3 * WEEK


def test_cancelling_a_convened_occurrence_tells_of_that_one_only(house: Parliament) -> None:
    series, made = _series(house)
    _convene(house, series)
    with house.units.begin() as unit:
        cancel_occurrence(unit, house.permission, house.clerk(), LETTERHEAD, made[1].id)
    (gone,) = [each for each in _calendars(house, _member(house)) if str(each["METHOD"]) == "CANCEL"]
    (event,) = gone.events
    assert event.decoded("RECURRENCE-ID").replace(tzinfo=None) == MORNING + WEEK
    assert "RRULE" not in event


def test_one_occurrence_can_be_convened_alone(house: Parliament) -> None:
    _, made = _series(house)
    with house.units.begin() as unit:
        convene(unit, house.permission, house.clerk(), LETTERHEAD, made[1].id)
    (read,) = _calendars(house, _member(house))
    (event,) = read.events
    assert event.decoded("RECURRENCE-ID").replace(tzinfo=None) == MORNING + WEEK


def test_a_whole_series_is_called_off_by_one_letter(house: Parliament) -> None:
    series, made = _series(house)
    _convene(house, series)
    with house.units.begin() as unit:
        gone = cancel_series(unit, house.permission, house.clerk(), LETTERHEAD, series, reason="dissolution")
    assert [each.id for each in gone] == [each.id for each in made]
    (read,) = [each for each in _calendars(house, _member(house)) if str(each["METHOD"]) == "CANCEL"]
    (event,) = read.events
    assert "RECURRENCE-ID" not in event
    assert (str(event["STATUS"]), event["SEQUENCE"]) == ("CANCELLED", 1)
    with pytest.raises(NothingAhead), house.units.begin() as unit:
        cancel_series(unit, house.permission, house.clerk(), LETTERHEAD, series)


def test_calling_off_the_rest_leaves_what_was_held_in_the_calendars(house: Parliament) -> None:
    series, made = _series(house)
    _convene(house, series)
    house.clock.now = made[0].ends_at
    with house.units.begin() as unit:
        gone = cancel_series(unit, house.permission, house.clerk(), LETTERHEAD, series)
    assert len(gone) == 3
    (read,) = [each for each in _calendars(house, _member(house)) if str(each["METHOD"]) == "CANCEL"]
    ids = [each.decoded("RECURRENCE-ID").replace(tzinfo=None) for each in read.events]
    assert ids == [MORNING + WEEK, MORNING + 2 * WEEK, MORNING + 3 * WEEK]


def test_an_unknown_series_is_neither_convened_nor_called_off(house: Parliament) -> None:
    for act in (convene_series, cancel_series):
        with pytest.raises(NoSuchSeries), house.units.begin() as unit:
            act(unit, house.permission, None, LETTERHEAD, "nothing")


def test_convening_a_series_takes_as_many_statements_for_a_hundred_sittings_as_for_three(
    house: Parliament, statements: list[str]
) -> None:
    counts = []
    for size in (3, 100):
        body = house.committee(f"Commission {size}", members=1)
        with house.units.begin() as unit:
            series, _ = book_series(unit, house.permission, None, booking(body), f"FREQ=DAILY;COUNT={size}")
        statements.clear()
        with house.units.begin() as unit:
            assert len(convene_series(unit, house.permission, None, LETTERHEAD, series)) == size
        counts.append(len(statements))
    assert counts[0] == counts[1] < 30


def test_the_feed_shows_a_series_as_its_rule_and_is_the_same_until_something_changes(
    house: Parliament, statements: list[str]
) -> None:
    series, made = _series(house, "FREQ=WEEKLY;COUNT=40", wall("2026-12-01T10:00"))
    _convene(house, series)
    _moved(house, _read(house, made[5]))
    with house.units.begin() as unit:
        cancel_occurrence(unit, house.permission, house.clerk(), LETTERHEAD, made[7].id)
    single = house.convened(house.committee("Commission de la justice", members=0), title="Audition")
    member = house.people["membre 0 de Commission des finances"]
    house.seat(single.body_id, "membre 0 de Commission des finances")
    statements.clear()
    with house.units.read() as session:
        written = feed(session, member, LETTERHEAD, house.clock())
        assert len(statements) == 5
        house.clock.advance(hours=5)
        assert feed(session, member, LETTERHEAD, house.clock()) == written
    read = parse(written)
    assert str(read["METHOD"]) == "PUBLISH"
    master, moved = read.events
    assert [each.dt.replace(tzinfo=None) for each in master["EXDATE"].dts] == [MORNING + 7 * WEEK]
    assert moved.decoded("RECURRENCE-ID").replace(tzinfo=None) == MORNING + 5 * WEEK


def test_the_feed_of_nobody_is_empty(house: Parliament) -> None:
    with house.units.read() as session:
        read = parse(feed(session, "nobody", LETTERHEAD, house.clock()))
    assert read.events == []


def test_an_old_meeting_leaves_the_feed(house: Parliament) -> None:
    house.convened(house.committee(members=0))
    chair = house.people["président de Commission des finances"]
    with house.units.read() as session:
        assert b"Budget 2027" in feed(session, chair, LETTERHEAD, house.clock())
        house.clock.advance(days=120)
        assert b"Budget 2027" not in feed(session, chair, LETTERHEAD, house.clock())


def _read(house: Parliament, meeting: MeetingView) -> MeetingView:
    with house.units.read() as session:
        return meetings(session, [meeting.id])[meeting.id]
