"""The control plane is away, slow or out of its mind: nobody new gets in, those inside stay."""

import time
from typing import Any

import pytest

from demo.players import ConnectionRefused, Joined, TurnedAway
from tests.doubles.fake_control_plane import FakeControlPlane
from tests.prosody.conftest import Cast, Control

ADMIT = {"verdict": "admit", "affiliation": "member", "role": "participant", "name": "n", "seat": "s"}

NO_ADMISSION: list[tuple[int, Any]] = [
    (200, b""),
    (200, b"not json"),
    (200, b"{" * 200),
    (200, b'"admit"'),
    (200, b"null"),
    (200, b"[]"),
    (200, b"x" * 300_000),
    (200, {}),
    (200, {"verdict": "welcome"}),
    (200, {"verdict": True}),
    (200, {"verdict": None}),
    (200, {**ADMIT, "verdict": "Admit"}),
    (200, {**ADMIT, "affiliation": "admin"}),
    (200, {**ADMIT, "affiliation": None}),
    (200, {**ADMIT, "role": "king"}),
    (200, {**ADMIT, "role": ["moderator"]}),
    (200, {"verdict": "refuse"}),
    (200, {"verdict": "refuse", "reason": 5}),
    (200, {"verdict": "refuse", "reason": "bad\u0001text"}),
    (200, b'{"verdict": "refuse", "reason": "\xff\xfe"}'),
    (201, ADMIT),
    (204, b""),
    (302, ADMIT),
    (401, ADMIT),
    (403, ADMIT),
    (500, ADMIT),
    (503, b"<html>"),
]


@pytest.mark.parametrize("answer", NO_ADMISSION, ids=[str(number) for number in range(len(NO_ADMISSION))])
def test_an_answer_that_is_not_in_the_contract_is_a_refusal(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str, answer: tuple[int, Any]
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    amina = cast("amina")
    amina.join(room)
    karim = cast("karim")
    plane.spoiled = lambda path: answer if path == "/gate/join" else None
    outcome = karim.join(room)
    assert isinstance(outcome, TurnedAway)
    assert outcome.condition == "forbidden"
    assert len(control.roster(room)) == 1
    amina.say(room, "still here")
    amina.wait_for("message", text="still here")


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"garbage"),
        (200, {}),
        (200, {"connection": "c", "username": "u"}),
        (200, {"connection": 5, "username": "u", "session": {}}),
        (200, {"connection": "c", "username": None, "session": {}}),
        (200, {"connection": "c", "username": "a b/c@d", "session": {}}),
        (404, {"connection": "c", "username": "u", "session": {}}),
        (500, {"connection": "c", "username": "u", "session": {}}),
        (403, {"reason": 5}),
    ],
)
def test_nobody_connects_on_an_answer_that_is_not_in_the_contract(
    plane: FakeControlPlane, cast: Cast, room: str, answer: tuple[int, Any]
) -> None:
    plane.know("amina")
    plane.spoiled = lambda path: answer if path == "/gate/connect" else None
    with pytest.raises(ConnectionRefused):
        cast("amina")


@pytest.mark.parametrize(
    "answer", [(200, b"garbage"), (500, {"lobby": True}), (404, {}), (403, {"reason": 5})]
)
def test_no_room_is_made_on_an_answer_that_is_not_in_the_contract(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str, answer: tuple[int, Any]
) -> None:
    plane.admit("amina", room)
    plane.spoiled = lambda path: answer if path == "/gate/room" else None
    assert isinstance(cast("amina").join(room), TurnedAway)
    assert control("roster", room=room)[0] == 404


def test_a_control_plane_that_is_too_slow_is_a_refusal(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    cast("amina").join(room)
    karim = cast("karim")
    began = time.monotonic()
    with plane.holding("/gate/join"):
        outcome = karim.join(room)
    assert isinstance(outcome, TurnedAway)
    assert "injoignable" in outcome.text
    assert 1.4 < time.monotonic() - began < 3
    assert isinstance(karim.join(room), Joined), "and the next answer in time counts again"
    assert len(control.roster(room)) == 2


def test_while_the_control_plane_is_away_nobody_enters_and_those_inside_stay(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    plane.admit("selma", room)
    amina, karim = cast("amina"), cast("karim")
    amina.join(room)
    plane.wait_until(lambda plane: plane.kinds(room) == ["room_created", "joined"])
    plane.stop()
    try:
        refused = karim.join(room)
        assert isinstance(refused, TurnedAway)
        assert "cannot be reached" in refused.text
        with pytest.raises(ConnectionRefused) as unknown:
            cast("selma")
        assert unknown.value.condition == "temporary-auth-failure"
        amina.say(room, "we go on")
        amina.wait_for("message", text="we go on")
        assert control("mute", room=room, connection="nobody", media="audio")[0] == 404
        amina.leave(room)
        amina.wait_for("left")
    finally:
        plane.start()
    plane.wait_until(lambda plane: plane.kinds(room) == ["room_created", "joined", "left", "room_destroyed"])
    plane.wait_until(lambda plane: plane.events[-1]["kind"] == "gate_back")
    kinds = [event["kind"] for event in plane.events]
    away, back = max(i for i, k in enumerate(kinds) if k == "gate_unreachable"), kinds[-1]
    assert away < len(kinds) - 2
    assert back == "gate_back"
    assert isinstance(karim.join(room), Joined)
