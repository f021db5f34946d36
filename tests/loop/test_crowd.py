"""A whole chamber knocks at once: everybody gets in, nobody twice."""

import time
from collections import Counter
from datetime import timedelta

from control_plane.audit.entries import Admitted, ConnectionAccepted, Joined
from control_plane.database import utc_now
from control_plane.meetings.service import Booking, Letterhead, book, convene, open_meeting, to_wall
from control_plane.people.service import (
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
from control_plane.rooms.service import Ticket, TicketOffice, hand_out_token
from demo.appliance import DOMAIN
from demo.parliament import ZONE
from demo.players import Joined as Inside
from tests.loop.house import NUMBERS, House

CHAMBER = 60
HEAD = Letterhead("https://majlis.test", "Majlis", "majlis@majlis.test")


def chamber(house: House) -> tuple[str, list[str]]:
    """Make a chamber of sixty with an open sitting, as the operator would, and return its id and their ids."""
    permission = Permission(house.desk.policies.engine)
    starts = to_wall(utc_now(), ZONE).replace(second=0, microsecond=0)
    with house.desk.units.begin() as unit:
        details = BodyDetails(
            kind=BodyKind.chamber,
            names={"ar": "المجلس", "fr": "Chambre", "en": "Chamber", "zgh": "ⴰⵙⵇⵇⵉⵎ"},
            zone=ZONE,
            quorum=QuorumRule(QuorumKind.percent, 50),
            default=Classification.PUBLIC,
            highest=Classification.RESTRICTED,
            notice_hours=0,
            capacity=100,
        )
        body = create_body(unit, permission, None, details)
        people = []
        for number in range(CHAMBER):
            names = {"ar": f"عضو {number}", "fr": f"Membre {number}"}
            email = f"member-{next(NUMBERS)}@chamber.test"
            person = add_person(
                unit, permission, None, PersonDetails(names=names, email=email, language="fr")
            )
            function = Function.member if number else Function.chair
            begin_membership(unit, permission, None, person_id=person, body_id=body, function=function)
            people.append(person)
    with house.desk.units.begin() as unit:
        booking = Booking(body, "Séance plénière", starts, starts + timedelta(hours=2))
        meeting = book(unit, permission, None, booking)
        convene(unit, permission, None, HEAD, meeting.id, reason="urgence", accept_conflicts=True)
        open_meeting(unit, permission, None, meeting.id)
    return meeting.id, people


def tickets(house: House, meeting: str, people: list[str]) -> list[Ticket]:
    permission = Permission(house.desk.policies.engine)
    office = TicketOffice(permission, house.desk.keys, DOMAIN, 120, house.desk.pools)
    sign_in = SignIn(Strength.PASSWORD, certificate=False, zone="parliament")
    with house.desk.units.begin() as unit:
        known = standings(unit.session, people, unit.now)
        return [hand_out_token(unit, office, actor_of(known[person], sign_in), meeting) for person in people]


def test_sixty_members_who_join_at_once_all_get_in_and_none_twice(each_house: House) -> None:
    house = each_house
    meeting, people = chamber(house)
    mark = house.size()
    held = tickets(house, meeting, people)
    for ticket in held:
        house.remember("token", ticket.token)
    room = house.remember("room", held[0].room)
    began = time.monotonic()
    connecting = [house.begin_connect("chamber", {"token": ticket.token}) for ticket in held]
    clients = [connect(30) for connect in connecting]
    connected = time.monotonic()
    joining = [client.begin_join(room) for client in clients]
    outcomes = [join(30) for join in joining]
    print(f"{CHAMBER} connected in {connected - began:.2f} s, joined in {time.monotonic() - connected:.2f} s")
    assert all(isinstance(outcome, Inside) for outcome in outcomes), outcomes
    assert sum(isinstance(o, Inside) and o.role == "moderator" for o in outcomes) == 1
    joined = house.wait_for(mark, Joined, meeting, count=CHAMBER)
    admitted = house.entries(mark, Admitted, meeting)
    accepted = house.entries(mark, ConnectionAccepted, meeting)
    roster = house.roster(room) or []
    for seats in (joined, admitted, accepted):
        assert set(Counter(entry.connection for entry in seats).values()) == {1}
        assert {entry.connection for entry in seats} == {occupant["connection"] for occupant in roster}
    assert len({entry.by for entry in admitted}) == len(roster) == CHAMBER
    for client in clients:
        client.disconnect()
