"""Joins that are under way while the chair changes the sitting: the newer decision holds."""

import threading
import time

import pytest

from control_plane.audit.entries import Admitted, Refused, RoomLocked
from demo.people import Refused as NotServed
from demo.players import Joined as Inside
from demo.players import TurnedAway
from tests.loop.house import House, wait_until
from tests.loop.test_moderation import let_in, seat

OFFSETS = (0.0, 0.002, 0.005, 0.01, 0.02, 0.04)  # seconds between the click and the knock


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_guest_whose_join_is_under_way_is_not_inside_in_camera(house: House, offset: float) -> None:
    sitting = house.sitting()
    seat(sitting, "amina")
    guest, connection = sitting.wait_in_lobby(sitting.guest())
    let_in(sitting, guest, connection)
    room = sitting.room
    guest.leave(room)
    guest.wait_for("left", lobby=False)
    chair = threading.Thread(target=sitting.run, args=("in-camera",))
    chair.start()
    time.sleep(offset)
    guest.join(room)
    chair.join()
    inside = [o for o in house.roster(room) or [] if o["connection"] == connection and o["where"] == "room"]
    assert inside == [], "once the chair's page says that the sitting is in camera"


def test_of_two_who_knock_while_the_chair_closes_nobody_is_left_inside(each_house: House) -> None:
    sitting = each_house.sitting()
    seat(sitting, "amina")
    clients = [sitting.connect(key) for key in ("driss", "ghita", "hamid", "ilham")]
    room = sitting.room
    joining = [client.begin_join(room) for client in clients]
    sitting.run("close")
    for join in joining:
        join(15)
    wait_until(lambda: each_house.roster(room) is None, "an end of the conference")
    assert all(isinstance(client.join(room), TurnedAway) for client in clients)


def test_a_locked_conference_lets_nobody_new_in_but_its_chair(each_house: House) -> None:
    sitting = each_house.sitting()
    amina, _ = seat(sitting, "amina")
    seat(sitting, "driss")
    ghita = sitting.connect("ghita")
    chair = each_house.person("amina")
    chair.ask("PUT", f"/api/meetings/{sitting.id}/lock", {"locked": True})
    outcome = ghita.join(sitting.room)
    assert isinstance(outcome, TurnedAway)
    assert outcome.text == "La présidence a verrouillé la séance : plus personne n’entre."
    amina.disconnect()
    _, back = sitting.enter("amina")
    assert isinstance(back, Inside), "a chair whose machine crashed comes back"
    with pytest.raises(NotServed) as refused:
        each_house.person("driss").ask("PUT", f"/api/meetings/{sitting.id}/lock", {"locked": False})
    assert refused.value.status == 403
    chair.ask("PUT", f"/api/meetings/{sitting.id}/lock", {"locked": False})
    assert isinstance(ghita.join(sitting.room), Inside)
    assert [entry.locked for entry in sitting.entries(RoomLocked)] == [True, False]
    assert [entry.why for entry in sitting.entries(Refused)] == ["room_locked"]
    assert len(sitting.entries(Admitted)) == 4
