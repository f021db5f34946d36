"""The rules of a sitting, as tables."""

from datetime import timedelta

import pytest

from control_plane.meetings.rules import (
    COURSE,
    NoticeTooShort,
    NotInState,
    Sitting,
    TimesRefused,
    check_times,
    conflicts,
    retry_after,
    short_notice,
    step,
)
from control_plane.policy import State
from tests.meetings.conftest import moment

NOW = moment("2026-11-24T09:00")
STEPS = {
    (State.draft, State.convened),
    (State.draft, State.cancelled),
    (State.convened, State.open),
    (State.convened, State.cancelled),
    (State.open, State.in_camera),
    (State.open, State.closed),
    (State.in_camera, State.open),
    (State.in_camera, State.closed),
}
ALL = [(before, after) for before in State for after in State]


def test_the_course_has_a_line_for_each_state() -> None:
    assert set(COURSE) == set(State)
    assert len(ALL) == 36


@pytest.mark.parametrize(("before", "after"), ALL)
def test_a_sitting_takes_the_steps_of_its_course_and_no_others(before: State, after: State) -> None:
    if (before, after) in STEPS:
        assert step(before, after) is after
        return
    with pytest.raises(NotInState) as raised:
        step(before, after)
    assert raised.value.state is before
    assert f"the meeting is {before.value}" in str(raised.value)
    assert all(wanted.value in str(raised.value) for wanted, after_that in STEPS if after_that is after)


NOTICES = [
    (48, "2026-11-26T09:00", "", False),
    (48, "2026-11-26T08:59", "urgent", True),
    (48, "2026-11-24T08:59", "it has begun", True),
    (0, "2026-11-24T09:00", "", False),
]


@pytest.mark.parametrize(("hours", "starts", "reason", "short"), NOTICES)
def test_notice_is_long_enough_or_has_a_reason(hours: int, starts: str, reason: str, short: bool) -> None:
    assert short_notice(moment(starts), NOW, hours, reason) is short


@pytest.mark.parametrize("reason", ["", " ", "\n"])
def test_short_notice_without_reason_is_refused(reason: str) -> None:
    with pytest.raises(NoticeTooShort, match="2 days"):
        short_notice(moment("2026-11-26T08:59"), NOW, 48, reason)


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("2026-12-01T10:00", "2026-12-01T10:00"),
        ("2026-12-01T10:00", "2026-12-01T09:00"),
        ("2026-12-01T10:00", "2026-12-02T10:01"),
        ("2026-11-24T08:00", "2026-11-24T09:00"),
    ],
)
def test_times_that_make_no_sitting_are_refused(starts: str, ends: str) -> None:
    with pytest.raises(TimesRefused):
        check_times(moment(starts), moment(ends), NOW)


def _sitting(name: str, body: str, starts: str, hours: float, chairs: str, members: str) -> Sitting:
    start = moment(f"2026-12-01T{starts}")
    return Sitting(
        name,
        body,
        name,
        start,
        start + timedelta(hours=hours),
        frozenset(chairs.split()),
        frozenset(members.split()),
        guests=0,
        capacity=9,
    )


WANTED = _sitting("wanted", "finances", "10:00", 2, "amina", "brahim driss")
CONFLICTS = [
    (_sitting("o", "justice", "12:00", 2, "amina", ""), []),
    (_sitting("o", "justice", "08:00", 2, "amina", ""), []),
    (_sitting("o", "justice", "08:00", 2.1, "amina", ""), ["chair amina"]),
    (_sitting("o", "justice", "11:59", 2, "brahim", ""), ["chair brahim"]),
    (_sitting("o", "justice", "11:59", 2, "", "amina"), ["chair amina"]),
    (_sitting("o", "justice", "10:30", 0.5, "fatima", "driss brahim"), ["member brahim", "member driss"]),
    (_sitting("o", "justice", "10:00", 2, "fatima", "ali"), []),
    (_sitting("o", "finances", "10:00", 2, "amina", "brahim"), ["body finances"]),
    (_sitting("wanted", "finances", "10:00", 2, "amina", "brahim"), []),
    (_sitting("o", "justice", "00:00", 10.5, "amina", ""), ["chair amina"]),
]


@pytest.mark.parametrize(("other", "expected"), CONFLICTS)
def test_conflicts_are_found_and_named(other: Sitting, expected: list[str]) -> None:
    far = [_sitting(f"far{n}", "justice", f"{hour:02}:00", 1, "amina", "") for n, hour in enumerate((1, 20))]
    found = conflicts([WANTED], [*far, other])
    assert [f"{each.kind} {each.who}" for each in found] == expected
    assert {each.meeting_id for each in found} <= {"o"}


def test_a_message_waits_longer_each_time_and_is_given_up_after_four_days() -> None:
    waits = [retry_after(attempt) for attempt in range(1, 101)]
    assert waits[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert waits[-1] is None
    total = sum((wait for wait in waits if wait), timedelta())
    assert timedelta(days=3) < total < timedelta(days=5)
    assert max(wait for wait in waits if wait) == timedelta(hours=1)
