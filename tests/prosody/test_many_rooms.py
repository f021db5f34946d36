"""Prosody puts rooms aside when it has too many: what comes back is guarded as before."""

from demo.players import Joined, TurnedAway
from tests.doubles.fake_control_plane import FakeControlPlane
from tests.prosody.conftest import Cast, Control

SETTINGS = "muc_room_cache_size = 1"


def test_a_lobby_that_was_put_aside_still_keeps_those_who_wait_apart(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    for guest in ("first", "second", "elsewhere"):
        plane.send_to_lobby(guest, room)
        plane.send_to_lobby(guest, f"{room}-b")
    first, second, elsewhere = cast("first"), cast("second"), cast("elsewhere")
    assert isinstance(first.join(room, nick="f1", lobby=True), Joined)
    assert isinstance(elsewhere.join(f"{room}-b", lobby=True), Joined)
    assert isinstance(second.join(room, nick="s1", lobby=True), Joined)
    second.say(room, "anybody?", lobby=True)
    second.wait_for("message", text="anybody?")
    assert first.happened("seen") + first.happened("message") + second.happened("seen") == []


def test_a_locked_room_that_was_put_aside_is_still_locked(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    for token in ("amina", "karim", "selma"):
        plane.admit(token, room)
        plane.admit(token, f"{room}-b")
    assert isinstance(cast("amina").join(room), Joined)
    assert control("lock", room=room, locked=True)[0] == 200
    assert isinstance(cast("karim").join(f"{room}-b"), Joined)
    assert isinstance(cast("selma").join(room), TurnedAway)
    assert len(control.roster(room)) == 1
