"""The convocation: who is called, what they are told, what they must not be told."""

import icalendar
import pytest

from control_plane.audit.entries import MeetingConvened
from control_plane.meetings.service import (
    Conflicting,
    GuestDetails,
    NoticeTooShort,
    NotInState,
    convene,
    convened_to,
    invite_guest,
    invite_person,
    invited,
)
from control_plane.people.service import disable_person
from control_plane.permission import NotPermitted
from control_plane.policy import Classification, Function, GuestKind, State
from tests.meetings.conftest import LETTERHEAD, MORNING, Parliament, kinds, moment, wall
from tests.meetings.letters import calendar_in, letter, text_in


def test_everybody_who_sits_and_the_clerk_are_called_by_one_recorded_change(house: Parliament) -> None:
    body = house.committee(members=2)
    house.seat(body, "membre 0 de Commission des finances", Function.clerk)
    gone = house.seat(body, "parti")
    with house.units.begin() as unit:
        disable_person(unit, house.permission, None, gone)
    meeting = house.book(body)
    with house.units.begin() as unit:
        convened = convene(unit, house.permission, house.clerk(), LETTERHEAD, meeting.id)
    assert (convened.state, convened.version) == (State.convened, 2)
    entry, readable = house.last()
    assert isinstance(entry, MeetingConvened)
    assert (entry.invited, entry.short_notice, entry.by) == (4, False, house.clerk().pseudonym)
    assert readable == {"title": "Budget 2027"}
    with house.units.read() as session:
        functions = convened_to(session, [meeting.id])[meeting.id]
    assert functions == {
        house.people["président de Commission des finances"]: Function.chair,
        house.people["greffier de Commission des finances"]: Function.clerk,
        house.people["membre 0 de Commission des finances"]: Function.member,
        house.people["membre 1 de Commission des finances"]: Function.member,
    }
    assert len(house.mails()) == 4


def test_a_letter_tells_the_calendar_what_and_when_and_never_which_room(house: Parliament) -> None:
    meeting = house.convened(house.committee(members=0))
    mails = {mail.address: mail for mail in house.mails()}
    parts = [calendar_in(mail.message).events[0] for mail in mails.values()]
    roles = sorted(str(each["ATTENDEE"].params["ROLE"]) for each in parts)
    assert roles == ["CHAIR", "NON-PARTICIPANT"]
    for mail in mails.values():
        read, (event,) = letter(mail.message), calendar_in(mail.message).events
        assert read["To"].addresses[0].addr_spec == mail.address
        assert read["Message-ID"] == f"<{mail.id}@parlement.test>"
        assert event["ATTENDEE"] == f"mailto:{mail.address}"  # their own address only
        assert str(event["ORGANIZER"]) == "mailto:majlis@parlement.test"
        assert str(event["SUMMARY"]) == "Budget 2027"
        assert event["SEQUENCE"] == 0
        conference = event["CONFERENCE"]
        assert str(conference) == f"https://majlis.parlement.test/meetings/{meeting.id}"
        assert conference.params["VALUE"] == "URI"
        assert conference.params["FEATURE"] == ["AUDIO", "VIDEO"]
        assert event.decoded("DTSTART").replace(tzinfo=None) == MORNING
        assert str(event["DTSTART"].params["TZID"]) == "Africa/Casablanca"
        assert "2026-12-01 10:00–12:00 (Africa/Casablanca)" in text_in(mail.message)


@pytest.mark.parametrize("classification", [Classification.CONFIDENTIAL, Classification.SECRET])
def test_mail_of_a_closed_meeting_names_the_body_and_not_the_matter(
    house: Parliament, classification: Classification
) -> None:
    house.convened(house.committee(), title="Affaire Benjelloun", classification=classification)
    mails = house.mails()
    assert mails
    for mail in mails:
        (event,) = calendar_in(mail.message).events
        assert str(event["SUMMARY"]) == "Commission des finances"
        assert str(event["CLASS"]) == "CONFIDENTIAL"
        assert "Benjelloun" not in mail.subject + text_in(mail.message) + str(event)


def test_everybody_is_written_to_in_their_language(house: Parliament) -> None:
    body = house.body()
    for language in ("ar", "fr", "en", "zgh"):
        house.person(f"membre {language}", language)
        house.seat(body, f"membre {language}")
    house.convened(body, classification=Classification.CONFIDENTIAL)
    assert sorted(mail.subject for mail in house.mails()) == sorted(
        [
            "دعوة: الCommission des finances",
            "Convocation : Commission des finances",
            "Convocation: Commission des finances",
            "ⴰⵖⵓⵔⵉ: Commission des finances",
        ]
    )


def test_short_notice_needs_a_reason_and_both_are_recorded(house: Parliament) -> None:
    body = house.committee(notice_hours=48)
    meeting = house.book(body, at=wall("2026-11-25T10:00"))
    with pytest.raises(NoticeTooShort), house.units.begin() as unit:
        convene(unit, house.permission, house.clerk(), LETTERHEAD, meeting.id)
    assert house.mails() == []
    with house.units.begin() as unit:
        convene(unit, house.permission, house.clerk(), LETTERHEAD, meeting.id, reason="séisme")
    entry, readable = house.last()
    assert isinstance(entry, MeetingConvened)
    assert entry.short_notice
    assert readable["reason"] == "séisme"


def test_convening_into_a_conflict_is_refused_and_writes_to_nobody(house: Parliament) -> None:
    body = house.committee()
    house.book(body, title="Audition")
    meeting = house.book(body)
    with pytest.raises(Conflicting, match="Audition"), house.units.begin() as unit:
        convene(unit, house.permission, house.clerk(), LETTERHEAD, meeting.id)
    assert house.mails() == []
    with house.units.begin() as unit:
        convene(unit, house.permission, house.clerk(), LETTERHEAD, meeting.id, accept_conflicts=True)
    assert house.last()[1]["conflicts"] == ["body: Commission des finances: Audition"]


def test_a_member_may_not_convene(house: Parliament) -> None:
    meeting = house.book(house.committee())
    member = house.actor("membre 0 de Commission des finances")
    with pytest.raises(NotPermitted), house.units.begin() as unit:
        convene(unit, house.permission, member, LETTERHEAD, meeting.id)
    assert house.mails() == []
    assert kinds(house.entries())[-1] == "ActionRefused"


def test_nobody_is_convened_twice(house: Parliament) -> None:
    meeting = house.convened(house.committee())
    written = len(house.mails())
    with pytest.raises(NotInState, match="the meeting is convened"), house.units.begin() as unit:
        convene(unit, house.permission, house.clerk(), LETTERHEAD, meeting.id)
    assert len(house.mails()) == written


def test_an_official_of_another_body_is_named_on_the_convocation(house: Parliament) -> None:
    meeting = house.book(house.committee(members=0))
    official = house.person("directeur du Trésor")
    for _ in range(2):
        with house.units.begin() as unit:
            invite_person(unit, house.permission, house.clerk(), LETTERHEAD, meeting.id, official)
    assert kinds(house.entries()).count("MeetingChanged") == 1
    assert house.mails() == []
    with house.units.begin() as unit:
        convene(unit, house.permission, house.clerk(), LETTERHEAD, meeting.id)
    assert len(house.mails()) == 3
    chair = house.people["président de Commission des finances"]
    with house.units.read() as session:
        asked = [(meeting.id, official), (meeting.id, chair)]
        assert invited(session, asked) == {(meeting.id, official)}
        assert convened_to(session, [meeting.id])[meeting.id][official] is None


def test_an_official_named_later_is_written_to_at_once(house: Parliament) -> None:
    meeting = house.convened(house.committee(members=0))
    official = house.person("directeur du Trésor")
    with house.units.begin() as unit:
        invite_person(unit, house.permission, house.clerk(), LETTERHEAD, meeting.id, official)
    assert len(house.mails()) == 3


def test_guests_by_mail_are_written_to_when_the_meeting_is_convened(house: Parliament) -> None:
    meeting = house.book(house.committee(members=0))
    details = GuestDetails(GuestKind.expert, "Mme Alaoui", "alaoui@example.org", language="ar")
    with house.units.begin() as unit:
        invitation = invite_guest(
            unit, house.permission, house.clerk(), LETTERHEAD, meeting.id, details, by_mail=True
        )
    assert invitation.token is None
    assert house.mails() == []
    with house.units.begin() as unit:
        convene(unit, house.permission, house.clerk(), LETTERHEAD, meeting.id)
    (mail,) = [each for each in house.mails() if each.address == "alaoui@example.org"]
    assert mail.guest_id == invitation.guest.id
    assert mail.recipient == invitation.guest.pseudonym
    assert "https://majlis.parlement.test/guest#link-goes-here" in text_in(mail.message)


def test_convening_takes_as_many_statements_for_two_hundred_members_as_for_five(
    house: Parliament, statements: list[str]
) -> None:
    counts = []
    for members in (5, 200):
        meeting = house.book(house.committee(f"Commission {members}", members=members))
        statements.clear()
        with house.units.begin() as unit:
            convene(unit, house.permission, None, LETTERHEAD, meeting.id)
        counts.append(len(statements))
    assert counts[0] == counts[1] < 25
    assert len(house.mails()) == 5 + 200 + 2 * 2


def test_the_letter_of_a_december_meeting_carries_decembers_offset(house: Parliament) -> None:
    house.convened(house.committee(members=0))
    (zone,) = calendar_in(house.mails()[0].message).walk("VTIMEZONE")
    assert isinstance(zone, icalendar.Timezone)
    (observance,) = zone.subcomponents
    assert observance["TZOFFSETTO"].to_ical() == "+0000"
    assert moment("2026-12-01T10:00") == house.convened(house.body("Autre")).starts_at
