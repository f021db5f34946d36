"""What the chair does at the page happens in the conference, to real clients, and is in the log."""

import pytest

from control_plane.audit.entries import (
    Admitted,
    Commanded,
    GuestLinkRefused,
    Joined,
    LetIn,
    LobbyEntered,
    LobbyLeft,
    MeetingClosed,
    MovedInCamera,
    Refused,
    Removed,
    RoomDestroyed,
    RoomRefused,
    SentBack,
    SentToLobby,
)
from demo.people import Refused as NotServed
from demo.players import Joined as Inside
from demo.players import Player, TurnedAway, Waiting
from tests.loop.house import House, Sitting


def seat(sitting: Sitting, visitor: str) -> tuple[Player, str]:
    """Have a member enter, and return the player and the connection."""
    player, outcome = sitting.enter(visitor)
    assert isinstance(outcome, Inside), outcome
    return player, sitting.connection_of(visitor)


def let_in(sitting: Sitting, player: Player, connection: str) -> None:
    """Have the chair let somebody in who waits, and have their client follow as Jitsi's does."""
    sitting.order(connection, "let-in")
    player.wait_for("invited", timeout=10)
    outcome = player.join(sitting.room)
    assert isinstance(outcome, Inside), outcome
    player.leave(sitting.room, lobby=True)
    player.wait_for("left", lobby=True)


def done(sitting: Sitting, command: str, connection: str = "") -> None:
    """Assert that Prosody was told so and did it."""
    [entry] = sitting.wait_for(Commanded, command=command, connection=connection)
    assert entry.outcome == "done"


def test_a_guest_waits_until_the_chair_lets_them_in(each_house: House) -> None:
    sitting = each_house.sitting()
    seat(sitting, "amina")
    guest, connection = sitting.wait_in_lobby(sitting.guest())
    assert guest.happened("seen") == [], "who waits sees nobody"
    let_in(sitting, guest, connection)
    [entry] = sitting.wait_for(LetIn)
    assert entry.by == each_house.pseudonym("amina")
    assert entry.policies
    done(sitting, "admit", connection)
    assert [e.connection for e in sitting.wait_for(Admitted, connection=connection)] == [connection]
    assert [e.at_lobby for e in sitting.entries(SentToLobby)] == [False, True]
    sitting.wait_for(LobbyEntered, connection=connection)
    sitting.wait_for(LobbyLeft, connection=connection)
    sitting.wait_for(Joined, connection=connection)


def test_a_member_who_was_sent_back_waits_and_may_be_let_in_again(each_house: House) -> None:
    sitting = each_house.sitting()
    chair, _ = seat(sitting, "amina")
    driss, connection = seat(sitting, "driss")
    sitting.order(connection, "send-back", {"why": "un instant"})
    assert driss.wait_for("kicked")["reason"] == "Veuillez patienter : la présidence vous fera entrer."
    chair.wait_for("gone")
    assert isinstance(driss.join(sitting.room), Waiting)
    driss.join(sitting.room, lobby=True)
    assert sitting.connection_of("driss", "lobby") == connection
    let_in(sitting, driss, connection)
    chair.wait_for("seen", name="Driss Alaoui")
    [back] = sitting.entries(SentBack)
    assert (back.on, back.why) == (each_house.pseudonym("driss"), "moderator")
    assert [entry.on for entry in sitting.entries(LetIn)] == [each_house.pseudonym("driss")]
    done(sitting, "lobby", connection)


def test_a_guest_who_was_sent_back_waits_and_may_be_let_in_again(sitting: Sitting) -> None:
    seat(sitting, "amina")
    guest, connection = sitting.wait_in_lobby(sitting.guest())
    let_in(sitting, guest, connection)
    sitting.order(connection, "send-back")
    guest.wait_for("kicked")
    assert isinstance(guest.join(sitting.room), Waiting)
    guest.join(sitting.room, lobby=True)
    sitting.wait_for(LobbyEntered, count=2)
    let_in(sitting, guest, connection)
    assert len(sitting.entries(LetIn)) == 2


def test_whoever_was_removed_comes_back_with_no_device(each_house: House) -> None:
    sitting = each_house.sitting()
    seat(sitting, "amina")
    driss, connection = seat(sitting, "driss")
    second, third = sitting.connect("driss"), sitting.connect("driss")
    assert isinstance(second.join(sitting.room), Inside)
    sitting.order(connection, "remove", {"why": "désordre"})
    for device in (driss, second):
        assert device.wait_for("kicked")["reason"] == "La présidence vous a retiré de la séance."
    for device in (driss, second, third):
        outcome = device.join(sitting.room)
        assert isinstance(outcome, TurnedAway)
        assert outcome.text == "La présidence vous a retiré de la séance."
        assert not isinstance(device.join(sitting.room, lobby=True), Inside)
    with pytest.raises(NotServed) as refused:
        sitting.ticket("driss")
    assert refused.value.status == 403
    [entry] = sitting.entries(Removed)
    assert (entry.on, entry.why) == (each_house.pseudonym("driss"), "moderator")
    assert {e.why for e in sitting.entries(Refused)} == {"removed"}
    readable = [r.readable for r in each_house.records(sitting.mark, sitting.id) if r.entry == entry]
    assert readable == [{"why": "désordre"}]
    assert [o["nick"].partition("-")[0] for o in each_house.roster(sitting.room) or []] == ["amina"]


def test_a_guest_who_was_removed_does_not_come_back(sitting: Sitting) -> None:
    seat(sitting, "amina")
    visitor = sitting.guest()
    guest, connection = sitting.wait_in_lobby(visitor)
    let_in(sitting, guest, connection)
    sitting.order(connection, "remove")
    guest.wait_for("kicked")
    assert isinstance(guest.join(sitting.room), TurnedAway)
    with pytest.raises(NotServed):
        sitting.ticket(visitor)
    assert len(sitting.entries(Removed)) == 1


@pytest.mark.parametrize("media", ["audio", "video"])
def test_whoever_is_muted_gets_the_order_that_jitsis_client_obeys(sitting: Sitting, media: str) -> None:
    seat(sitting, "amina")
    driss, connection = seat(sitting, "driss")
    sitting.order(connection, "mute", {"media": media})
    muted = driss.wait_for("muted")
    assert (muted["media"], muted["muted"]) == (media, True)
    assert muted["from"].endswith("/focus")
    done(sitting, "mute", connection)


def test_in_camera_moves_whoever_is_no_member_out_and_keeps_them_out(each_house: House) -> None:
    sitting = each_house.sitting()
    seat(sitting, "amina")
    driss, _ = seat(sitting, "driss")
    visitor = sitting.guest()
    guest, connection = sitting.wait_in_lobby(visitor)
    let_in(sitting, guest, connection)
    sitting.wait_for(Joined, connection=connection)
    assert sitting.run("in-camera") == {"to_lobby": 1, "removed": 0}
    assert "salle d’attente" in guest.wait_for("kicked")["reason"]
    driss.wait_for("gone")
    assert isinstance(guest.join(sitting.room), Waiting)
    again = sitting.connect(visitor)
    assert isinstance(again.join(sitting.room), Waiting), "with another device neither"
    guest.join(sitting.room, lobby=True)
    with pytest.raises(NotServed) as refused:
        sitting.order(connection, "let-in")
    assert refused.value.status in {403, 409}
    assert guest.happened("invited") == []
    late, outcome = sitting.enter("ghita")
    assert isinstance(outcome, Inside), "members still come in"
    sitting.run("public")
    assert isinstance(guest.join(sitting.room), Waiting), "and nobody comes in by themselves when it is over"
    assert len(sitting.entries(MovedInCamera)) == 1
    assert [entry.why for entry in sitting.entries(SentBack)] == ["in_camera"]
    assert len(sitting.entries(LetIn)) == 1
    late.disconnect()


def test_in_camera_moves_out_whoever_came_in_a_moment_ago_and_is_not_reported_yet(each_house: House) -> None:
    sitting = each_house.sitting()
    seat(sitting, "amina")
    guest, connection = sitting.wait_in_lobby(sitting.guest())
    let_in(sitting, guest, connection)
    sitting.run("in-camera")  # Prosody's report that the guest is inside comes after this
    guest.wait_for("kicked")
    assert isinstance(guest.join(sitting.room), Waiting)
    assert all(
        o["where"] == "lobby" for o in each_house.roster(sitting.room) or [] if o["connection"] == connection
    )


def test_closing_ends_the_conference_and_everything_that_led_to_it(each_house: House) -> None:
    sitting = each_house.sitting()
    chair, _ = seat(sitting, "amina")
    driss, _ = seat(sitting, "driss")
    visitor, link = sitting.guest(), sitting.invite("Pr Nora Alami", "expert")
    guest, _ = sitting.wait_in_lobby(visitor)
    unused, idle = sitting.ticket("ghita"), sitting.connect("hamid")
    sitting.run("close")
    for player in (chair, driss):
        player.wait_for("destroyed")
    guest.wait_for("destroyed", lobby=True)
    assert each_house.roster(sitting.room) is None
    for player in (chair, driss, guest, idle):
        assert isinstance(player.join(sitting.room), TurnedAway)
    with pytest.raises(Exception, match="Ce lien"):
        each_house.connect("ghita", unused)
    for late in ("amina", visitor):
        with pytest.raises(NotServed) as refused:
            sitting.ticket(late)
        assert refused.value.status == 403
    with pytest.raises(NotServed) as worthless:
        each_house.browser("nora").use_link(link)
    assert worthless.value.status == 403
    assert len(sitting.entries(MeetingClosed)) == 1
    assert len(sitting.wait_for(RoomDestroyed)) == 1
    done(sitting, "end")
    assert [entry.why for entry in sitting.entries(GuestLinkRefused)] == ["over"]
    assert [entry.why for entry in sitting.wait_for(RoomRefused, count=4)] == ["room_closed"] * 4


def test_a_guest_whose_invitation_is_withdrawn_is_out_of_the_room_and_of_the_lobby(house: House) -> None:
    sitting = house.sitting()
    seat(sitting, "amina")
    inside, waiting = sitting.guest(), sitting.guest("Dr Ali Berrada", "expert")
    player, connection = sitting.wait_in_lobby(inside)
    let_in(sitting, player, connection)
    sitting.wait_for(Joined, connection=connection)
    other, _ = sitting.wait_in_lobby(waiting)
    for guest in house.person("omar").ask("GET", f"/api/meetings/{sitting.id}/guests"):
        house.person("omar").ask("POST", f"/api/guests/{guest['id']}/revoke", {})
    player.wait_for("kicked", lobby=False)
    other.wait_for("kicked", lobby=True)
    for somebody in (player, other):
        assert isinstance(somebody.join(sitting.room), TurnedAway)
    assert {entry.why for entry in sitting.entries(Refused)} == {"invitation_revoked"}
