"""Who gets in, who waits, who is turned away, and what they are told."""

import pytest

from demo.players import ConnectionRefused, Joined, Stage, TurnedAway, Waiting
from tests.doubles.fake_control_plane import FakeControlPlane
from tests.prosody.conftest import DOMAIN, Cast, Control

MUC_ADMIN = "http://jabber.org/protocol/muc#admin"
MUC_OWNER = "http://jabber.org/protocol/muc#owner"


def test_a_member_enters_with_the_place_and_the_name_that_the_control_plane_gives(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    plane.admit("amina", room, role="moderator", affiliation="owner")
    plane.admit("karim", room)
    amina, karim = cast("amina"), cast("karim")
    assert amina.join(room, nick="a1", name="The Minister") == Joined(
        room, "a1", plane.names["amina"], "moderator", "owner"
    )
    assert karim.join(room, nick="k1") == Joined(room, "k1", plane.names["karim"], "participant", "member")
    assert amina.wait_for("seen", nick="k1")["name"] == plane.names["karim"]
    assert karim.wait_for("seen", nick="a1")["role"] == "moderator"


def test_the_gate_is_asked_with_what_the_contract_says(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    plane.admit("amina", room)
    amina = cast("amina")
    amina.join(room, nick="a1")
    connect = plane.asked("/gate/connect", token="amina")[-1]
    assert connect.body == {"token": "amina", "address": "127.0.0.1"}
    assert connect.node == "node-1"
    assert plane.asked("/gate/room", room=room)[0].body == {"room": room, "jid": amina.jid}
    join = plane.asked("/gate/join", room=room)[0].body
    assert join["connection"].startswith("amina#")
    del join["connection"]
    assert join == {"room": room, "lobby": False, "jid": amina.jid, "nick": "a1", "address": "127.0.0.1"}


def test_a_refused_person_reads_the_reason(plane: FakeControlPlane, cast: Cast, room: str) -> None:
    plane.refuse("omar", room, "لستم مدعوّين · Vous n'êtes pas convoqué")
    assert cast("omar").join(room) == TurnedAway("forbidden", "لستم مدعوّين · Vous n'êtes pas convoqué")


def test_a_refused_person_leaves_no_room_behind(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.refuse("omar", room, "no")
    cast("omar").join(room)
    assert control("roster", room=room) == (404, {"error": "room_not_found"})


def test_nobody_connects_without_a_known_token(stage: Stage, plane: FakeControlPlane) -> None:
    with pytest.raises(ConnectionRefused) as refused:
        stage.connect("stranger", token="forged")
    assert refused.value.condition == "not-authorized"
    assert refused.value.text == "Jeton inconnu · رمز غير معروف"
    with pytest.raises(ConnectionRefused):
        stage.connect("tokenless")
    assert plane.asked("/gate/connect", token=""), "a connection without a token is asked about too"


def test_a_room_that_is_not_booked_cannot_be_made_by_anybody(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.know("amina")
    assert cast("amina").join(room) == TurnedAway("not-allowed", "Nothing is booked here")
    assert cast.focus().join(room, nick="focus") == TurnedAway("not-allowed", "Nothing is booked here")
    assert cast.focus().join(room, nick="focus", lobby=True).__class__ is TurnedAway
    assert control("roster", room=room)[0] == 404


def test_focus_joins_a_booked_room_as_its_owner_and_is_no_person(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.bookable.add(room)
    outcome = cast.focus().join(room, nick="focus")
    assert isinstance(outcome, Joined)
    assert (outcome.role, outcome.affiliation) == ("moderator", "owner")
    assert not plane.asked("/gate/join", room=room)
    assert [occupant["service"] for occupant in control.roster(room)] == [True]


def test_nobody_else_sits_on_the_chair_that_clients_obey(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    plane.admit("amina", room)
    assert isinstance(cast("amina").join(room, nick="focus"), TurnedAway)
    assert not plane.asked("/gate/join", room=room)


def test_somebody_without_a_connection_of_ours_is_asked_about_and_refused(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    plane.bookable.add(room)
    cast.focus().join(room, nick="focus")
    (cast.server.directory / "data" / "auth%2emeet%2emajlis%2etest" / "accounts" / "jvb.dat").write_text(
        'return { ["password"] = "jvb-password" };\n'
    )
    bridge = cast.stage.connect("jvb", account=("jvb", "jvb-password"), domain=f"auth.{DOMAIN}")
    cast.entered.append(bridge)
    assert isinstance(bridge.join(room), TurnedAway)
    assert plane.asked("/gate/join", room=room, connection=None)


def test_a_witness_waits_in_the_lobby_until_they_are_admitted(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("amina", room, role="moderator", affiliation="owner")
    plane.send_to_lobby("witness", room, "Veuillez patienter")
    amina, witness = cast("amina"), cast("witness")
    amina.join(room)
    assert witness.join(room) == Waiting(f"{room}@lobby.{DOMAIN}", "Veuillez patienter")
    assert isinstance(witness.join(room, nick="w1", lobby=True, name="Somebody else"), Joined)
    waiting = [occupant for occupant in control.roster(room) if occupant["where"] == "lobby"]
    assert [occupant["nick"] for occupant in waiting] == ["w1"]
    plane.admit("witness", room)
    assert control("admit", room=room, connection=waiting[0]["connection"]) == (200, {"done": True})
    assert witness.wait_for("invited")["from"] == f"{room}@conference.{DOMAIN}"
    assert isinstance(witness.join(room, nick="w1"), Joined)
    witness.leave(room, lobby=True)
    plane.wait_until(
        lambda plane: plane.kinds(room) == ["room_created", "joined", "lobby_entered", "joined", "lobby_left"]
    )


def test_a_witness_who_comes_first_waits_although_the_room_is_not_open_yet(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.send_to_lobby("witness", room)
    witness = cast("witness")
    assert isinstance(witness.join(room), Waiting)
    assert isinstance(witness.join(room, lobby=True), Joined)
    [waiting] = control.roster(room)
    plane.admit("witness", room)
    assert control("admit", room=room, connection=waiting["connection"])[0] == 200
    witness.wait_for("invited")
    assert isinstance(witness.join(room), Joined)


def test_those_who_wait_see_and_hear_nobody_but_the_moderators(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    plane.admit("amina", room, role="moderator", affiliation="owner")
    plane.lobby_verdicts["amina", room] = plane.verdicts["amina", room]
    for guest in ("first", "second"):
        plane.send_to_lobby(guest, room)
    amina, first, second = cast("amina"), cast("first"), cast("second")
    first.join(room, nick="f1", lobby=True)
    second.join(room, nick="s1", lobby=True)
    amina.join(room, nick="a1", lobby=True)
    amina.wait_for("seen", nick="f1")
    amina.wait_for("seen", nick="s1")
    first.say(room, "is anybody there?", lobby=True)
    amina.wait_for("message", text="is anybody there?")
    first.wait_for("message", text="is anybody there?")
    amina.say(room, "soon", lobby=True)
    second.wait_for("message", text="soon")
    first.leave(room, lobby=True)
    first.wait_for("left")
    amina.wait_for("gone", nick="f1")
    assert [second.happened(kind) for kind in ("seen", "gone", "message")] == [[], [], []]


def test_the_name_is_the_accounts_in_later_presences_and_messages_too(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    amina, karim = cast("amina"), cast("karim")
    amina.join(room)
    karim.join(room, nick="k1", name="Le Premier ministre")
    amina.wait_for("seen", nick="k1", name=plane.names["karim"])
    karim.claim_name(room, "Le Roi")
    assert amina.wait_for("seen", nick="k1")["name"] == plane.names["karim"]
    address = f"{room}@conference.{DOMAIN}"
    karim.send_raw(
        f'<presence xmlns="jabber:client" to="{address}/k1"><nick xmlns="urn:x">Roi</nick><nick>Roi</nick>'
        '<identity xmlns="urn:x"><user><name>Roi</name></user></identity></presence>'
    )
    assert amina.wait_for("seen", nick="k1")["name"] == plane.names["karim"]
    karim.send_raw(
        f'<message xmlns="jabber:client" to="{address}" type="groupchat"><body>hello</body>'
        '<nick xmlns="http://jabber.org/protocol/nick">Le Roi</nick></message>'
    )
    assert amina.wait_for("message", text="hello")["name"] == plane.names["karim"]


def test_nobody_changes_their_address_in_the_room(plane: FakeControlPlane, cast: Cast, room: str) -> None:
    plane.admit("amina", room)
    amina = cast("amina")
    amina.join(room, nick="a1")
    assert amina.join(room, nick="a2") == TurnedAway("not-allowed", "")


def test_who_comes_later_does_not_read_what_was_said_before(
    plane: FakeControlPlane, cast: Cast, room: str
) -> None:
    plane.admit("amina", room)
    plane.admit("karim", room)
    amina, karim = cast("amina"), cast("karim")
    amina.join(room)
    amina.say(room, "in camera")
    amina.wait_for("message", text="in camera")
    karim.join(room)
    amina.say(room, "in public")
    karim.wait_for("message", text="in public")
    assert karim.happened("message") == []


def test_no_list_names_a_room(plane: FakeControlPlane, cast: Cast, room: str) -> None:
    plane.admit("amina", room)
    amina = cast("amina")
    amina.join(room)
    query = '<query xmlns="http://jabber.org/protocol/disco#items"/>'
    for host in (DOMAIN, f"conference.{DOMAIN}", f"lobby.{DOMAIN}"):
        answer = amina.iq(host, query)
        assert answer.kind == "result"
        assert room not in answer.xml


def test_the_client_finds_the_lobby_on_the_main_host(plane: FakeControlPlane, cast: Cast) -> None:
    plane.know("amina")
    answer = cast("amina").iq(DOMAIN, '<query xmlns="http://jabber.org/protocol/disco#info"/>')
    assert 'type="lobbyrooms"' in answer.xml
    assert f'name="lobby.{DOMAIN}"' in answer.xml


@pytest.mark.parametrize(
    ("kind", "xml"),
    [
        ("get", f'<query xmlns="{MUC_OWNER}"/>'),
        ("set", f'<query xmlns="{MUC_OWNER}"><destroy/></query>'),
        ("set", f'<query xmlns="{MUC_OWNER}"><x xmlns="jabber:x:data" type="submit"/></query>'),
        ("get", f'<query xmlns="{MUC_ADMIN}"><item affiliation="owner"/></query>'),
        ("set", f'<query xmlns="{MUC_ADMIN}"><item affiliation="owner" jid="a@{DOMAIN}"/></query>'),
        ("set", f'<query xmlns="{MUC_ADMIN}"><item role="none" nick="k1"/></query>'),
        ("get", '<query xmlns="jabber:iq:register"/>'),
        ("set", '<query xmlns="jabber:iq:register"><remove/></query>'),
    ],
)
def test_not_even_an_owner_runs_the_room(
    plane: FakeControlPlane, cast: Cast, room: str, kind: str, xml: str
) -> None:
    plane.admit("amina", room, role="moderator", affiliation="owner")
    plane.admit("karim", room)
    amina, karim = cast("amina"), cast("karim")
    amina.join(room)
    karim.join(room, nick="k1")
    answer = amina.iq(f"{room}@conference.{DOMAIN}", xml, kind=kind)
    assert (answer.kind, answer.condition) == ("error", "forbidden")


def test_clients_invite_nobody(plane: FakeControlPlane, cast: Cast, room: str) -> None:
    plane.admit("amina", room, role="moderator", affiliation="owner")
    plane.know("friend")
    amina, friend = cast("amina"), cast("friend")
    amina.join(room)
    amina.send_raw(
        f'<message xmlns="jabber:client" to="{room}@conference.{DOMAIN}">'
        f'<x xmlns="http://jabber.org/protocol/muc#user"><invite to="{friend.jid}"/></x></message>'
    )
    assert amina.wait_for("error")["condition"] == "forbidden"
    assert friend.happened("invited") == []
