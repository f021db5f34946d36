"""The control plane goes away: nobody new gets in, those inside stay, and afterwards the log knows all of it."""

import pytest

from control_plane.audit.entries import (
    Admitted,
    GateBack,
    GateUnreachable,
    Joined,
    Left,
    OfOccupant,
    Reported,
)
from control_plane.audit.verify import Sound, verify
from demo.players import ConnectionRefused, NotInTime, TurnedAway
from demo.players import Joined as Inside
from tests.loop.house import House, wait_until

MEMBERS = ("brahim", "chaimae", "driss", "fatima", "ghita", "hamid", "ilham", "jamal", "karima", "larbi")


def test_while_the_control_plane_is_away_nobody_enters_and_those_inside_go_on(each_house: House) -> None:
    house, sitting, plane = each_house, each_house.sitting(), each_house.running.control_plane
    amina, _ = sitting.enter("amina")
    driss, _ = sitting.enter("driss")
    ghita, late = sitting.connect("ghita"), sitting.ticket("hamid")
    gone = sitting.connection_of("driss")
    sitting.wait_for(Joined, count=2)
    mark = house.size()
    plane.stop()
    try:
        turned_away = ghita.join(sitting.room)
        assert isinstance(turned_away, TurnedAway)
        assert "injoignable" in turned_away.text
        assert not isinstance(ghita.join(sitting.room, lobby=True), Inside)
        with pytest.raises(ConnectionRefused) as refused:
            house.connect("hamid", late)
        assert refused.value.condition == "temporary-auth-failure"
        assert "cannot be reached" in refused.value.text
        amina.say(sitting.room, "on continue")
        driss.wait_for("message", text="on continue")
        driss.say(sitting.room, "je sors")
        amina.wait_for("message", text="je sors")
        driss.leave(sitting.room)
        amina.wait_for("gone")
        assert len(house.roster(sitting.room) or []) == 1
    finally:
        plane.start()
    house.wait_for(mark, GateBack)
    told = house.entries(mark, Reported)
    assert [type(entry) for entry in told] == [GateUnreachable, Left, GateBack]
    assert [entry.connection for entry in told if isinstance(entry, OfOccupant)] == [gone]
    assert [entry.seq for entry in told] == list(range(told[0].seq, told[0].seq + 3)), "once, and in order"
    assert [entry.happened for entry in told] == sorted(entry.happened for entry in told)
    assert house.entries(mark, Admitted) == []
    assert isinstance(ghita.join(sitting.room), Inside), "and the next newcomer gets in"
    house.connect("hamid", late)  # Prosody had asked nobody, so the token is still good


def test_a_control_plane_that_dies_among_joins_leaves_nobody_inside_without_an_entry(
    each_house: House,
) -> None:
    house, sitting, plane = each_house, each_house.sitting(), each_house.running.control_plane
    sitting.enter("amina")
    survived = 0
    for in_already in (0, 2):
        mark = house.size()
        clients = [sitting.connect(key) for key in MEMBERS]
        joining = [client.begin_join(sitting.room) for client in clients[:8]]
        outcomes = [join(15) for join in joining[:in_already]]
        plane.kill()
        joining += [client.begin_join(sitting.room) for client in clients[8:]]
        outcomes += [join(15) for join in joining[in_already:]]
        plane.start()
        house.wait_for(mark, GateBack)
        inside = {o["connection"] for o in house.roster(sitting.room) or [] if not o["service"]}
        admitted = {entry.connection for entry in sitting.entries(Admitted)}
        assert inside <= admitted, "nobody is inside whom the log does not admit"
        assert all(isinstance(outcome, Inside | TurnedAway) for outcome in outcomes)
        assert not any(isinstance(outcome, Inside) for outcome in outcomes[8:])
        survived += sum(isinstance(outcome, Inside) for outcome in outcomes)
        print(f"{sum(isinstance(o, Inside) for o in outcomes)} of 10 got in before it died")
        for client in clients:
            client.disconnect()
        wait_until(lambda: len(house.roster(sitting.room) or []) == 1, "the chair alone")
    sitting.wait_for(Left, count=survived)
    assert len(sitting.wait_for(Joined, count=survived + 1)) == survived + 1, "each join is counted once"
    assert isinstance(verify(house.desk.units.engine, house.desk.units.signer.verifier), Sound)


def test_what_the_chair_ordered_while_prosody_was_away_is_delivered_when_it_is_back(house: House) -> None:
    sitting = house.sitting()
    driss, _ = sitting.enter("driss")
    connection = sitting.connection_of("driss")
    prosody = house.running.prosody
    prosody.stop()
    driss.wait_for("disconnected")
    sitting.order(connection, "remove")
    prosody.start()
    again = None
    with pytest.raises(Exception, match="présidence vous a retiré"):
        again = sitting.connect("driss")
    assert again is None
    other, outcome = sitting.enter("ghita")
    assert isinstance(outcome, Inside), "Prosody came back and obeys"
    with pytest.raises(NotInTime):
        other.wait_for("seen", name="Driss Alaoui", timeout=0.3)
