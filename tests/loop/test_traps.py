"""What goes wrong with Jitsi as it comes, trap by trap, and does not go wrong here."""

import secrets
from datetime import timedelta
from typing import Any

import httpx
import pytest

from control_plane.audit.entries import (
    Admitted,
    ConnectionAccepted,
    KeyRetired,
    LobbyEntered,
    Refused,
    ReservationAnswered,
    RoomCreated,
    RoomDestroyed,
    RoomRefused,
    SentToLobby,
)
from control_plane.audit.entries import ConnectionRefused as RefusedEntry
from demo.people import Refused as NotServed
from demo.players import ConnectionRefused, Joined, TurnedAway, Waiting
from demo.prosody import NODE
from tests.loop.house import House, Sitting, leaks
from tests.rooms.forging import Forge


def reserve(house: House, room: str, secret: str | None = None) -> httpx.Response:
    """Ask as upstream's mod_reservations does: form-encoded, the owner a random address."""
    bearer = house.running.settings["gate_secret"] if secret is None else secret
    return httpx.post(
        f"{house.running.url}/reservations/conference",
        data={
            "name": room,
            "start_time": "2026-11-24T09:00:00.000Z",
            "mail_owner": f"{secrets.token_hex(8)}@meet.majlis.test/{secrets.token_hex(4)}",
        },
        headers={"Authorization": f"Bearer {bearer}", "X-Majlis-Node": NODE},
        trust_env=False,
    )


def test_trap_2_focus_can_not_make_a_conference_that_nobody_booked(house: House) -> None:
    mark = house.size()
    focus = house.focus()
    room = secrets.token_hex(20)
    outcome = focus.join(room, nick="focus")
    assert isinstance(outcome, TurnedAway)
    assert outcome.condition == "not-allowed"
    [entry] = house.wait_for(mark, RoomRefused)
    assert (entry.why, entry.node) == ("room_unknown", "node-1")
    assert house.roster(room) is None
    focus.disconnect()


def test_trap_2_focus_can_not_make_the_conference_of_a_closed_meeting(sitting: Sitting) -> None:
    sitting.ticket("amina")
    sitting.run("close")
    focus = sitting.house.focus()
    assert isinstance(focus.join(sitting.room, nick="focus"), TurnedAway)
    assert [entry.why for entry in sitting.wait_for(RoomRefused)] == ["room_closed"]
    assert sitting.entries(RoomCreated) == []
    focus.disconnect()


def test_trap_2_a_conference_that_focus_made_admits_nobody_without_a_seat(each_house: House) -> None:
    sitting, elsewhere = each_house.sitting(), each_house.sitting()
    sitting.ticket("amina")
    focus = each_house.focus()
    assert isinstance(focus.join(sitting.room, nick="focus"), Joined)
    stranger = elsewhere.connect("driss")  # with a good token, of another meeting
    assert isinstance(stranger.join(sitting.room), TurnedAway)
    with pytest.raises(NotServed):
        sitting.ticket("tarik")
    with pytest.raises(ConnectionRefused):
        each_house.stage.connect("tokenless")
    _, inside = sitting.enter("driss")
    assert isinstance(inside, Joined)
    assert [entry.why for entry in sitting.entries(Refused)] == ["wrong_room"]
    assert [entry.by for entry in sitting.entries(Admitted)] == [each_house.pseudonym("driss")]
    focus.disconnect()


def test_trap_3_a_reservation_is_no_admission(each_house: House) -> None:
    sitting, elsewhere = each_house.sitting(), each_house.sitting()
    sitting.ticket("amina")
    answer = reserve(each_house, sitting.room)
    assert answer.status_code == 201
    assert answer.json()["name"] == sitting.room
    assert isinstance(elsewhere.connect("driss").join(sitting.room), TurnedAway)
    [entry] = sitting.wait_for(ReservationAnswered)
    assert (entry.answer, entry.node) == ("booked", NODE)
    assert sitting.entries(Admitted) == []


@pytest.mark.parametrize("secret", ["x", "x" * 43, "Bearer"])
def test_trap_3_whoever_does_not_know_the_secret_reserves_nothing(house: House, secret: str) -> None:
    mark = house.size()
    assert reserve(house, "a" * 40, secret).status_code == 401
    assert house.entries(mark, ReservationAnswered) == []


def test_trap_4_ids_are_text_that_no_program_takes_for_a_number(house: House, sitting: Sitting) -> None:
    sitting.ticket("amina")
    booked: dict[str, Any] = reserve(house, sitting.room).json()
    assert isinstance(booked["id"], str)
    with pytest.raises(ValueError, match="could not convert"):
        float(booked["id"])
    released = httpx.delete(
        f"{house.running.url}/reservations/conference/{booked['id']}",
        headers={"Authorization": f"Bearer {house.running.settings['gate_secret']}", "X-Majlis-Node": "u"},
        trust_env=False,
    )
    assert released.status_code == 200


def test_trap_4_who_reserves_what_nobody_booked_reads_why(house: House) -> None:
    mark = house.size()
    answer = reserve(house, secrets.token_hex(20))
    assert answer.status_code == 403
    assert "This meeting is not open now." in answer.json()["message"]
    assert [entry.answer for entry in house.wait_for(mark, ReservationAnswered)] == ["room_unknown"]


def test_trap_5_no_reservation_locks_the_chair_out_while_others_wait(each_house: House) -> None:
    sitting = each_house.sitting(opened=False)
    sitting.ticket("amina")
    assert reserve(each_house, sitting.room).json().keys().isdisjoint({"lobby", "password"})
    waiting, outcome = sitting.enter("driss")
    assert isinstance(outcome, Waiting)
    guest, _ = sitting.wait_in_lobby(sitting.guest())
    _, chair = sitting.enter("amina")
    assert isinstance(chair, Joined)
    assert (chair.role, chair.affiliation) == ("moderator", "owner")
    [entry] = sitting.entries(Admitted)
    assert (entry.by, entry.moderator) == (each_house.pseudonym("amina"), True)
    assert len(sitting.wait_for(SentToLobby, at_lobby=False)) == 2
    assert len(sitting.wait_for(LobbyEntered)) == 1
    assert guest.happened("invited") == waiting.happened("invited") == []


def test_trap_6_nobody_without_a_token_becomes_anything(house: House, sitting: Sitting) -> None:
    mark = house.size()
    sitting.enter("amina")
    for token in (None, ""):
        with pytest.raises(ConnectionRefused):
            house.stage.connect(f"tokenless-{token}", token=token)
    assert [entry.why for entry in house.wait_for(mark, RefusedEntry, count=2)] == ["token_missing"] * 2
    assert len(house.roster(sitting.room) or []) == 1


def test_trap_6_a_guest_moderates_nothing_even_alone_in_a_room_they_made(each_house: House) -> None:
    sitting = each_house.sitting()
    chair, _ = sitting.enter("amina")
    player, connection = sitting.wait_in_lobby(sitting.guest())
    sitting.order(connection, "let-in")
    player.wait_for("invited")
    first = player.join(sitting.room)
    player.leave(sitting.room, lobby=True)
    chair.disconnect()
    player.wait_for("gone")
    player.leave(sitting.room)
    player.wait_for("left")
    sitting.wait_for(RoomDestroyed)
    second = player.join(sitting.room)
    for outcome in (first, second):
        assert isinstance(outcome, Joined)
        assert (outcome.role, outcome.affiliation) == ("participant", "member")
    [alone] = each_house.roster(sitting.room) or []
    assert (alone["role"], alone["affiliation"]) == ("participant", "member")
    sitting.wait_for(RoomCreated, count=2)
    assert [entry.moderator for entry in sitting.wait_for(Admitted, count=3)] == [True, False, False]


def test_trap_6_a_member_moderates_nothing_by_coming_first(sitting: Sitting) -> None:
    _, first = sitting.enter("driss")
    assert isinstance(first, Joined)
    assert (first.role, first.affiliation) == ("participant", "member")
    assert [entry.moderator for entry in sitting.wait_for(Admitted)] == [False]


def test_trap_7_a_token_without_an_end_is_refused(house: House, sitting: Sitting) -> None:
    with house.desk.units.read() as session:
        kid, key = house.desk.keys.signing(session)
    endless = house.remember("token", Forge(sitting.ticket("driss")["token"], kid, key).changed(exp=None))
    mark = house.size()
    with pytest.raises(ConnectionRefused):
        house.stage.connect("endless", token=endless)
    assert [entry.why for entry in house.wait_for(mark, RefusedEntry)] == ["token_malformed"]


def test_trap_7_no_log_holds_a_token_a_link_or_a_rooms_name(house: House) -> None:
    here, there = house.sitting(), house.sitting()
    there.enter("amina")
    player, connection = there.wait_in_lobby(there.guest())
    there.order(connection, "let-in")
    player.wait_for("invited")
    player.join(there.room)
    ticket = here.ticket("driss")
    wrong = house.connect("driss", ticket)
    wrong.join(there.room)  # where upstream's module logs the whole token
    with pytest.raises(ConnectionRefused):
        house.connect("driss", ticket)
    there.run("close")
    log = house.running.prosody.log_path.read_text(errors="replace")
    assert "\tdebug\t" in log
    assert "token=" not in log
    assert all(house.secrets.values()), "there are secrets of each kind to look for"
    assert leaks(house) == []
    for secret in ("gate_secret", "control_secret"):
        assert house.running.settings[secret] not in log


def test_trap_7_a_retired_key_is_refused_at_once_and_prosody_goes_on(each_house: House) -> None:
    sitting = each_house.sitting()
    desk = each_house.desk
    prosody = each_house.running.prosody.process.pid
    with desk.units.read() as session:
        old, _ = desk.keys.signing(session)
    before, retired, mark = sitting.ticket("driss"), sitting.ticket("ghita"), each_house.size()
    with desk.units.begin() as unit:
        desk.keys.rotate(unit, timedelta(seconds=60))
    each_house.connect("driss", before)  # the old key still verifies: no gap
    with desk.units.begin() as unit:
        desk.keys.retire(unit, old)
    with pytest.raises(ConnectionRefused):
        each_house.connect("ghita", retired)
    assert [entry.why for entry in each_house.wait_for(mark, RefusedEntry)] == ["token_key"]
    assert [entry.kid for entry in each_house.entries(mark, KeyRetired)] == [old]
    _, inside = sitting.enter("ghita")  # with the new key
    assert isinstance(inside, Joined)
    assert len(each_house.entries(mark, ConnectionAccepted)) == 2
    assert each_house.running.prosody.process.pid == prosody
    assert each_house.running.prosody.process.poll() is None
