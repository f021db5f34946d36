"""The address of a series leads to the sitting that goes on or comes next."""

from dataclasses import replace
from datetime import datetime, timedelta

from control_plane.meetings.service import Booking, MeetingView, book_series, convene_series
from control_plane.policy import Classification, State
from control_plane.web.meeting_page import current
from tests.conftest import StandingClock
from tests.web.conftest import LETTERHEAD, MORNING, House


def series(house: House) -> tuple[str, list[MeetingView]]:
    booking = Booking(
        house.parliament.bodies["finance"],
        "Hebdo",
        MORNING,
        MORNING + timedelta(hours=1),
        classification=Classification.RESTRICTED,
    )
    with house.desk.units.begin() as unit:
        series_id, _ = book_series(
            unit, house.permission, None, booking, "FREQ=WEEKLY;COUNT=3", accept_conflicts=True
        )
        found = convene_series(
            unit, house.permission, None, LETTERHEAD, series_id, reason="urgence", accept_conflicts=True
        )
    return series_id, found


def test_a_series_leads_to_the_sitting_that_comes_next_and_at_last_to_the_last(
    house: House, clock: StandingClock
) -> None:
    series_id, (first, second, third) = series(house)
    for after, expected in ((0, first), (1, second), (8, third), (30, third)):
        clock.now = datetime(2026, 11, 24, 9, 0, tzinfo=first.starts_at.tzinfo) + timedelta(days=after)
        answer = house.signed_in("amina").get(f"/series/{series_id}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/meetings/{expected.id}")


def test_a_series_unknown_or_not_for_this_reader_is_not_there(house: House) -> None:
    series_id, _ = series(house)
    opened = house.signed_in("leila")
    unreadable, unknown = (opened.get(f"/series/{each}") for each in (series_id, "a" * 16))
    assert unreadable.status_code == unknown.status_code == 404
    assert unreadable.text == unknown.text
    signed_out = house.browser().get(f"/series/{series_id}")
    assert signed_out.status_code == 401
    assert f'name="next" value="/series/{series_id}"' in signed_out.text


def test_which_sitting_of_a_series_is_the_current_one(house: House) -> None:
    _, (first, second, third) = series(house)
    now = second.starts_at + timedelta(hours=3)

    def at(**states: State) -> str:
        views = {"first": first, "second": second, "third": third}
        changed = {name: _with(view, states.get(name, view.state)) for name, view in views.items()}
        chosen = current(list(changed.values()), now).id
        return next(name for name, view in views.items() if view.id == chosen)

    assert at() == "third"
    assert at(second=State.open) == "second"  # it overruns
    assert at(first=State.closed, second=State.closed) == "third"
    assert at(third=State.cancelled) == "second"
    assert at(first=State.cancelled, second=State.cancelled, third=State.cancelled) == "third"


def _with(view: MeetingView, state: State) -> MeetingView:
    return replace(view, state=state)
