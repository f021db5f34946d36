"""Recurrence: what is understood, and what is refused with a sentence that says which part."""

import time
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.meetings.recurrence import MOST_OCCURRENCES, RecurrenceRefused, recurrence
from control_plane.meetings.walltime import to_utc, to_wall
from tests.meetings.conftest import moment, wall

RABAT = "Africa/Casablanca"
TUESDAY = wall("2026-01-06T10:00")

UNDERSTOOD = [
    ("FREQ=WEEKLY;COUNT=3", "FREQ=WEEKLY;COUNT=3", ["2026-01-06", "2026-01-13", "2026-01-20"]),
    ("RRULE:freq=weekly;count=2", "FREQ=WEEKLY;COUNT=2", ["2026-01-06", "2026-01-13"]),
    (
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=20260203",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=20260203T225959Z",
        ["2026-01-06", "2026-01-20", "2026-02-03"],
    ),
    (
        "FREQ=WEEKLY;UNTIL=20260217T100000Z",  # in Ramadan, when 10:00 in Rabat is 10:00 UTC
        "FREQ=WEEKLY;UNTIL=20260217T100000Z",
        ["2026-01-06", "2026-01-13", "2026-01-20", "2026-01-27", "2026-02-03", "2026-02-10", "2026-02-17"],
    ),
    (
        "FREQ=WEEKLY;UNTIL=20260217T095959Z",
        "FREQ=WEEKLY;UNTIL=20260217T095959Z",
        ["2026-01-06", "2026-01-13", "2026-01-20", "2026-01-27", "2026-02-03", "2026-02-10"],
    ),
    (
        "FREQ=MONTHLY;BYDAY=1TU;COUNT=3",
        "FREQ=MONTHLY;BYDAY=1TU;COUNT=3",
        ["2026-01-06", "2026-02-03", "2026-03-03"],
    ),
    (
        "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=3",
        "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=3",
        ["2026-01-06", "2026-01-08", "2026-01-13"],
    ),
]


@pytest.mark.parametrize(("given_text", "text", "days"), UNDERSTOOD)
def test_a_rule_is_understood(given_text: str, text: str, days: list[str]) -> None:
    found = recurrence(given_text, TUESDAY, RABAT)
    assert found.text == text
    assert [f"{each:%Y-%m-%dT%H:%M}" for each in found.walls] == [f"{day}T10:00" for day in days]


REFUSED = [
    ("", "no part"),
    ("FREQ", "no part"),
    ("FREQ=", "no part"),
    ("FREQ=WEEKLY", "COUNT or by UNTIL"),
    ("FREQ=WEEKLY;COUNT=3;UNTIL=20270101", "exactly one"),
    ("COUNT=3", "FREQ is missing"),
    ("FREQ=SECONDLY;COUNT=3", "SECONDLY"),
    ("FREQ=MINUTELY;COUNT=3", "MINUTELY"),
    ("FREQ=HOURLY;COUNT=3", "HOURLY"),
    ("FREQ=FORTNIGHTLY;COUNT=3", "FORTNIGHTLY"),
    ("FREQ=DAILY;BYHOUR=8,9;COUNT=3", "BYHOUR is not supported"),
    ("FREQ=DAILY;BYSECOND=1;COUNT=3", "BYSECOND is not supported"),
    ("FREQ=YEARLY;BYEASTER=0;COUNT=3", "BYEASTER is not supported"),
    ("FREQ=WEEKLY;COUNT=3;COUNT=4", "COUNT stands twice"),
    ("FREQ=WEEKLY;COUNT=0", "COUNT is '0'"),
    ("FREQ=WEEKLY;COUNT=-1", "COUNT is '-1'"),
    ("FREQ=WEEKLY;COUNT=٣", "no part"),
    ("FREQ=WEEKLY;COUNT=521", "1 to 520"),
    ("FREQ=WEEKLY;COUNT=99999999999999999999", "1 to 520"),
    ("FREQ=WEEKLY;UNTIL=tomorrow", "UNTIL is"),
    ("FREQ=WEEKLY;UNTIL=20251231", "does not meet its own first sitting"),
    ("FREQ=YEARLY;UNTIL=20460107", "beyond 2036-01-07"),
    ("FREQ=DAILY;UNTIL=20301231", "more than 520"),
    ("FREQ=YEARLY;COUNT=12", "beyond 2036-01-07"),
    ("FREQ=WEEKLY;BYDAY=MO;COUNT=3", "BYDAY does not meet the first sitting, Tuesday 2026-01-06"),
    ("FREQ=WEEKLY;BYDAY=XX;COUNT=3", "does not meet"),
    ("FREQ=WEEKLY;BYDAY=TU,XX;COUNT=3", "can't be read"),
    ("FREQ=WEEKLY;INTERVAL=0;COUNT=3", "INTERVAL"),
    ("FREQ=WEEKLY;INTERVAL=-1;COUNT=3", "INTERVAL"),
    ("FREQ=WEEKLY;INTERVAL=x;COUNT=3", "INTERVAL"),
    ("FREQ=MONTHLY;BYMONTHDAY=32;COUNT=3", "does not meet"),
    ("FREQ=MONTHLY;BYSETPOS=400;COUNT=3", "1 to 5"),
    ("FREQ=DAILY;BYSETPOS=2;COUNT=3", "of a MONTHLY rule"),
    ("FREQ=YEARLY;BYDAY=53TU;COUNT=3", "of a MONTHLY rule"),
    ("FREQ=MONTHLY;BYDAY=9TU;COUNT=3", "1 to 5"),
    ("FREQ=MONTHLY;BYDAY=2TU;COUNT=3", "first sitting"),
    ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=3", "BYMONTH does not meet"),
    ("FREQ=WEEKLY;COUNT=3\nRRULE:FREQ=DAILY", "no part"),
    ("FREQ=WEEKLY;WKST=MO\nEXDATE=20260101;COUNT=2", "no part"),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3", "BYMONTH does not meet"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_a_rule_is_refused_at_once_and_says_why(text: str, why: str) -> None:
    began = time.process_time()
    with pytest.raises(RecurrenceRefused, match=why):
        recurrence(text, TUESDAY, RABAT)
    assert time.process_time() - began < 1


@settings(deadline=None)
@given(
    first=st.datetimes(datetime(2025, 1, 1), datetime(2031, 1, 1)).map(  # noqa: DTZ001
        lambda at: at.replace(second=0, microsecond=0)
    ),
    zone=st.sampled_from([RABAT, "Europe/Paris", "Africa/El_Aaiun", "America/New_York", "UTC"]),
    frequency=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
    count=st.integers(1, 60),
)
def test_a_recurring_wall_time_stays(first: datetime, zone: str, frequency: str, count: int) -> None:
    found = recurrence(f"FREQ={frequency};COUNT={count}", first, zone).walls
    assert len(found) == count <= MOST_OCCURRENCES
    assert {each.time() for each in found} == {first.time()}
    for each in found:
        shown = to_wall(to_utc(each, zone), zone)
        assert shown == each or shown - each == timedelta(hours=1)  # skipped, as RFC 5545 reads it


def test_a_weekly_ten_oclock_stays_ten_oclock_through_ramadan_and_the_end_of_utc_plus_one() -> None:
    walls = recurrence("FREQ=WEEKLY;COUNT=60", TUESDAY, RABAT).walls
    assert {each.time() for each in walls} == {TUESDAY.time()}
    moments = {f"{each:%m-%d}": to_utc(each, RABAT) for each in walls if each.year == 2026}
    assert moments["02-10"] == moment("2026-02-10T09:00")
    assert moments["02-17"] == moment("2026-02-17T10:00")
    assert moments["03-17"] == moment("2026-03-17T10:00")
    assert moments["03-24"] == moment("2026-03-24T09:00")
    assert moments["09-15"] == moment("2026-09-15T09:00")
    assert moments["09-22"] == moment("2026-09-22T10:00")
