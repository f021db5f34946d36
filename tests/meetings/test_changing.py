"""Changing a meeting: nobody's change is lost, nobody declassifies what they may not edit, all are told."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from control_plane.audit.entries import ActionRefused, MeetingCancelled, MeetingChanged
from control_plane.meetings.service import (
    Changes,
    Conflicting,
    EditedMeanwhile,
    GuestDetails,
    Item,
    LinkWorthNothing,
    MeetingView,
    NotAnOccurrence,
    NoticeTooShort,
    NotInState,
    agenda_of,
    cancel,
    cancel_occurrence,
    change,
    close,
    invite_guest,
    meetings,
    move_occurrence,
    use_link,
)
from control_plane.permission import Actor, NotPermitted
from control_plane.policy import Classification, GuestKind, SignIn, State, Strength
from tests.meetings.conftest import LETTERHEAD, MORNING, Parliament, moment
from tests.meetings.letters import calendar_in

LATER = MORNING + timedelta(days=1)


def _change(
    house: Parliament,
    meeting: MeetingView,
    changes: Changes,
    by: Actor | None = None,
    reason: str = "",
    accept_conflicts: bool = False,
) -> MeetingView:
    with house.units.begin() as unit:
        return change(
            unit,
            house.permission,
            by,
            LETTERHEAD,
            meeting.id,
            meeting.version,
            changes,
            reason=reason,
            accept_conflicts=accept_conflicts,
        )


def _read(house: Parliament, meeting: MeetingView) -> MeetingView:
    with house.units.read() as session:
        return meetings(session, [meeting.id])[meeting.id]


def test_a_change_has_its_entry_and_raises_the_version(house: Parliament) -> None:
    meeting = house.book(house.committee())
    changed = _change(
        house,
        meeting,
        Changes(title="Budget 2028", starts_wall=LATER, ends_wall=LATER + timedelta(hours=1)),
        house.clerk(),
    )
    assert (changed.title, changed.version) == ("Budget 2028", 2)
    assert changed.starts_at == moment("2026-12-02T10:00")
    entry, readable = house.last()
    assert isinstance(entry, MeetingChanged)
    assert (entry.fields, entry.version, entry.by) == (
        ("ends", "starts", "title"),
        2,
        house.clerk().pseudonym,
    )
    assert readable == {"title": "Budget 2028"}


def test_changing_nothing_changes_nothing(house: Parliament) -> None:
    meeting = house.book(house.committee(), agenda=[Item("Audition")])
    before = house.entries()
    same = Changes(title="Budget 2027", starts_wall=MORNING, agenda=[Item("Audition")])
    assert _change(house, meeting, same).version == 1
    assert house.entries() == before


def test_the_second_of_two_editors_is_told_who_changed_what(house: Parliament) -> None:
    meeting = house.book(house.committee())
    _change(house, meeting, Changes(title="Budget rectifié"), house.clerk())
    _change(house, _read(house, meeting), Changes(agenda=[Item("Vote")]), house.chair())
    with pytest.raises(EditedMeanwhile) as raised:
        _change(house, meeting, Changes(title="Budget initial"), house.chair())
    assert raised.value.current.version == 3
    assert raised.value.current.title == "Budget rectifié"
    assert [(each.version, each.who, each.fields) for each in raised.value.edits] == [
        (2, "greffier de Commission des finances", ("title",)),
        (3, "président de Commission des finances", ("agenda",)),
    ]
    assert _read(house, meeting).title == "Budget rectifié"


def test_of_editors_at_once_exactly_one_wins(house: Parliament) -> None:
    meeting = house.book(house.committee())
    outcomes: list[str] = []
    together = threading.Barrier(6)

    def edit(number: int) -> None:
        together.wait()
        try:
            _change(house, meeting, Changes(title=f"Titre {number}"))
        except EditedMeanwhile:
            outcomes.append("meanwhile")
        else:
            outcomes.append(f"Titre {number}")

    threads = [threading.Thread(target=edit, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if outcome != "meanwhile"]
    assert len(outcomes) == 6
    assert len(winners) == 1
    assert _read(house, meeting).title == winners[0]
    assert _read(house, meeting).version == 2


def test_a_secret_meeting_is_not_declassified_by_a_sign_in_too_weak_to_edit_it(house: Parliament) -> None:
    meeting = house.book(house.committee(), classification=Classification.SECRET)
    weak = SignIn(Strength.PASSWORD, certificate=False, zone="government")
    clerk = house.actor("greffier de Commission des finances", weak)
    with pytest.raises(NotPermitted):
        _change(house, meeting, Changes(classification=Classification.PUBLIC), clerk)
    assert _read(house, meeting).classification is Classification.SECRET
    assert isinstance(house.last()[0], ActionRefused)


def test_a_meeting_does_not_climb_above_its_body(house: Parliament) -> None:
    meeting = house.book(house.committee(highest=Classification.RESTRICTED))
    with pytest.raises(NotPermitted):
        _change(house, meeting, Changes(classification=Classification.SECRET), house.clerk())
    assert _read(house, meeting).classification is Classification.PUBLIC


def test_moving_into_a_conflict_is_refused_and_named(house: Parliament) -> None:
    body = house.committee()
    meeting = house.book(body)
    house.book(body, at=LATER, title="Autre")
    to = Changes(starts_wall=LATER, ends_wall=LATER + timedelta(hours=1))
    with pytest.raises(Conflicting, match="Autre"):
        _change(house, meeting, to)
    assert _change(house, meeting, to, accept_conflicts=True).starts_wall == LATER


def test_moving_a_convened_meeting_needs_notice_again_and_tells_everybody(house: Parliament) -> None:
    meeting = house.convened(house.committee(members=1))
    soon = moment("2026-11-25T10:00").replace(tzinfo=None)
    to = Changes(starts_wall=soon, ends_wall=soon + timedelta(hours=1))
    with pytest.raises(NoticeTooShort):
        _change(house, meeting, to)
    _change(house, meeting, to, reason="crue du Sebou")
    assert house.last()[1] == {"title": "Budget 2027", "reason": "crue du Sebou"}
    mails = house.mails()
    assert len(mails) == 6  # chair, clerk and member, twice
    by_address: dict[str, list[Any]] = {}
    for mail in mails:
        (event,) = calendar_in(mail.message).events
        by_address.setdefault(mail.address, []).append(event)
    for events in by_address.values():
        first, second = sorted(events, key=lambda event: int(str(event["SEQUENCE"])))
        assert (first["SEQUENCE"], second["SEQUENCE"]) == (0, 1)
        assert first["UID"] == second["UID"]
        assert second.decoded("DTSTART").replace(tzinfo=None) == soon


def test_changing_the_agenda_of_a_convened_meeting_sends_no_mail(house: Parliament) -> None:
    meeting = house.convened(house.committee())
    before = len(house.mails())
    changed = _change(house, meeting, Changes(agenda=[Item("Vote", public=False)]))
    assert len(house.mails()) == before
    with house.units.read() as session:
        assert agenda_of(session, [changed.id])[changed.id][0].public is False


@pytest.mark.parametrize("over", ["open", "closed", "cancelled"])
def test_a_meeting_that_has_begun_or_is_over_is_not_changed(house: Parliament, over: str) -> None:
    body = house.committee()
    meeting = house.opened(body) if over != "cancelled" else house.book(body)
    with house.units.begin() as unit:
        if over == "closed":
            close(unit, house.permission, None, meeting.id)
        if over == "cancelled":
            cancel(unit, house.permission, None, LETTERHEAD, meeting.id)
    with pytest.raises(NotInState, match=f"the meeting is {over}; this needs it to be convened or draft"):
        _change(house, _read(house, meeting), Changes(title="Autre"))


def test_cancelling_a_convened_meeting_tells_everybody_who_was_told(house: Parliament) -> None:
    meeting = house.convened(house.committee(members=1))
    with house.units.begin() as unit:
        cancelled = cancel(
            unit, house.permission, house.clerk(), LETTERHEAD, meeting.id, reason="deuil national"
        )
    assert cancelled.state is State.cancelled
    entry, readable = house.last()
    assert isinstance(entry, MeetingCancelled)
    assert readable["reason"] == "deuil national"
    calendars = [calendar_in(mail.message) for mail in house.mails()]
    assert sorted(str(each["METHOD"]) for each in calendars) == ["CANCEL"] * 3 + ["REQUEST"] * 3
    for each in calendars:
        if each["METHOD"] == "CANCEL":
            assert each.events[0]["STATUS"] == "CANCELLED"
            assert each.events[0]["SEQUENCE"] == 1


def test_cancelling_a_draft_writes_to_nobody(house: Parliament) -> None:
    meeting = house.book(house.committee())
    with house.units.begin() as unit:
        cancel(unit, house.permission, house.clerk(), LETTERHEAD, meeting.id)
    assert house.mails() == []


def test_a_guests_link_follows_the_meeting_that_moves(house: Parliament) -> None:
    meeting = house.convened(house.committee())
    with house.units.begin() as unit:
        invitation = invite_guest(
            unit, house.permission, None, LETTERHEAD, meeting.id, GuestDetails(GuestKind.witness, "Ali")
        )
    to = Changes(starts_wall=MORNING - timedelta(days=3), ends_wall=MORNING - timedelta(days=3, hours=-1))
    _change(house, meeting, to)
    house.clock.now = moment("2026-11-29T10:00")
    with pytest.raises(LinkWorthNothing), house.units.begin() as unit:
        use_link(unit, invitation.token or "")


def test_only_an_occurrence_is_moved_or_cancelled_as_one(house: Parliament) -> None:
    meeting = house.book(house.committee())
    with pytest.raises(NotAnOccurrence), house.units.begin() as unit:
        move_occurrence(
            unit, house.permission, None, LETTERHEAD, meeting.id, 1, LATER, LATER + timedelta(hours=1)
        )
    with pytest.raises(NotAnOccurrence), house.units.begin() as unit:
        cancel_occurrence(unit, house.permission, None, LETTERHEAD, meeting.id)
