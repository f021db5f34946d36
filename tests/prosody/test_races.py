"""While the gate waits for an answer the world moves: the answer is worth what it was asked about."""

import threading
import time
from typing import Any

import pytest

from demo.players import Joined, NotInTime, TurnedAway
from tests.doubles.fake_control_plane import FakeControlPlane
from tests.prosody.conftest import Cast, Control


def wait_for_question(plane: FakeControlPlane, path: str, room: str, count: int = 1) -> None:
    plane.wait_until(lambda plane: len(plane.asked(path, room=room)) >= count)


def test_a_session_that_goes_during_the_wait_does_not_enter(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    amina, karim = cast("amina"), cast("karim")
    amina.join(room)
    with plane.holding("/gate/join"):
        outcome = karim.begin_join(room)
        wait_for_question(plane, "/gate/join", room, 2)
        [question] = [q for q in plane.asked("/gate/join", room=room) if q.body["jid"] == karim.jid]
        assert control("disconnect", connection=question.body["connection"], reason="bye")[0] == 200
        karim.wait_for("disconnected")
    with pytest.raises(NotInTime):
        outcome(0.3)
    assert len(control.roster(room)) == 1
    assert amina.happened("seen") == []


def test_a_client_that_dies_during_the_wait_leaves_nobody_behind(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("karim", room)
    karim = cast("karim")
    with plane.holding("/gate/join"):
        karim.begin_join(room)
        wait_for_question(plane, "/gate/join", room)
        karim.drop()
    plane.wait_until(lambda _: control("roster", room=room)[0] == 404)


def test_a_room_locked_during_the_wait_stays_locked(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    cast("amina").join(room)
    with plane.holding("/gate/join"):
        outcome = cast("karim").begin_join(room)
        wait_for_question(plane, "/gate/join", room, 2)
        control("lock", room=room, locked=True)
    refused = outcome(5)
    assert isinstance(refused, TurnedAway)
    assert "verrouillée" in refused.text
    assert len(control.roster(room)) == 1


def test_a_room_that_ends_during_the_wait_is_not_entered(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    cast("amina").join(room)
    with plane.holding("/gate/join"):
        outcome = cast("karim").begin_join(room)
        wait_for_question(plane, "/gate/join", room, 2)
        control("end", room=room, reason="closed")
    assert isinstance(outcome(5), TurnedAway)
    assert control("roster", room=room)[0] == 404


@pytest.mark.parametrize("order", ["remove", "lobby"])
def test_a_decision_taken_during_the_wait_is_asked_about_again(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str, order: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    cast("amina").join(room)
    stale = plane.verdicts["karim", room]
    answered = threading.Event()

    def spoil(path: str) -> tuple[int, Any] | None:
        """Give the verdict from before the sitting went in camera, once."""
        if path == "/gate/join" and not answered.is_set():
            answered.set()
            return 200, stale
        return None

    with plane.holding("/gate/join"):
        outcome = cast("karim").begin_join(room)
        wait_for_question(plane, "/gate/join", room, 2)
        plane.refuse("karim", room, "In camera")
        plane.spoiled = spoil
        control(order, room=room, connection="somebody who is not in yet", reason="In camera")
    assert outcome(5) == TurnedAway("forbidden", "In camera")
    assert len(plane.asked("/gate/join", room=room)) == 3


def test_a_room_that_keeps_changing_is_asked_about_twice_at_most(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    cast("amina").join(room)

    def disturb(path: str) -> None:
        if path == "/gate/join":
            control("lobby", room=room, connection="somebody else")

    plane.spoiled = disturb
    refused = cast("karim").join(room)
    assert isinstance(refused, TurnedAway)
    assert "réessayez" in refused.text
    assert len(plane.asked("/gate/join", room=room)) == 3


def test_two_who_want_the_same_address_do_not_share_it(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    amina, karim = cast("amina"), cast("karim")
    with plane.holding("/gate/join"):
        outcomes = [amina.begin_join(room, nick="same"), karim.begin_join(room, nick="same")]
        wait_for_question(plane, "/gate/join", room, 2)
    kinds = sorted(type(outcome(5)).__name__ for outcome in outcomes)
    assert kinds == ["Joined", "TurnedAway"]
    assert len(control.roster(room)) == 1


def test_those_who_come_at_once_to_a_room_that_is_not_there_meet_in_one(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    amina, karim = cast("amina"), cast("karim")
    with plane.holding("/gate/room"):
        outcomes = [amina.begin_join(room, nick="a1"), karim.begin_join(room, nick="k1")]
        wait_for_question(plane, "/gate/room", room, 2)
    assert all(isinstance(outcome(5), Joined) for outcome in outcomes)
    assert len(control.roster(room)) == 2
    amina.wait_for("seen", nick="k1")
    karim.wait_for("seen", nick="a1")


def test_the_creator_does_not_own_the_room(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("karim", room)
    cast("karim").join(room)
    assert [(o["role"], o["affiliation"]) for o in control.roster(room)] == [("participant", "member")]


def test_the_room_outlives_its_last_occupant_for_whoever_is_being_asked_about(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    amina = cast("amina")
    amina.join(room)
    with plane.holding("/gate/join"):
        outcome = cast("karim").begin_join(room)
        wait_for_question(plane, "/gate/join", room, 2)
        amina.leave(room)
        amina.wait_for("left")
    assert isinstance(outcome(5), Joined)
    assert len(control.roster(room)) == 1


def test_sixty_people_enter_at_once_through_a_slow_gate(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    tokens = [f"member{number}" for number in range(60)]
    for token in tokens:
        plane.admit(token, room)
    plane.delay = 0.2
    began = time.monotonic()
    connecting = [cast.stage.begin_connect(token, token=token) for token in tokens]
    members = [connected(15) for connected in connecting]
    cast.entered.extend(members)
    outcomes = [member.begin_join(room) for member in members]
    assert all(isinstance(outcome(15), Joined) for outcome in outcomes)
    assert time.monotonic() - began < 10
    assert len(control.roster(room)) == 60
