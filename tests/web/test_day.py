"""The day, as each may see it."""

from datetime import timedelta

import pytest

from control_plane.policy import Classification
from control_plane.rooms.ticket import room_of
from tests.web.conftest import MORNING, House


def test_a_day_without_meetings_explains_itself(house: House) -> None:
    text = house.signed_in("amina").get("/").text
    assert "mardi 24 novembre 2026" in text
    assert "Aucune réunion ne commence ce jour-là." in text


def test_a_member_sees_title_state_classification_agenda_and_how_many_are_called(house: House) -> None:
    meeting = house.convened(classification=Classification.RESTRICTED)
    house.witness(meeting)
    text = house.signed_in("amina").get("/").text
    for shown in ("Budget 2027", "10:00 – 12:00", "Africa/Casablanca", "convoquée", "diffusion restreinte"):
        assert shown in text
    assert "Recettes" in text
    assert "Audition du témoin" in text
    assert (
        "Convoqués : 15" in text
    )  # fourteen of the committee, clerk and substitute included, and the witness


@pytest.mark.parametrize(
    ("who", "classification"),
    [
        ("tarik", Classification.RESTRICTED),  # member of another committee
        ("said", Classification.RESTRICTED),  # administrator
        ("leila", Classification.RESTRICTED),  # security officer, whose log page tells no title either
        ("amina", Classification.CONFIDENTIAL),  # the chair, but signed in with a password only
    ],
)
def test_who_may_not_read_about_a_meeting_sees_body_and_time_only(
    house: House, who: str, classification: Classification
) -> None:
    house.convened(title="Affaire discrète", classification=classification)
    text = house.signed_in(who).get("/").text
    assert "Commission des finances" in text
    assert "10:00 – 12:00" in text
    for hidden in ("Affaire discrète", "Recettes", "Convoqués :", "tag class-", "tag state-"):
        assert hidden not in text


def test_others_see_the_public_points_only_of_a_public_meeting(house: House) -> None:
    house.convened(classification=Classification.PUBLIC)
    text = house.signed_in("tarik").get("/").text
    assert "Recettes" in text
    assert "Audition du témoin" not in text


def test_a_draft_is_not_shown_to_who_may_not_read_it(house: House) -> None:
    house.book(title="Projet")
    assert "Projet" in house.signed_in("omar").get("/").text
    for who in ("driss", "tarik", "leila"):
        text = house.signed_in(who).get("/").text
        assert "10:00 – 12:00" not in text


def test_the_days_before_and_after_are_a_link_away(house: House) -> None:
    house.convened(title="Demain", at=MORNING + timedelta(days=1))
    opened = house.signed_in("amina")
    today = opened.get("/").text
    assert "Demain" not in today
    assert 'href="/?day=2026-11-23"' in today
    assert 'href="/?day=2026-11-25"' in today
    assert "Demain" in opened.get("/?day=2026-11-25").text


def test_a_meeting_belongs_to_the_day_of_its_own_clocks(house: House) -> None:
    late = MORNING.replace(hour=23, minute=30)
    house.convened(title="Kiritimati", at=late, zone="Pacific/Kiritimati")
    house.convened(title="Honolulu", at=late, ends=late + timedelta(hours=2), zone="Pacific/Honolulu")
    opened = house.signed_in("amina")
    text = opened.get("/").text
    assert "Kiritimati" in text
    assert "Honolulu" in text
    assert "jusqu’au mercredi 25 novembre 2026" in text
    for other in ("2026-11-23", "2026-11-25"):
        assert "Aucune réunion" in opened.get("/", params={"day": other}).text


@pytest.mark.parametrize("asked", ["", "yesterday", "2026-13-45", "2026-11-24' OR 1=1", "9" * 400, "\0"])
def test_what_is_no_day_means_today(house: House, asked: str) -> None:
    answer = house.signed_in("amina").get("/", params={"day": asked})
    assert answer.status_code == 200
    assert "mardi 24 novembre 2026" in answer.text


@pytest.mark.parametrize("asked", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_no_fault(house: House, asked: str) -> None:
    assert house.signed_in("amina").get("/", params={"day": asked}).status_code == 200


def test_what_people_typed_is_text_and_never_markup(house: House) -> None:
    house.convened(title="<script>alert(1)</script> & \"'")
    text = house.signed_in("amina").get("/").text
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in text


def test_no_page_shows_a_room_a_token_or_a_link(house: House) -> None:
    meeting = house.convened(classification=Classification.PUBLIC)
    invitation = house.witness(meeting)
    with house.desk.units.begin() as unit:
        room = room_of(unit, meeting.id)
    for who in ("amina", "omar", "leila", "tarik"):
        opened = house.signed_in(who)
        text = opened.get("/").text
        for secret in (
            room,
            str(invitation.token),
            opened.cookies["majlis"],
            opened.cookies["majlis-device"],
        ):
            assert secret not in text


def test_a_day_takes_as_many_statements_with_twelve_meetings_as_with_one(
    house: House, statements: list[str]
) -> None:
    counts = []
    for opened, number in ((house.signed_in("amina"), 1), (house.signed_in("driss"), 11)):
        for _ in range(number):
            house.witness(house.convened())
        statements.clear()
        assert opened.get("/").status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 14
