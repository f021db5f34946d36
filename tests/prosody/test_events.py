"""What happened is told: in order, numbered, once, through crashes on either side."""

import json
from pathlib import Path

from demo.players import Joined
from tests.doubles.fake_control_plane import FakeControlPlane
from tests.prosody.conftest import Cast, Control

MUC_ADMIN = "http://jabber.org/protocol/muc#admin"


def spool_of(cast: Cast) -> Path:
    return cast.server.directory / "spool" / "spool.jsonl"


def test_a_sitting_is_told_in_order(plane: FakeControlPlane, cast: Cast, room: str) -> None:
    plane.admit("amina", room, role="moderator", affiliation="owner")
    amina = cast("amina")
    amina.join(room, nick="a1")
    amina.leave(room)
    plane.wait_until(lambda plane: plane.kinds(room) == ["room_created", "joined", "left", "room_destroyed"])
    events = [event for event in plane.events if event.get("room") == room]
    assert [event["seq"] for event in events] == list(range(events[0]["seq"], events[0]["seq"] + 4))
    connection = plane.asked("/gate/join", room=room)[0].body["connection"]
    joined = dict(events[1])
    assert joined.pop("at") > 1_700_000_000_000
    assert joined.pop("seq")
    assert joined == {
        "kind": "joined",
        "room": room,
        "connection": connection,
        "jid": amina.jid,
        "nick": "a1",
        "role": "moderator",
        "affiliation": "owner",
        "seat": "seat-amina",
    }


def test_a_role_that_focus_gives_is_told(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("amina", room)
    focus, amina = cast.focus(), cast("amina")
    focus.join(room, nick="focus")
    amina.join(room, nick="a1")
    answer = focus.iq(
        f"{room}@{control.server.control_host}",
        f'<query xmlns="{MUC_ADMIN}"><item nick="a1" role="moderator"/></query>',
        kind="set",
    )
    assert answer.kind == "result"
    plane.wait_until(lambda plane: "role_changed" in plane.kinds(room))
    [changed] = [e for e in plane.events if e["kind"] == "role_changed" and e["room"] == room]
    assert (changed["nick"], changed["role"]) == ("a1", "moderator")


def test_what_is_acknowledged_leaves_the_disk(plane: FakeControlPlane, cast: Cast, room: str) -> None:
    plane.admit("amina", room)
    cast("amina").join(room)
    plane.wait_until(lambda plane: plane.kinds(room) == ["room_created", "joined"])
    plane.wait_until(lambda _: len(spool_of(cast).read_text().splitlines()) == 1)
    header = json.loads(spool_of(cast).read_text())
    assert list(header["present"]["rooms"]) == [room]


def test_an_answer_that_got_lost_makes_nothing_happen_twice(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    plane.admit("amina", room)
    answers = iter([(200, b"lost"), (500, b""), (409, {"next": "x"})])

    def lose(path: str) -> tuple[int, object] | None:
        if path != "/gate/events":
            return None
        try:
            plane.take(plane.questions[-1].body)
            return next(answers)
        except StopIteration:
            return None

    plane.spoiled = lose
    twice = plane.received_twice
    cast("amina").join(room)
    plane.wait_until(
        lambda plane: plane.received_twice > twice and plane.kinds(room) == ["room_created", "joined"]
    )
    seqs = [event["seq"] for event in plane.events]
    assert seqs == sorted(set(seqs))


def test_a_crash_of_prosody_loses_no_event_and_everybody_inside_has_left(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    amina, karim = cast("amina"), cast("karim")
    amina.join(room, nick="a1")
    karim.join(room, nick="k1")
    plane.wait_until(lambda plane: plane.kinds(room) == ["room_created", "joined", "joined"])
    plane.stop()
    karim.leave(room)
    karim.wait_for("left")
    cast.server.kill()
    with spool_of(cast).open("ab") as spool:
        spool.write(b'{"kind":"joined","seq":99')  # the line that was being written when it died
    amina.wait_for("disconnected")
    cast.server.start()
    plane.start()
    plane.wait_until(lambda plane: plane.kinds(room)[-1:] == ["room_destroyed"])
    told = [event for event in plane.events if event.get("room") == room]
    assert [(e["kind"], e.get("nick"), e.get("reason")) for e in told[3:]] == [
        ("left", "k1", None),
        ("left", "a1", "server_restarted"),
        ("room_destroyed", None, "server_restarted"),
    ]
    assert told[4]["seat"] == "seat-amina"
    assert told[4]["connection"] == told[1]["connection"]
    seqs = [event["seq"] for event in plane.events]
    assert seqs == list(range(1, len(seqs) + 1)), "each once, in order, none lost"
    assert len(plane.wanted) == 1, "the spool went on where it was"


def test_an_ordinary_restart_goes_on_in_the_same_spool(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    plane.admit("amina", room)
    cast("amina").join(room)
    plane.wait_until(lambda plane: plane.kinds(room) == ["room_created", "joined"])
    cast.server.restart()
    plane.wait_until(lambda plane: plane.kinds(room) == ["room_created", "joined", "left", "room_destroyed"])
    again = cast("amina")
    assert isinstance(again.join(room), Joined)
    assert len(plane.wanted) == 1


def test_a_damaged_spool_is_put_aside_and_a_new_epoch_begins(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    cast.server.stop()
    spool_of(cast).write_text('{"epoch": "x"')
    spool_of(cast).write_text('{"epoch":"old","next":5,"present":{}}\nnonsense\n{"kind":"left","seq":6}\n')
    cast.server.start()
    plane.admit("amina", room)
    assert isinstance(cast("amina").join(room), Joined)
    plane.wait_until(lambda plane: plane.kinds(room) == ["room_created", "joined"])
    assert len(plane.wanted) == 2
    assert list(spool_of(cast).parent.glob("spool.jsonl.damaged-*"))


def test_a_control_plane_that_forgot_everything_gets_a_new_epoch(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    known = len(plane.wanted)
    plane.wanted.clear()
    plane.admit("amina", room)
    cast("amina").join(room)
    plane.wait_until(lambda plane: plane.kinds(room) == ["room_created", "joined"])
    assert len(plane.wanted) == 2, f"the forgotten epoch and the new one, {known} before"
