"""What the gate reads of meetings: in batches, with one statement each."""

from datetime import UTC, datetime, timedelta

from control_plane.meetings.models import AgendaItem, Guest, Invitation, Meeting
from control_plane.meetings.service import agenda_of, convened_to, day, guests, guests_of, invited, meetings
from control_plane.policy import Classification, Function, GuestKind, State
from control_plane.unit import Units

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def _meeting(number: int) -> Meeting:
    start = START + timedelta(hours=number)
    wall = start.replace(tzinfo=None)
    return Meeting(
        id=f"m{number}",
        body_id="finances",
        title=f"Séance {number}",
        classification=2,
        state="convened",
        starts_wall=wall,
        ends_wall=wall + timedelta(hours=1),
        zone="Africa/Casablanca",
        starts_at=start,
        ends_at=start + timedelta(hours=1),
        uid=f"uid{number}",
        created_by="clerk",
        changed_at=START,
    )


def _guest(number: int) -> Guest:
    return Guest(
        id=f"g{number}",
        pseudonym=f"p{number}",
        meeting_id="m0",
        kind="witness",
        name=f"Témoin {number}",
        email="temoin@example.org",
        organisation="",
        language="fr",
        link_hash=bytes([number]) * 32,
        link_expires_at=START,
        used_at=START if number else None,
    )


def _stored(units: Units) -> None:
    with units.begin() as unit:
        unit.session.add_all([_meeting(number) for number in range(3)])
        unit.session.flush()
        unit.session.add_all([_guest(0), _guest(1)])
        unit.session.add(Invitation(meeting_id="m0", person_id="amina", function="chair"))
        unit.session.add(Invitation(meeting_id="m0", person_id="driss"))
        unit.session.add(AgendaItem(id="a1", meeting_id="m0", position=2, title="Vote", public=False))
        unit.session.add(AgendaItem(id="a0", meeting_id="m0", position=1, title="Audition", public=True))


def test_meetings_invitations_and_guests_are_read_in_batches(units: Units, statements: list[str]) -> None:
    _stored(units)
    statements.clear()
    with units.read() as session:
        found = meetings(session, ["m0", "m2", "absent"])
        pairs = invited(session, [("m0", "amina"), ("m0", "driss"), ("m0", "brahim"), ("m1", "driss")])
        people = guests(session, ["g0", "g1", "absent"])
    assert len(statements) == 3
    assert set(found) == {"m0", "m2"}
    assert (found["m0"].classification, found["m0"].state) == (Classification.CONFIDENTIAL, State.convened)
    assert found["m0"].starts_at == START
    assert pairs == {("m0", "driss")}  # a member comes by membership, and no longer when that ends
    assert [(guest.kind, guest.used, guest.admitted) for guest in people.values()] == [
        (GuestKind.witness, False, False),
        (GuestKind.witness, True, False),
    ]


def test_asking_for_nothing_asks_the_database_nothing(units: Units, statements: list[str]) -> None:
    statements.clear()
    with units.read() as session:
        assert (meetings(session, []), invited(session, []), guests(session, [])) == ({}, set(), {})
    assert statements == []


def test_the_day_agenda_and_convened_are_in_order(units: Units) -> None:
    _stored(units)
    with units.read() as session:
        assert [found.id for found in day(session, START, START + timedelta(hours=2))] == ["m0", "m1"]
        agenda = agenda_of(session, ["m0", "m1"])
        assert [item.title for item in agenda["m0"]] == ["Audition", "Vote"]
        assert agenda["m1"] == []
        assert convened_to(session, ["m0", "m1"]) == {
            "m0": {"amina": Function.chair, "driss": None},
            "m1": {},
        }
        assert [guest.id for guest in guests_of(session, ["m0"])["m0"]] == ["g0", "g1"]
