"""Questions under way are bounded, connections to the control plane are kept."""

import pytest

from demo.players import ConnectionRefused, Joined, TurnedAway
from tests.doubles.fake_control_plane import FakeControlPlane
from tests.prosody.conftest import Cast

SETTINGS = """
majlis_joins_under_way = 1
majlis_connects_under_way = 1
"""


def test_beyond_the_bound_a_join_is_refused_and_not_queued(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    for token in ("amina", "karim", "selma"):
        plane.admit(token, room)
    amina, karim, selma = cast("amina"), cast("karim"), cast("selma")
    amina.join(room)
    with plane.holding("/gate/join"):
        waiting = karim.begin_join(room)
        plane.wait_until(lambda plane: len(plane.asked("/gate/join", room=room)) == 2)
        assert isinstance(selma.join(room), TurnedAway)
    assert isinstance(waiting(5), Joined)
    assert isinstance(selma.join(room), Joined), "a place became free"


def test_beyond_the_bound_a_connection_is_refused(plane: FakeControlPlane, cast: Cast, room: str) -> None:
    plane.know("first", "second")
    with plane.holding("/gate/connect"):
        waiting = cast.stage.begin_connect("first", token="first")
        plane.wait_until(lambda plane: len(plane.asked("/gate/connect", token="first")) == 1)
        with pytest.raises(ConnectionRefused) as refused:
            cast("second")
        assert refused.value.condition == "temporary-auth-failure"
    cast.entered.append(waiting(5))


def test_connections_to_the_control_plane_are_kept(plane: FakeControlPlane, cast: Cast, room: str) -> None:
    plane.admit("amina", room)
    before = plane.connections
    amina = cast("amina")
    for _ in range(20):
        assert isinstance(amina.join(room), Joined)
        amina.leave(room)
        amina.wait_for("left")
    assert len(plane.asked("/gate/join", room=room)) == 20
    assert plane.connections - before <= 4, "one for each module, not one for each question"


def test_a_kept_connection_that_died_unnoticed_costs_nobody_their_place(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    plane.admit("amina", room)
    amina = cast("amina")
    amina.join(room)
    amina.leave(room)
    plane.wait_until(lambda plane: plane.kinds(room)[-1:] == ["room_destroyed"])
    plane.hangs_up = 1
    assert isinstance(amina.join(room), Joined)


def test_a_control_plane_that_hangs_up_again_and_again_is_a_refusal(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    plane.admit("amina", room)
    amina = cast("amina")
    plane.hangs_up = 2
    assert isinstance(amina.join(room), TurnedAway)
    plane.hangs_up = 0
    assert isinstance(amina.join(room), Joined)
