"""A meeting's page: what each may read there, what they may expect at the gate, and where the letters lead."""

import re
from datetime import timedelta
from typing import Any

import pytest
from httpx import Client

from control_plane.meetings.service import (
    MeetingView,
    cancel,
    close,
    invite_person,
    open_meeting,
)
from control_plane.policy import Classification
from control_plane.rooms.models import Hold, Room
from control_plane.rooms.ticket import room_of
from tests.conftest import StandingClock
from tests.web.conftest import LETTERHEAD, MORNING, House

DIRECTIONS = {"ar": "rtl", "fr": "ltr", "en": "ltr", "zgh": "ltr"}
MAY, WAIT, NOT = "Vous pouvez entrer.", "Vous attendriez en salle d’attente.", "Pas maintenant."


@pytest.fixture
def meeting(house: House) -> MeetingView:
    return house.convened(classification=Classification.RESTRICTED)


def guest(house: House, meeting: MeetingView) -> Client:
    opened = house.browser()
    answer = opened.post("/guest", data={"token": str(house.witness(meeting).token)})
    assert answer.status_code == 303
    return opened


def persona(house: House, meeting: MeetingView, who: str) -> Client:
    if who == "guest":
        return guest(house, meeting)
    if who == "official":
        with house.desk.units.begin() as unit:
            tarik = house.parliament.people["tarik"]
            invite_person(unit, house.permission, None, LETTERHEAD, meeting.id, tarik)
        return house.signed_in("tarik")
    return house.signed_in(who)


def page(opened: Client, meeting: MeetingView) -> str:
    answer = opened.get(f"/meetings/{meeting.id}")
    assert answer.status_code == 200
    return answer.text


def put(house: House, *rows: Any) -> None:
    with house.desk.units.begin() as unit:
        unit.session.add_all(rows)


@pytest.mark.parametrize(
    ("who", "closed_points"),
    [
        ("amina", True),
        ("driss", True),
        ("nabil", True),
        ("omar", True),
        ("official", False),
        ("guest", False),
    ],
)
def test_those_concerned_read_about_the_meeting(
    house: House, meeting: MeetingView, who: str, closed_points: bool
) -> None:
    text = page(persona(house, meeting, who), meeting)
    for shown in (
        "Budget 2027",
        "Commission des finances",
        "mardi 24 novembre 2026",
        "10:00 – 12:00",
        "Africa/Casablanca",
        "convoquée",
        "diffusion restreinte",
        "Recettes",
        "le client de Jitsi",
    ):
        assert shown in text, shown
    assert ("Audition du témoin" in text) is closed_points


@pytest.mark.parametrize("who", ["tarik", "leila", "said"])
def test_a_meeting_one_may_not_read_about_answers_as_one_that_does_not_exist(
    house: House, meeting: MeetingView, who: str
) -> None:
    opened = house.signed_in(who)
    unreadable, unknown = (opened.get(f"/meetings/{each}") for each in (meeting.id, "a" * 16))
    assert unreadable.status_code == unknown.status_code == 404
    assert unreadable.text == unknown.text
    assert "Il n’y a rien ici pour vous" in unknown.text
    assert "Budget" not in unreadable.text


def test_a_guest_reads_about_no_other_meeting(house: House, meeting: MeetingView) -> None:
    other = house.convened(title="Ailleurs", classification=Classification.PUBLIC)
    opened = guest(house, meeting)
    assert opened.get(f"/meetings/{other.id}").status_code == 404


@pytest.mark.parametrize(
    ("who", "state", "minutes", "said"),
    [
        ("driss", "convened", -30, NOT),
        ("driss", "convened", -5, WAIT),
        ("driss", "open", 5, MAY),
        ("omar", "convened", -20, MAY),
        ("amina", "open", 5, MAY),
        ("official", "open", 5, MAY),
        ("guest", "convened", -5, WAIT),
        ("guest", "open", 5, WAIT),
        ("driss", "cancelled", 5, "Cette réunion est annulée."),
        ("driss", "closed", 5, "Cette réunion est terminée."),
    ],
)
def test_the_page_says_what_the_gate_would_say(
    house: House, clock: StandingClock, who: str, state: str, minutes: int, said: str
) -> None:
    meeting = house.convened(at=MORNING + timedelta(hours=2))
    clock.now = meeting.starts_at + timedelta(minutes=minutes)
    opened = persona(house, meeting, who)
    with house.desk.units.begin() as unit:
        if state == "cancelled":
            cancel(unit, house.permission, None, LETTERHEAD, meeting.id)
        if state in {"open", "closed"}:
            open_meeting(unit, house.permission, None, meeting.id)
        if state == "closed":
            close(unit, house.permission, None, meeting.id)
    before = len(house.entries())
    text = page(opened, meeting)
    assert said in text
    assert sum(each in text for each in (MAY, WAIT, NOT)) == (said in (MAY, WAIT, NOT))
    assert ("Revenez peu avant le début." in text) is (said == NOT)
    assert len(house.entries()) == before  # to look is no decision


def test_the_page_knows_of_locks_and_of_who_was_sent_out(
    house: House, clock: StandingClock, meeting: MeetingView
) -> None:
    clock.now = meeting.starts_at
    with house.desk.units.begin() as unit:
        open_meeting(unit, house.permission, None, meeting.id)
    people = house.parliament.people
    driss, chair = house.signed_in("driss"), house.signed_in("amina")
    put(house, Room(meeting_id=meeting.id, name="r" * 40, locked=True))
    assert "La présidence a verrouillé la séance" in page(driss, meeting)
    assert MAY in page(chair, meeting)
    put(house, Hold(meeting_id=meeting.id, subject_id=people["driss"], removed=True, since=clock.now))
    assert "La présidence vous a retiré de la séance." in page(driss, meeting)
    put(house, Hold(meeting_id=meeting.id, subject_id=people["ghita"], removed=False, since=clock.now))
    assert WAIT in page(house.signed_in("ghita"), meeting)


@pytest.mark.parametrize("language", DIRECTIONS)
@pytest.mark.parametrize("who", ["driss", "guest"])
def test_the_page_speaks_each_language_in_its_direction(
    house: House, meeting: MeetingView, language: str, who: str
) -> None:
    opened = persona(house, meeting, who)
    there = f"/meetings/{meeting.id}"
    answer = opened.get("/language", params={"to": language, "next": there})
    assert (answer.status_code, answer.headers["location"]) == (303, there)
    answer = opened.get(there)
    assert f'<html lang="{language}" dir="{DIRECTIONS[language]}">' in answer.text
    assert answer.headers["content-language"] == language
    missing = opened.get("/meetings/nothing")
    assert f'<html lang="{language}" dir="{DIRECTIONS[language]}">' in missing.text


def test_an_error_speaks_the_accounts_language_where_none_was_chosen(house: House) -> None:
    opened = house.signed_in("amina")
    opened.cookies.delete("majlis-language")
    assert '<html lang="ar" dir="rtl">' in opened.get("/meetings/nothing").text


def test_no_page_holds_a_room_a_token_a_link_or_a_script(house: House, meeting: MeetingView) -> None:
    with house.desk.units.begin() as unit:
        room = room_of(unit, meeting.id)
    link = str(house.witness(meeting).token)
    for who in ("amina", "omar", "official", "guest"):
        opened = persona(house, meeting, who)
        text = page(opened, meeting)
        secrets = [room, link, *(value for name, value in opened.cookies.items() if "language" not in name)]
        assert len(secrets) >= 3
        assert not [secret for secret in secrets if secret in text]
        assert not re.search(r"<script|<style|\bstyle=|\son\w+=|javascript:", text)
        addresses = re.findall(r'(?:href|src|action)="([^"]*)"', text)
        assert all(re.match(r"[/#](?!/)", address) for address in addresses)
        ids = re.findall(r'\bid="([^"]*)"', text)
        assert len(ids) == len(set(ids))


def test_what_people_typed_is_text_and_never_markup(house: House) -> None:
    meeting = house.convened(title="<script>alert(1)</script> & \"'")
    text = page(house.signed_in("amina"), meeting)
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in text
    assert "<title>&lt;script&gt;" in text


def test_the_day_leads_to_the_meetings_one_may_read(house: House, meeting: MeetingView) -> None:
    link = f'href="/meetings/{meeting.id}"'
    assert link in house.signed_in("amina").get("/").text
    assert link not in house.signed_in("tarik").get("/").text


def test_the_page_takes_a_fixed_number_of_statements(house: House, statements: list[str]) -> None:
    counts = []
    for who, guests in (("amina", 1), ("driss", 9)):
        meeting = house.convened()
        for _ in range(guests):
            house.witness(meeting)
        opened = house.signed_in(who)
        statements.clear()
        page(opened, meeting)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 20
