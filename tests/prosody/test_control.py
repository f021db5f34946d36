"""What the control plane orders, and who may order."""

import json
from typing import Any

import pytest

from demo.players import Joined, Player, TurnedAway
from tests.doubles.fake_control_plane import FakeControlPlane
from tests.prosody.conftest import DOMAIN, Cast, Control

DONE = (200, {"done": True})
NO_ROOM = (404, {"error": "room_not_found"})
NO_OCCUPANT = (404, {"error": "occupant_not_found"})


def enter(plane: FakeControlPlane, cast: Cast, control: Control, room: str, token: str) -> tuple[Player, str]:
    """Put `token`'s person into the room; answer the player and their connection."""
    plane.admit(token, room)
    player = cast(token)
    assert isinstance(player.join(room, nick=token), Joined)
    return player, connection_of(control, room, token)


def connection_of(control: Control, room: str, nick: str) -> str:
    [connection] = [occupant["connection"] for occupant in control.roster(room) if occupant["nick"] == nick]
    assert isinstance(connection, str)
    return connection


def test_the_roster_says_who_is_where(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    amina, connection = enter(plane, cast, control, room, "amina")
    plane.send_to_lobby("witness", room)
    witness = cast("witness")
    witness.join(room, nick="w1", lobby=True)
    occupants = sorted(control.roster(room), key=lambda occupant: str(occupant["where"]))
    assert occupants == [
        {
            "connection": connection_of(control, room, "w1"),
            "jid": witness.jid,
            "nick": "w1",
            "role": "participant",
            "affiliation": "member",
            "where": "lobby",
            "service": False,
        },
        {
            "connection": connection,
            "jid": amina.jid,
            "nick": "amina",
            "role": "participant",
            "affiliation": "member",
            "where": "room",
            "service": False,
        },
    ]


def test_a_removed_person_reads_why_and_the_others_stay(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    amina, connection = enter(plane, cast, control, room, "amina")
    karim, _ = enter(plane, cast, control, room, "karim")
    assert (
        control("remove", room=room, connection=connection, reason="Séance à huis clos · جلسة سرية") == DONE
    )
    assert amina.wait_for("kicked")["reason"] == "Séance à huis clos · جلسة سرية"
    karim.wait_for("gone", nick="amina")
    assert control("remove", room=room, connection=connection) == NO_OCCUPANT
    assert [occupant["nick"] for occupant in control.roster(room)] == ["karim"]
    plane.wait_until(lambda plane: "left" in plane.kinds(room))
    [left] = [event for event in plane.events if event["kind"] == "left" and event["room"] == room]
    assert (left["connection"], left["reason"]) == (connection, "Séance à huis clos · جلسة سرية")


@pytest.mark.parametrize("reason", ["", "bad\u0001text", "x" * 3000, None])
def test_a_removal_does_not_fail_because_its_reason_cannot_be_shown(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str, reason: str | None
) -> None:
    amina, connection = enter(plane, cast, control, room, "amina")
    assert control("remove", room=room, connection=connection, reason=reason) == DONE
    assert amina.wait_for("kicked")["reason"] == ""


def test_a_person_is_removed_from_the_lobby_too(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.send_to_lobby("witness", room)
    witness = cast("witness")
    witness.join(room, nick="w1", lobby=True)
    assert control("remove", room=room, connection=connection_of(control, room, "w1"), reason="No") == DONE
    assert witness.wait_for("kicked", lobby=True)["reason"] == "No"


def test_a_person_sent_back_to_the_lobby_is_asked_about_again(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    witness, connection = enter(plane, cast, control, room, "witness")
    enter(plane, cast, control, room, "amina")
    plane.send_to_lobby("witness", room)
    assert control("lobby", room=room, connection=connection, reason="In camera") == DONE
    assert witness.wait_for("kicked")["reason"] == "In camera"
    assert witness.join(room).__class__.__name__ == "Waiting"
    assert isinstance(witness.join(room, lobby=True), Joined)


@pytest.mark.parametrize("media", ["audio", "video"])
def test_the_client_is_muted_in_the_words_of_its_focus(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str, media: str
) -> None:
    amina, connection = enter(plane, cast, control, room, "amina")
    assert control("mute", room=room, connection=connection, media=media) == DONE
    muted = amina.wait_for("muted")
    assert (muted["media"], muted["muted"], muted["from"]) == (
        media,
        True,
        f"{room}@conference.{DOMAIN}/focus",
    )


def test_nobody_new_enters_a_locked_room_or_its_lobby_and_nobody_asks(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    amina, _ = enter(plane, cast, control, room, "amina")
    plane.admit("karim", room)
    plane.send_to_lobby("witness", room)
    assert control("lock", room=room, locked=True) == DONE
    assert control("lock", room=room, locked=True) == DONE
    asked = len(plane.asked("/gate/join", room=room))
    karim = cast("karim")
    assert isinstance(karim.join(room), TurnedAway)
    assert isinstance(cast("witness").join(room, lobby=True), TurnedAway)
    assert len(plane.asked("/gate/join", room=room)) == asked
    assert control("lock", room=room, locked=False) == DONE
    assert isinstance(karim.join(room), Joined)
    amina.wait_for("seen", name=plane.names["karim"])


def test_a_meeting_that_ends_empties_the_room_and_the_lobby(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    amina, _ = enter(plane, cast, control, room, "amina")
    plane.send_to_lobby("witness", room)
    witness = cast("witness")
    witness.join(room, lobby=True)
    assert control("end", room=room, reason="The sitting is closed") == DONE
    assert amina.wait_for("destroyed")["reason"] == "The sitting is closed"
    assert witness.wait_for("destroyed", lobby=True)["reason"] == "The sitting is closed"
    assert control("end", room=room, reason="again") == NO_ROOM
    plane.wait_until(lambda plane: plane.kinds(room)[-1:] == ["room_destroyed"])
    assert sorted(plane.kinds(room)) == [
        "joined",
        "left",
        "lobby_entered",
        "lobby_left",
        "room_created",
        "room_destroyed",
    ]


def test_a_disconnected_person_loses_the_connection_itself(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    amina, connection = enter(plane, cast, control, room, "amina")
    assert control("disconnect", connection=connection, reason="Compte désactivé") == DONE
    assert amina.wait_for("disconnected")["text"] == "Compte désactivé"
    assert control("disconnect", connection=connection) == NO_OCCUPANT


@pytest.mark.parametrize(
    ("command", "order"),
    [
        ("admit", {"room": "nowhere", "connection": "c"}),
        ("lobby", {"room": "nowhere", "connection": "c"}),
        ("remove", {"room": "nowhere", "connection": "c"}),
        ("mute", {"room": "nowhere", "connection": "c", "media": "audio"}),
        ("lock", {"room": "nowhere", "locked": True}),
        ("end", {"room": "nowhere"}),
        ("roster", {"room": "nowhere"}),
    ],
)
def test_an_order_about_a_room_that_is_not_there(
    plane: FakeControlPlane, control: Control, command: str, order: dict[str, Any]
) -> None:
    assert control(command, **order) == NO_ROOM


@pytest.mark.parametrize("command", ["admit", "lobby", "remove", "mute"])
def test_an_order_about_somebody_who_is_not_there(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str, command: str
) -> None:
    enter(plane, cast, control, room, "amina")
    assert control(command, room=room, connection="somebody else", media="audio") == NO_OCCUPANT


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("remove", b""),
        ("remove", b"{"),
        ("remove", b"[]"),
        ("remove", b'"room"'),
        ("remove", b'{"room": "r"}'),
        ("remove", b'{"connection": "c"}'),
        ("remove", b'{"room": 1, "connection": "c"}'),
        ("remove", b'{"room": "", "connection": "c"}'),
        ("remove", b'{"room": "a b", "connection": "c"}'),
        ("remove", b'{"room": "r/x", "connection": "c"}'),
        ("remove", b'{"room": "r", "connection": "c", "reason": 5}'),
        ("mute", b'{"room": "r", "connection": "c", "media": "screen"}'),
        ("lock", b'{"room": "r", "locked": "yes"}'),
        ("lock", b'{"room": "r"}'),
        ("disconnect", b'{"connection": null}'),
        ("roster", b'{"room": "' + b"r" * 20000 + b'"}'),
    ],
)
def test_a_malformed_order_is_refused(
    plane: FakeControlPlane, control: Control, command: str, body: bytes
) -> None:
    assert control.post(command, body) == (400, {"error": "malformed"})


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"secret": "wrong-secret-of-the-tests"}, 401),
        ({"secret": ""}, 401),
        ({"secret": "control-secret-of-the-test"}, 401),
        ({"forwarded_for": "203.0.113.7"}, 403),
        ({"host": DOMAIN}, 404),
        ({"host": f"lobby.{DOMAIN}"}, 404),
        ({"host": f"auth.{DOMAIN}"}, 404),
        ({"host": "127.0.0.1"}, 404),
        ({"host": "conference.elsewhere.test"}, 404),
    ],
)
def test_only_the_control_plane_gives_orders(
    plane: FakeControlPlane,
    cast: Cast,
    control: Control,
    room: str,
    changed: dict[str, str],
    status: int,
) -> None:
    _, connection = enter(plane, cast, control, room, "amina")
    order = json.dumps({"room": room, "connection": connection}).encode()
    assert control.post("remove", order, **changed)[0] == status
    assert [occupant["nick"] for occupant in control.roster(room)] == ["amina"]


def test_an_unknown_order_is_refused(plane: FakeControlPlane, control: Control) -> None:
    assert control("promote", room="r") == (404, {"error": "command_not_found"})
