"""Booking: what is refused, what is recorded, and what stands in the way."""

from datetime import timedelta

import pytest

from control_plane.audit.entries import ActionRefused, MeetingBooked, SeriesBooked
from control_plane.meetings.service import (
    AgendaTooLong,
    Conflicting,
    Item,
    NoSuchWallTime,
    RecurrenceRefused,
    TimesRefused,
    TitleRefused,
    UnknownZone,
    agenda_of,
    book,
    book_series,
    cancel,
    meetings,
    occurrences_of,
    preview,
)
from control_plane.people.service import NoSuchBody
from control_plane.permission import NotPermitted
from control_plane.policy import Classification, State
from tests.meetings.conftest import LETTERHEAD, MORNING, Parliament, booking, kinds, moment, wall


def test_the_clerk_books_a_draft_in_the_bodys_zone_and_classification(house: Parliament) -> None:
    body = house.committee(default=Classification.RESTRICTED)
    with house.units.begin() as unit:
        meeting = book(
            unit,
            house.permission,
            house.clerk(),
            booking(body, agenda=[Item("Audition"), Item("Vote", public=False)]),
        )
    assert (meeting.state, meeting.classification) == (State.draft, Classification.RESTRICTED)
    assert (meeting.starts_wall, meeting.zone) == (MORNING, "Africa/Casablanca")
    assert meeting.starts_at == moment("2026-12-01T10:00")  # Morocco is on UTC since 2026-09-20
    entry, readable = house.last()
    assert isinstance(entry, MeetingBooked)
    assert (entry.meeting, entry.body, entry.classification) == (meeting.id, body, "restricted")
    assert entry.by == house.clerk().pseudonym
    assert entry.policies == ("booking.clerk",)
    assert readable == {"title": "Budget 2027"}
    with house.units.read() as session:
        assert [item.title for item in agenda_of(session, [meeting.id])[meeting.id]] == ["Audition", "Vote"]


def test_a_member_may_not_book_and_the_refusal_is_in_the_log(house: Parliament) -> None:
    body = house.committee()
    member = house.actor("membre 0 de Commission des finances")
    with pytest.raises(NotPermitted), house.units.begin() as unit:
        book(unit, house.permission, member, booking(body))
    entry, _ = house.last()
    assert isinstance(entry, ActionRefused)
    assert (entry.action, entry.by) == ("book", member.pseudonym)
    with house.units.read() as session:
        assert meetings(session, [entry.meeting]) == {}


REFUSED = [
    ({"title": " "}, TitleRefused),
    ({"title": "x" * 201}, TitleRefused),
    ({"title": "Budget\nBcc: presse@example.org"}, TitleRefused),
    ({"title": "Budget\u2028X-Header: 1"}, TitleRefused),
    ({"zone": "Africa/Casa"}, UnknownZone),
    ({"zone": "../../etc/passwd"}, UnknownZone),
    ({"zone": "tzdata.zi"}, UnknownZone),
    ({"hours": 0}, TimesRefused),
    ({"hours": -1}, TimesRefused),
    ({"hours": 24.5}, TimesRefused),
    ({"at": wall("2026-11-24T06:00")}, TimesRefused),
    ({"at": wall("2027-03-28T02:30"), "zone": "Europe/Paris"}, NoSuchWallTime),
    ({"agenda": [Item("point")] * 101}, AgendaTooLong),
    ({"agenda": [Item("")]}, TitleRefused),
]


@pytest.mark.parametrize(("how", "error"), REFUSED)
def test_what_cannot_be_booked_is_refused_by_name(
    house: Parliament, how: dict[str, object], error: type[Exception]
) -> None:
    body = house.body()
    before = house.entries()
    with pytest.raises(error):
        house.book(body, **how)
    assert house.entries() == before


def test_no_body_no_meeting(house: Parliament) -> None:
    with pytest.raises(NoSuchBody):
        house.book("nobody")


def test_a_sitting_may_be_booked_for_this_very_minute(house: Parliament) -> None:
    meeting = house.book(house.body(), at=wall("2026-11-24T08:59"))
    assert meeting.starts_at == moment("2026-11-24T08:59")


def test_a_series_has_an_entry_for_itself_and_one_for_each_occurrence(house: Parliament) -> None:
    body = house.committee()
    with house.units.begin() as unit:
        series, made = book_series(
            unit, house.permission, house.clerk(), booking(body), "FREQ=WEEKLY;COUNT=4"
        )
    assert [each.starts_wall for each in made] == [MORNING + timedelta(weeks=week) for week in range(4)]
    assert {each.series_id for each in made} == {series}
    entries = house.entries()[-5:]
    assert kinds(entries) == ["SeriesBooked", *["MeetingBooked"] * 4]
    assert isinstance(entries[0], SeriesBooked)
    assert (entries[0].occurrences, entries[0].series) == (4, series)
    with house.units.read() as session:
        assert [each.id for each in occurrences_of(session, [series])[series]] == [each.id for each in made]


def test_a_series_without_end_books_nothing(house: Parliament) -> None:
    body = house.body()
    with pytest.raises(RecurrenceRefused), house.units.begin() as unit:
        book_series(unit, house.permission, None, booking(body), "FREQ=WEEKLY")


def test_conflicts_are_named_with_who_which_meeting_and_when(house: Parliament) -> None:
    finances = house.committee()
    justice = house.committee("Commission de la justice")
    house.seat(justice, "membre 0 de Commission des finances")
    house.seat(justice, "président de Commission des finances")
    first = house.book(finances)
    with pytest.raises(Conflicting) as raised, house.units.begin() as unit:
        book(
            unit,
            house.permission,
            house.clerk("Commission de la justice"),
            booking(justice, at=MORNING + timedelta(hours=1)),
        )
    found = {(each.kind, each.name) for each in raised.value.conflicts}
    assert found == {
        ("chair", "président de Commission des finances"),
        ("member", "membre 0 de Commission des finances"),
    }
    assert {each.meeting_id for each in raised.value.conflicts} == {first.id}
    assert "Budget 2027, 2026-12-01 10:00–2026-12-01 12:00 UTC" in str(raised.value)


def test_the_same_body_cannot_sit_twice_but_may_sit_right_after(house: Parliament) -> None:
    body = house.committee()
    house.book(body)
    house.book(body, at=MORNING + timedelta(hours=2), accept_conflicts=False)
    with pytest.raises(Conflicting) as raised:
        house.book(body, at=MORNING + timedelta(hours=1), accept_conflicts=False)
    assert [each.kind for each in raised.value.conflicts] == ["body", "body"]
    assert raised.value.conflicts[0].name == "Commission des finances"


def test_more_members_than_seats_is_a_conflict(house: Parliament) -> None:
    body = house.committee(members=2, capacity=2)
    with pytest.raises(Conflicting) as raised:
        house.book(body, accept_conflicts=False)
    assert [each.kind for each in raised.value.conflicts] == ["capacity"]


def test_a_conflict_does_not_give_away_a_confidential_title(house: Parliament) -> None:
    cabinet = house.committee("Conseil de gouvernement")
    finances = house.committee()
    house.seat(finances, "membre 0 de Conseil de gouvernement")
    house.book(cabinet, title="Révision de l'accord", classification=Classification.CONFIDENTIAL)
    with pytest.raises(Conflicting) as raised:
        house.book(finances, accept_conflicts=False)
    assert {each.title for each in raised.value.conflicts} == {"Conseil de gouvernement"}


def test_accepted_conflicts_are_written_down_for_readers(house: Parliament) -> None:
    body = house.committee()
    house.book(body)
    house.book(body, accept_conflicts=True)
    entry, readable = house.last()
    assert isinstance(entry, MeetingBooked)
    assert readable["conflicts"] == ["body: Commission des finances: Budget 2027"]


def test_cancelled_meetings_are_in_nobodys_way(house: Parliament) -> None:
    body = house.committee()
    meeting = house.book(body)
    with house.units.begin() as unit:
        cancel(unit, house.permission, house.clerk(), LETTERHEAD, meeting.id)
    house.book(body, accept_conflicts=False)


def test_a_preview_shows_conflicts_and_books_nothing(house: Parliament, statements: list[str]) -> None:
    body = house.committee()
    house.book(body, at=MORNING + timedelta(weeks=1))
    before = house.entries()
    statements.clear()
    with house.units.begin() as unit:
        shown = preview(unit, house.permission, house.clerk(), booking(body), "FREQ=WEEKLY;COUNT=3")
    assert len(shown.starts_at) == 3
    assert [each.kind for each in shown.conflicts] == ["body"]
    assert not [statement for statement in statements if statement.startswith("INSERT")]
    assert house.entries() == before


def test_booking_takes_as_many_statements_for_a_year_as_for_a_week(
    house: Parliament, statements: list[str]
) -> None:
    counts = []
    for size in (2, 200):
        name = f"Commission {size}"
        body = house.committee(name)
        for week in range(3):
            house.book(body, at=MORNING + timedelta(weeks=week, hours=5))
        clerk = house.clerk(name)
        statements.clear()
        with house.units.begin() as unit:
            book_series(unit, house.permission, clerk, booking(body), f"FREQ=DAILY;COUNT={size}")
        counts.append(len(statements))
    assert counts[0] == counts[1] < 25
