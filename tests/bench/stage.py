"""A body of 200 members in ten open meetings, their connections made, on the database to be measured."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from control_plane.database import new_id, utc_now
from control_plane.desk import Desk, prepare, set_up_desk
from control_plane.meetings.service import Booking, Letterhead, book, convene, open_meeting, to_wall
from control_plane.people.service import (  # fmt: skip
    BodyDetails,
    BodyKind,
    PersonDetails,
    QuorumKind,
    QuorumRule,
    actor_of,
    add_person,
    begin_membership,
    create_body,
    standings,
)
from control_plane.permission import Permission
from control_plane.policy import Classification, Function, SignIn, Strength
from control_plane.rooms.models import Connection
from control_plane.rooms.service import TicketOffice, hand_out_token
from control_plane.rooms.ticket import room_of
from control_plane.unit import Unit
from demo.appliance import parsed
from tests.postgres import free_port

MEMBERS, MEETINGS = 200, 10
ZONE = "Africa/Casablanca"


@dataclass(frozen=True, slots=True)
class Scene:
    """The settings to serve with, the questions Prosody would ask, and the desk beside the server."""

    settings: dict[str, str]
    questions: list[str]
    desk: Desk


def furnish(database_url: str, directory: Path) -> Scene:
    """Make the schema, the keys, the people, the meetings and the connections."""
    settings = {
        "database_url": database_url,
        "keys": str(directory / "keys"),
        "gate_secret": secrets.token_urlsafe(32),
        "control_secret": secrets.token_urlsafe(32),
        "secure_cookies": "false",
    }
    prepare(parsed(settings), utc_now)
    desk = set_up_desk(parsed(settings), utc_now)
    permission = Permission(desk.policies.engine)
    with desk.units.begin() as unit:
        questions = list(_people_the_rooms(unit, permission))
    return Scene(settings, questions, desk)


def _people_the_rooms(unit: Unit, permission: Permission) -> Iterator[str]:
    body = create_body(unit, permission, None, _body())
    people = [add_person(unit, permission, None, _person(number)) for number in range(MEMBERS)]
    for number, person in enumerate(people):
        function = Function.chair if number == 0 else Function.member
        begin_membership(unit, permission, None, person_id=person, body_id=body, function=function)
    rooms = {meeting: room_of(unit, meeting) for meeting in _meetings(unit, permission, body)}
    for number, person in enumerate(people):
        meeting = list(rooms)[number % MEETINGS]
        connection = Connection(
            id=new_id(),
            meeting_id=meeting,
            person_id=person,
            strength=1,
            certificate=False,
            zone="parliament",
            opened_at=unit.now,
        )
        unit.session.add(connection)
        yield json.dumps({"connection": connection.id, "room": rooms[meeting], "lobby": False, "nick": "x"})


def _meetings(unit: Unit, permission: Permission, body: str) -> Iterator[str]:
    head = Letterhead("https://majlis.test", "Majlis", "majlis@majlis.test")
    starts = to_wall(unit.now, ZONE)
    for number in range(MEETINGS):
        booking = Booking(body, f"Séance {number}", starts, starts + timedelta(hours=4))
        meeting = book(unit, permission, None, booking, accept_conflicts=True).id
        convene(unit, permission, None, head, meeting, reason="mesure", accept_conflicts=True)
        open_meeting(unit, permission, None, meeting)
        yield meeting


def _body() -> BodyDetails:
    return BodyDetails(
        kind=BodyKind.chamber,
        names={"ar": "مجلس النواب", "fr": "Chambre"},
        zone=ZONE,
        quorum=QuorumRule(QuorumKind.percent, 50),
        default=Classification.PUBLIC,
        highest=Classification.RESTRICTED,
        notice_hours=24,
        capacity=MEMBERS,
    )


def _person(number: int) -> PersonDetails:
    return PersonDetails({"ar": f"عضو {number}", "fr": f"Membre {number}"}, f"m{number}@majlis.test", "fr")


def ticket(scene: Scene, number: int) -> tuple[str, str]:
    """Return a join token, and its room, for one of the twenty members who are all in the first meeting."""
    office = TicketOffice(
        Permission(scene.desk.policies.engine),
        scene.desk.keys,
        scene.desk.settings.domain,
        600,
        scene.desk.pools,
    )
    with scene.desk.units.begin() as unit:
        connection = unit.session.get_one(
            Connection, json.loads(scene.questions[number * MEETINGS])["connection"]
        )
        person = standings(unit.session, [str(connection.person_id)], unit.now)[str(connection.person_id)]
        actor = actor_of(person, SignIn(Strength.PASSWORD, certificate=False, zone="parliament"))
        given = hand_out_token(unit, office, actor, connection.meeting_id)
    return given.token, given.room


@contextmanager
def served(scene: Scene) -> Iterator[tuple[str, int]]:
    """Serve the scene and give the server's address and process id."""
    port = free_port()
    environment = {
        **os.environ,
        **{f"MAJLIS_{name.upper()}": value for name, value in scene.settings.items()},
    }
    command = [sys.executable, "-m", "tests.bench.server", str(port)]
    process = subprocess.Popen(command, env=environment)
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(timeout=15)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server to be measured did not come up")
