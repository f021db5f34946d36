"""Who gets in, who waits, who is turned away, and that each answer is an entry that names its policy."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from control_plane.audit.entries import Admitted, Entry, Refused, SentBack, SentToLobby
from control_plane.meetings.service import back_in_public, close, convened_to
from control_plane.people.service import disable_person
from control_plane.permission import Actor, NotPermitted, Permission
from control_plane.policy import Classification, GuestKind, Question, SignIn, Strength
from control_plane.policy import Refused as PolicyRefused
from control_plane.rooms import service
from control_plane.rooms.models import Command
from control_plane.rooms.service import (
    Admit,
    Join,
    KeyRing,
    NoSuchConnection,
    Pools,
    TurnAway,
    Wait,
    answer_joins,
)
from control_plane.unit import Units
from demo.parliament import Parliament, found
from tests.conftest import StandingClock
from tests.rooms.conftest import LETTERHEAD, Sitting, held_sitting


def test_a_member_is_admitted_under_the_accounts_name(sitting: Sitting) -> None:
    connection = sitting.connect(sitting.actor("driss"))
    assert sitting.ask(connection) == Admit(connection, "Driss Alaoui", moderator=False)


def test_the_chair_is_a_moderator_and_never_locked_out_by_the_lobby(sitting: Sitting) -> None:
    connection = sitting.connect(sitting.actor("amina"))
    assert sitting.ask(connection) == Admit(connection, "أمينة بنعلي", moderator=True)
    assert sitting.ask(connection, at_lobby=True) == Admit(connection, "أمينة بنعلي", moderator=True)


def test_an_admission_names_policy_and_set_and_no_name(sitting: Sitting) -> None:
    actor = sitting.actor("driss")
    connection = sitting.connect(actor)
    sitting.ask(connection)
    entry = sitting.entries()[0]
    assert isinstance(entry, Admitted)
    assert (entry.by, entry.meeting, entry.connection) == (actor.pseudonym, sitting.id, connection)
    assert entry.policies == ("entering.members",)
    assert entry.policy_set == sitting.permission.policies.digest


def test_a_guest_waits_until_a_moderator_admits_them(sitting: Sitting) -> None:
    witness = sitting.connect(sitting.guest("Me Rami"))
    answer = sitting.ask(witness)
    assert isinstance(answer, Wait)
    assert answer.reason.startswith("Vous êtes dans la salle d’attente")
    assert isinstance(sitting.entries()[0], SentToLobby)
    assert sitting.ask(witness, at_lobby=True) == Admit(witness, "Me Rami", moderator=False)
    sitting.happens("lobby_entered", witness)
    with sitting.units.begin() as unit:
        service.let_in(unit, sitting.permission, sitting.actor("amina"), witness)
    assert sitting.ask(witness) == Admit(witness, "Me Rami", moderator=False)


def test_a_member_may_not_let_anybody_in(sitting: Sitting) -> None:
    witness = sitting.connect(sitting.guest("Me Rami"))
    member = sitting.actor("driss")

    def let_in() -> None:
        with sitting.units.begin() as unit:
            service.let_in(unit, sitting.permission, member, witness)

    with pytest.raises(NotPermitted):
        let_in()
    assert sitting.newest()["action"] == "admit"
    assert isinstance(sitting.ask(witness), Wait)


def test_in_camera_moves_out_everybody_but_the_body_and_they_can_not_come_back(sitting: Sitting) -> None:
    chair, member = sitting.enter(sitting.actor("amina")), sitting.enter(sitting.actor("driss"))
    guest = sitting.guest("Me Rami")
    witness = sitting.connect(guest)
    with sitting.units.begin() as unit:
        service.let_in(unit, sitting.permission, sitting.actor("amina"), witness)
    sitting.happens("joined", witness)
    with sitting.units.begin() as unit:
        moved = service.move_in_camera(unit, sitting.permission, sitting.actor("amina"), sitting.id)
    assert (moved.to_lobby, moved.removed) == (1, 0)
    sent = [entry for entry in sitting.entries(5) if isinstance(entry, SentBack)]
    assert [entry.on for entry in sent] == [guest.pseudonym]
    assert isinstance(sitting.ask(witness), Wait)
    assert all(isinstance(sitting.ask(connection), Admit) for connection in (chair, member))
    with sitting.units.begin() as unit:
        back_in_public(unit, sitting.permission, sitting.actor("amina"), sitting.id)
    assert isinstance(sitting.ask(witness), Wait), "after the sitting in camera they are let in anew"


def test_a_substitute_enters_only_while_the_member_is_absent(sitting: Sitting) -> None:
    substitute = sitting.connect(sitting.actor("nabil"))
    assert isinstance(sitting.ask(substitute), Admit)
    karima = sitting.enter(sitting.actor("karima"))
    assert isinstance(sitting.ask(substitute), TurnAway)
    sitting.happens("left", karima)
    assert isinstance(sitting.ask(substitute), Admit)


def test_a_membership_that_ended_ends_the_way_in_though_they_were_convened(
    sitting: Sitting, permission: Permission
) -> None:
    from sqlalchemy import text  # noqa: PLC0415

    connection = sitting.connect(sitting.actor("driss"))
    assert isinstance(sitting.ask(connection), Admit)
    with sitting.units.begin() as unit:
        unit.session.execute(
            text("UPDATE membership SET valid_until = valid_from WHERE person_id = :id"),
            {"id": sitting.parliament.people["driss"]},
        )
    answer = sitting.ask(connection)
    assert isinstance(answer, TurnAway)
    assert sitting.newest()["why"] == "policy"


def test_somebody_removed_can_not_come_back_with_another_device(sitting: Sitting) -> None:
    first, second = sitting.enter(sitting.actor("driss")), sitting.enter(sitting.actor("driss"))
    with sitting.units.begin() as unit:
        service.remove(unit, sitting.permission, sitting.actor("amina"), first, "désordre")
    assert sitting.records(1)[0].readable == {"why": "désordre"}
    for connection in (first, second):
        assert isinstance(sitting.ask(connection), TurnAway)
        assert sitting.newest()["why"] == "removed"
    with pytest.raises(service.NotAdmittedHere):
        sitting.ticket(sitting.actor("driss"))


def test_somebody_sent_back_waits_until_let_in_again(sitting: Sitting) -> None:
    member, chair = sitting.enter(sitting.actor("driss")), sitting.actor("amina")
    with sitting.units.begin() as unit:
        service.send_back(unit, sitting.permission, chair, member, "conflit d’intérêts")
    answer = sitting.ask(member)
    assert isinstance(answer, Wait)
    assert "présidence" in answer.reason
    with sitting.units.begin() as unit:
        service.let_in(unit, sitting.permission, chair, member)
    assert isinstance(sitting.ask(member), Admit)


def _outsider(sitting: Sitting, key: str) -> Callable[[], None]:
    def asks() -> None:
        sitting.ticket(sitting.actor(key))

    return asks


OUTSIDERS = {
    "a member of another committee": ("tarik", ()),
    "an uninvited official": ("simo", ()),
    "the security officer": ("leila", ("duties.open-no-door",)),
    "an administrator": ("said", ("duties.open-no-door",)),
    "the clerk of another committee": ("zineb", ()),
    "the head of the cabinet": ("aziz", ()),
}


@pytest.mark.parametrize(("key", "deciding"), OUTSIDERS.values(), ids=OUTSIDERS.keys())
def test_whoever_is_not_of_the_body_gets_no_token(
    sitting: Sitting, key: str, deciding: tuple[str, ...]
) -> None:
    with pytest.raises(NotPermitted):
        _outsider(sitting, key)()
    newest = sitting.newest()
    assert (newest["by"], newest["action"], newest["policies"]) == (
        sitting.actor(key).pseudonym,
        "enter",
        deciding,
    )


BARRED: dict[str, tuple[Callable[[Sitting, str], Any], str]] = {
    "an unknown connection": (lambda sitting, _: sitting.ask("nobody"), "connection_unknown"),
    "no connection": (lambda sitting, _: sitting.ask(None), "connection_unknown"),
    "an unknown room": (lambda sitting, mine: sitting.ask(mine, "elsewhere"), "room_unknown"),
}


@pytest.mark.parametrize(("ask", "why"), BARRED.values(), ids=BARRED.keys())
def test_what_no_policy_need_be_asked_is_refused_and_recorded(
    sitting: Sitting, ask: Callable[[Sitting, str], Any], why: str
) -> None:
    mine = sitting.connect(sitting.actor("driss"))
    assert isinstance(ask(sitting, mine), TurnAway)
    assert isinstance(sitting.entries()[0], Refused)
    assert sitting.newest()["why"] == why


def test_a_connection_opens_no_other_room(
    sitting: Sitting, permission: Permission, parliament: Parliament, clock: StandingClock, keys: KeyRing
) -> None:
    other = held_sitting(sitting.units, permission, parliament, clock, keys, body="justice")
    connection = sitting.connect(sitting.actor("omar"))
    assert isinstance(sitting.ask(connection), Admit)
    answer = sitting.ask(connection, other.room)
    assert isinstance(answer, TurnAway)
    assert sitting.newest()["why"] == "wrong_room"


def test_a_disabled_account_is_out_at_once(sitting: Sitting) -> None:
    connection = sitting.connect(sitting.actor("driss"))
    with sitting.units.begin() as unit:
        disable_person(unit, sitting.permission, None, sitting.parliament.people["driss"])
    answer = sitting.ask(connection)
    assert answer == TurnAway("Ce compte est désactivé. Adressez-vous au secrétariat.", ())


def test_after_closing_nobody_comes_in(sitting: Sitting) -> None:
    connection, ticket = sitting.connect(sitting.actor("driss")), sitting.ticket(sitting.actor("ghita"))
    with sitting.units.begin() as unit:
        service.close(unit, sitting.permission, sitting.actor("amina"), sitting.id)
    assert isinstance(sitting.ask(connection), TurnAway)
    assert sitting.newest()["why"] == "connection_ended"
    refused = sitting.show(ticket.token)
    assert isinstance(refused, service.NotAccepted)
    assert refused.code == "token_revoked"


def test_a_meeting_closed_behind_the_rooms_back_is_closed(sitting: Sitting) -> None:
    connection = sitting.connect(sitting.actor("driss"))
    with sitting.units.begin() as unit:
        close(unit, sitting.permission, sitting.actor("amina"), sitting.id)
    assert isinstance(sitting.ask(connection), TurnAway)
    assert sitting.newest()["why"] == "room_closed"


def test_a_password_opens_no_confidential_meeting(
    units: Units, permission: Permission, parliament: Parliament, clock: StandingClock, keys: KeyRing
) -> None:
    sitting = held_sitting(
        units, permission, parliament, clock, keys, body="cabinet", classification=Classification.CONFIDENTIAL
    )
    with pytest.raises(NotPermitted):
        sitting.ticket(sitting.actor("mehdi"))
    strong = SignIn(Strength.PHISHING_RESISTANT, certificate=False, zone="government")
    assert isinstance(sitting.ask(sitting.connect(sitting.actor("mehdi", strong))), Admit)


def test_the_press_stays_out_of_what_is_not_public(
    units: Units, permission: Permission, parliament: Parliament, clock: StandingClock, keys: KeyRing
) -> None:
    sitting = held_sitting(
        units, permission, parliament, clock, keys, classification=Classification.RESTRICTED
    )
    with pytest.raises(NotPermitted):
        sitting.ticket(sitting.guest("Journal", GuestKind.press))


class SilentEngine:
    """Policies that can decide nothing, as when a policy errs or an attribute is missing."""

    digest = "undecided"

    def ask_all(self, questions: list[Question]) -> list[PolicyRefused]:
        return [
            PolicyRefused((), {"fr": "rien", "en": "nothing"}, ("an attribute is missing",))
            for _ in questions
        ]


def test_policies_that_can_not_decide_let_nobody_in_and_the_entry_says_error(sitting: Sitting) -> None:
    connection = sitting.connect(sitting.actor("amina"))
    with sitting.units.begin() as unit:
        answer = answer_joins(SilentEngine(), Pools({}), unit, [Join(connection, sitting.room)])[0]  # type: ignore[arg-type]
    assert isinstance(answer, TurnAway)
    assert (sitting.newest()["why"], sitting.newest()["policies"]) == ("error", ())


def test_a_batch_takes_as_many_statements_as_one(sitting: Sitting, statements: list[str]) -> None:
    keys = ["amina", "driss", "ghita", "nabil", "karima", "omar", "hamid", "ilham"]
    connections = [sitting.connect(sitting.actor(key)) for key in keys]
    connections.append(sitting.connect(sitting.guest("Me Rami")))
    counts = []
    for joins in ([connections[3], connections[-1]], connections * 6):
        statements.clear()
        with sitting.units.begin() as unit:
            answer_joins(sitting.permission.policies, Pools({}), unit, [Join(c, sitting.room) for c in joins])
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert counts[0] <= 15


def test_each_of_a_batch_gets_its_own_answer_and_entry(sitting: Sitting) -> None:
    member, guest = sitting.connect(sitting.actor("driss")), sitting.connect(sitting.guest("Me Rami"))
    with sitting.units.begin() as unit:
        answers = answer_joins(
            sitting.permission.policies,
            Pools({}),
            unit,
            [Join(member, sitting.room), Join("nobody", sitting.room), Join(guest, sitting.room)],
        )
    assert [type(answer) for answer in answers] == [Admit, TurnAway, Wait]
    kinds: list[type[Entry]] = [type(entry) for entry in reversed(sitting.entries(3))]
    assert kinds == [Admitted, Refused, SentToLobby]


def test_acting_on_a_connection_that_never_was_says_so(sitting: Sitting) -> None:
    chair: Actor = sitting.actor("amina")

    def remove() -> None:
        with sitting.units.begin() as unit:
            service.remove(unit, sitting.permission, chair, "nobody", "")

    with pytest.raises(NoSuchConnection):
        remove()


def test_a_locked_meeting_lets_in_nobody_new_but_moderators(sitting: Sitting) -> None:
    member, chair = sitting.connect(sitting.actor("driss")), sitting.connect(sitting.actor("amina"))
    with sitting.units.begin() as unit:
        service.lock(unit, sitting.permission, sitting.actor("amina"), sitting.id, locked=True)
    assert isinstance(sitting.ask(member), TurnAway)
    assert sitting.newest()["why"] == "room_locked"
    assert isinstance(sitting.ask(chair), Admit)
    with sitting.units.begin() as unit:
        service.lock(unit, sitting.permission, sitting.actor("amina"), sitting.id, locked=False)
    assert isinstance(sitting.ask(member), Admit)


def test_muting_and_locking_say_who_did_it(sitting: Sitting) -> None:
    member = sitting.enter(sitting.actor("driss"))
    with sitting.units.begin() as unit:
        service.mute(unit, sitting.permission, sitting.actor("amina"), member, "audio")
        service.lock(unit, sitting.permission, sitting.actor("brahim"), sitting.id, locked=True)
    locked, muted = sitting.entries(2)
    assert (locked.by, muted.by) == (sitting.actor("brahim").pseudonym, sitting.actor("amina").pseudonym)
    assert muted.on == sitting.actor("driss").pseudonym


def test_a_revoked_guest_is_out_at_once_though_inside(sitting: Sitting) -> None:
    witness = sitting.connect(sitting.guest("Me Rami"))
    with sitting.units.begin() as unit:
        service.let_in(unit, sitting.permission, sitting.actor("amina"), witness)
    sitting.happens("joined", witness)
    with sitting.units.begin() as unit:
        service.revoke_invitation(
            unit, sitting.permission, sitting.actor("omar"), LETTERHEAD, sitting.guests["Me Rami"]
        )
        commands = [(command.name, command.arguments) for command in unit.session.scalars(select(Command))]
    assert ("remove", {"connection": witness, "reason": "Cette invitation a été retirée."}) in commands
    answer = sitting.ask(witness)
    assert answer == TurnAway("Cette invitation a été retirée.", ())


def test_a_meeting_called_for_this_very_minute_calls_those_who_sit_now(
    units: Units, permission: Permission, clock: StandingClock, keys: KeyRing
) -> None:
    """The sitting begins at the full minute, some seconds before anybody had a seat."""
    clock.advance(seconds=7)
    with units.begin() as unit:
        parliament = found(unit, permission, None)
    sitting = held_sitting(units, permission, parliament, clock, keys)
    with units.read() as session:
        called = convened_to(session, [sitting.id])[sitting.id]
    assert len(called) == 14
