"""What a page tells somebody to expect is what the gate then answers, and telling it leaves no trace."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from control_plane.meetings.service import close
from control_plane.permission import Actor
from control_plane.rooms import service
from control_plane.rooms.models import JoinToken, Room
from control_plane.rooms.service import (
    Admit,
    Answer,
    MayEnter,
    MayWait,
    NotNow,
    Outlook,
    TurnAway,
    Wait,
    outlook,
)
from tests.rooms.conftest import Sitting

WHO = ("amina", "omar", "driss", "ghita", "nabil", "tarik", "witness")
Happening = Callable[[Sitting, dict[str, str]], None]


def nothing(_sitting: Sitting, _connections: dict[str, str]) -> None:
    """Leave everything as it is."""


def locked(sitting: Sitting, _connections: dict[str, str]) -> None:
    with sitting.units.begin() as unit:
        service.lock(unit, sitting.permission, sitting.actor("amina"), sitting.id, locked=True)


def in_camera(sitting: Sitting, _connections: dict[str, str]) -> None:
    with sitting.units.begin() as unit:
        service.move_in_camera(unit, sitting.permission, sitting.actor("amina"), sitting.id)


def sent_back_and_removed(sitting: Sitting, connections: dict[str, str]) -> None:
    chair = sitting.actor("amina")
    for who in ("driss", "ghita"):
        sitting.ask(connections[who])
        sitting.happens("joined", connections[who])
    with sitting.units.begin() as unit:
        service.send_back(unit, sitting.permission, chair, connections["driss"], "")
    with sitting.units.begin() as unit:
        service.remove(unit, sitting.permission, chair, connections["ghita"], "")


def let_in(sitting: Sitting, connections: dict[str, str]) -> None:
    sitting.happens("lobby_entered", connections["witness"])
    with sitting.units.begin() as unit:
        service.let_in(unit, sitting.permission, sitting.actor("amina"), connections["witness"])


def the_member_whom_nabil_replaces_came(sitting: Sitting, _connections: dict[str, str]) -> None:
    sitting.enter(sitting.actor("karima"))


def overrun(sitting: Sitting, _connections: dict[str, str]) -> None:
    sitting.clock.advance(hours=7)


def expected(sitting: Sitting, actor: Actor) -> Outlook:
    with sitting.units.begin() as unit:
        return outlook(unit, sitting.permission, actor, sitting.id)


def same(told: Outlook, answer: Answer) -> bool:
    match told, answer:
        case MayEnter(_, moderator), Admit(moderator=leads):
            return moderator == leads
        case MayWait(), Wait():
            return True
        case NotNow(reasons, policies), TurnAway(reason, forbids):
            return policies == forbids and reason in reasons.values()
    return False


@pytest.mark.parametrize(
    "happening",
    [
        nothing,
        locked,
        in_camera,
        sent_back_and_removed,
        let_in,
        the_member_whom_nabil_replaces_came,
        overrun,
    ],
    ids=lambda happening: str(happening.__name__),
)
def test_the_gate_answers_what_the_page_told(sitting: Sitting, happening: Happening) -> None:
    actors = {who: sitting.guest("Me Rami") if who == "witness" else sitting.actor(who) for who in WHO}
    connections = {who: sitting.connect(actor) for who, actor in actors.items() if who != "tarik"}
    happening(sitting, connections)
    told = {who: expected(sitting, actors[who]) for who in connections}
    answers = {who: sitting.ask(connection) for who, connection in connections.items()}
    assert len(answers) == 6
    assert [(told[who], answers[who]) for who in answers if not same(told[who], answers[who])] == []


def test_a_stranger_to_the_body_and_a_closed_sitting_are_told_no(sitting: Sitting) -> None:
    assert isinstance(expected(sitting, sitting.actor("tarik")), NotNow)
    with sitting.units.begin() as unit:
        close(unit, sitting.permission, None, sitting.id)
    told = expected(sitting, sitting.actor("amina"))
    assert isinstance(told, NotNow)
    assert told.reasons["en"] == "This meeting is not open now."


def test_to_look_makes_no_token_no_room_and_no_entry(sitting: Sitting) -> None:
    def kept() -> list[int]:
        with sitting.units.read() as session:
            tables = [session.scalar(select(func.count()).select_from(each)) for each in (JoinToken, Room)]
        return [len(sitting.entries(5_000)), *(int(each or 0) for each in tables)]

    before = kept()
    for who in ("amina", "driss", "tarik"):
        expected(sitting, sitting.actor(who))
    assert kept() == before
