"""The course of a sitting: who may take which step, and what it does to the guests inside."""

from collections.abc import Callable

import pytest

from control_plane.audit.entries import Decided, SentBack
from control_plane.meetings.service import (
    GuestDetails,
    GuestNotExpected,
    GuestView,
    MeetingView,
    NoSuchGuest,
    NoSuchMeeting,
    NotInState,
    back_in_public,
    cancel,
    close,
    convene,
    guests,
    invite_guest,
    let_in,
    meetings,
    move_in_camera,
    open_meeting,
    remove_guest,
    send_back,
    use_link,
)
from control_plane.permission import Actor, NotPermitted
from control_plane.policy import GuestKind, State
from control_plane.unit import Unit
from tests.meetings.conftest import LETTERHEAD, Parliament, kinds, moment, wall

Step = Callable[[Unit, Parliament, Actor | None, str], object]
STEPS: dict[str, Step] = {
    "convene": lambda u, h, by, m: convene(u, h.permission, by, LETTERHEAD, m, reason="urgent"),
    "open": lambda u, h, by, m: open_meeting(u, h.permission, by, m),
    "in_camera": lambda u, h, by, m: move_in_camera(u, h.permission, by, m),
    "public": lambda u, h, by, m: back_in_public(u, h.permission, by, m),
    "close": lambda u, h, by, m: close(u, h.permission, by, m),
    "cancel": lambda u, h, by, m: cancel(u, h.permission, by, LETTERHEAD, m),
}
ALLOWED = {
    State.draft: {"convene", "cancel"},
    State.convened: {"open", "cancel"},
    State.open: {"in_camera", "close"},
    State.in_camera: {"public", "close"},
    State.closed: set(),
    State.cancelled: set(),
}
WAY = {
    State.draft: [],
    State.convened: ["convene"],
    State.open: ["convene", "open"],
    State.in_camera: ["convene", "open", "in_camera"],
    State.closed: ["convene", "open", "close"],
    State.cancelled: ["cancel"],
}
NOW = wall("2026-11-24T09:00")


def _in_state(house: Parliament, state: State) -> MeetingView:
    meeting = house.book(house.committee(), at=NOW)
    for name in WAY[state]:
        with house.units.begin() as unit:
            STEPS[name](unit, house, None, meeting.id)
    with house.units.read() as session:
        return meetings(session, [meeting.id])[meeting.id]


def test_the_table_of_steps_is_whole() -> None:
    assert set(ALLOWED) == set(WAY) == set(State)
    assert set().union(*ALLOWED.values()) == set(STEPS)


@pytest.mark.parametrize("state", State)
def test_every_step_out_of_turn_is_refused_and_changes_nothing(house: Parliament, state: State) -> None:
    meeting = _in_state(house, state)
    assert meeting.state is state
    before = house.entries()
    for name in set(STEPS) - ALLOWED[state]:
        with pytest.raises(NotInState, match=f"the meeting is {state.value}"), house.units.begin() as unit:
            STEPS[name](unit, house, None, meeting.id)
    assert house.entries() == before


def test_the_chair_takes_the_sitting_through_its_course_and_each_step_is_recorded(house: Parliament) -> None:
    meeting = house.convened(house.committee(), at=NOW)
    for name in ("open", "in_camera", "public", "in_camera", "close"):
        with house.units.begin() as unit:
            STEPS[name](unit, house, house.chair(), meeting.id)
    entries = house.entries()[-5:]
    assert kinds(entries) == [
        "MeetingOpened",
        "MovedInCamera",
        "BackInPublic",
        "MovedInCamera",
        "MeetingClosed",
    ]
    assert {entry.by for entry in entries} == {house.chair().pseudonym}
    assert all(isinstance(entry, Decided) and entry.policies for entry in entries)


@pytest.mark.parametrize("name", ["open", "in_camera", "public", "close"])
@pytest.mark.parametrize(
    "who", ["membre 0 de Commission des finances", "greffier de Commission des finances"]
)
def test_nobody_but_the_chair_runs_the_sitting(house: Parliament, name: str, who: str) -> None:
    state = next(state for state, steps in ALLOWED.items() if name in steps)
    meeting = _in_state(house, state)
    with pytest.raises(NotPermitted), house.units.begin() as unit:
        STEPS[name](unit, house, house.actor(who), meeting.id)
    with house.units.read() as session:
        assert meetings(session, [meeting.id])[meeting.id].state is state
    assert kinds(house.entries())[-1] == "ActionRefused"


def test_what_does_not_exist_takes_no_step(house: Parliament) -> None:
    for step in STEPS.values():
        with pytest.raises(NoSuchMeeting), house.units.begin() as unit:
            step(unit, house, None, "nothing")
    for act in (let_in, send_back, remove_guest):
        with pytest.raises(NoSuchGuest), house.units.begin() as unit:
            act(unit, house.permission, None, "nobody")


def _witness(house: Parliament, meeting: MeetingView, *, arrived: bool = True) -> str:
    with house.units.begin() as unit:
        details = GuestDetails(GuestKind.witness, "Ali Mernissi")
        invitation = invite_guest(unit, house.permission, None, LETTERHEAD, meeting.id, details)
    if arrived:
        with house.units.begin() as unit:
            use_link(unit, invitation.token or "")
    return invitation.guest.id


def _act(house: Parliament, act: Callable[..., GuestView], guest: str, by: Actor | None = None) -> GuestView:
    with house.units.begin() as unit:
        return act(unit, house.permission, by or house.chair(), guest)


def _guest(house: Parliament, guest: str) -> GuestView:
    with house.units.read() as session:
        return guests(session, [guest])[guest]


def test_in_camera_sends_the_guests_out_by_the_same_change_and_not_the_others(house: Parliament) -> None:
    meeting = house.opened(house.committee(), at=NOW)
    inside, waiting = _witness(house, meeting), _witness(house, meeting)
    assert _act(house, let_in, inside).admitted
    with house.units.begin() as unit:
        in_camera = move_in_camera(unit, house.permission, house.chair(), meeting.id)
    assert [guest.id for guest in in_camera.moved_out] == [inside]
    moved, sent = house.entries()[-2:]
    assert kinds([moved, sent]) == ["MovedInCamera", "SentBack"]
    assert isinstance(sent, SentBack)
    assert (sent.why, sent.on) == ("in_camera", _guest(house, inside).pseudonym)
    assert not _guest(house, inside).admitted
    with pytest.raises(NotInState), house.units.begin() as unit:
        let_in(unit, house.permission, house.chair(), waiting)
    with house.units.begin() as unit:
        back_in_public(unit, house.permission, house.chair(), meeting.id)
    assert not _guest(house, inside).admitted  # to be let in again, by somebody who answers for it


def test_a_guest_is_let_in_sent_back_and_removed(house: Parliament) -> None:
    meeting = house.opened(house.committee(), at=NOW)
    guest = _witness(house, meeting)
    assert _act(house, let_in, guest).admitted
    assert _act(house, let_in, guest).admitted
    assert not _act(house, send_back, guest).admitted
    removed = _act(house, remove_guest, guest)
    assert (removed.admitted, removed.removed) == (False, True)
    assert kinds(house.entries())[-3:] == ["LetIn", "SentBack", "Removed"]
    assert {entry.on for entry in house.entries()[-3:]} == {removed.pseudonym}
    with pytest.raises(GuestNotExpected):
        _act(house, let_in, guest)


def test_who_never_used_their_link_is_not_let_in(house: Parliament) -> None:
    meeting = house.opened(house.committee(), at=NOW)
    guest = _witness(house, meeting, arrived=False)
    with pytest.raises(GuestNotExpected):
        _act(house, let_in, guest)


@pytest.mark.parametrize("act", [let_in, send_back, remove_guest])
def test_a_member_does_not_moderate(house: Parliament, act: Callable[..., GuestView]) -> None:
    meeting = house.opened(house.committee(), at=NOW)
    guest = _witness(house, meeting)
    with pytest.raises(NotPermitted):
        _act(house, act, guest, house.actor("membre 0 de Commission des finances"))
    assert not _guest(house, guest).removed


def test_the_moments_of_a_sitting_are_kept(house: Parliament) -> None:
    meeting = house.opened(house.committee(), at=NOW)
    assert meeting.starts_at == moment("2026-11-24T09:00")
    assert meeting.version == 3
