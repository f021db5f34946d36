"""Where a guest's link leads: used by a person's press of the button, once, and by nothing else."""

import re

import pytest

from control_plane.audit.entries import GuestLinkRefused, GuestLinkUsed
from control_plane.meetings.service import MeetingView, revoke_invitation
from tests.browser import browser
from tests.conftest import StandingClock
from tests.web.conftest import LETTERHEAD, House

SAID = {
    "ar": "هذا الرابط غير صالح أو لم يعد صالحا.",
    "fr": "Ce lien n’est pas valable, ou ne l’est plus.",
    "en": "This link is not good, or no longer.",
}


@pytest.fixture
def meeting(house: House) -> MeetingView:
    return house.convened()


def link_of(house: House, meeting: MeetingView) -> str:
    return str(house.witness(meeting).token)


def test_opening_the_page_uses_no_link_and_records_nothing(house: House, meeting: MeetingView) -> None:
    token = link_of(house, meeting)
    before = len(house.entries())
    for _ in range(3):
        assert house.browser().get("/guest").status_code == 200
    assert len(house.entries()) == before
    assert house.browser().post("/guest", data={"token": token}).status_code == 303


def test_a_link_leads_to_the_meeting_with_a_cookie_no_script_can_read(
    house: House, meeting: MeetingView
) -> None:
    opened = house.browser()
    answer = opened.post("/guest", data={"token": link_of(house, meeting)})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/meetings/{meeting.id}")
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("majlis-guest=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert isinstance(house.entries()[0], GuestLinkUsed)
    text = opened.get(answer.headers["location"]).text
    assert "Budget 2027" in text
    assert "Yasmine Haddad" in text


@pytest.mark.parametrize("pasted", ["{}", "  {}\n", "https://majlis.test/guest#{}"])
def test_whoever_pastes_by_hand_may_paste_the_whole_link(
    house: House, meeting: MeetingView, pasted: str
) -> None:
    answer = house.browser().post("/guest", data={"token": pasted.format(link_of(house, meeting))})
    assert answer.status_code == 303


@pytest.mark.parametrize("language", ["ar", "fr", "en", "zgh"])
@pytest.mark.parametrize("what", ["used", "expired", "revoked", "unknown", "nothing", "enormous"])
def test_every_worthless_link_gets_the_same_sentence_and_is_recorded(
    house: House, clock: StandingClock, meeting: MeetingView, what: str, language: str
) -> None:
    invitation = house.witness(meeting)
    token = {"unknown": "A" * 43, "nothing": "", "enormous": "A" * 100_000}.get(what, str(invitation.token))
    if what == "used":
        house.browser().post("/guest", data={"token": token})
    elif what == "expired":
        clock.advance(hours=5)
    elif what == "revoked":
        with house.desk.units.begin() as unit:
            revoke_invitation(unit, house.permission, None, LETTERHEAD, invitation.guest.id)
    opened = house.browser(language)
    answer = opened.post("/guest", data={"token": token})
    assert answer.status_code == 403
    assert SAID.get(language, SAID["fr"]) in answer.text
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in answer.text
    assert "set-cookie" not in answer.headers
    assert not token or token not in answer.text
    refused = house.entries()[0]
    assert isinstance(refused, GuestLinkRefused)
    assert refused.why == (what if what in {"used", "expired", "revoked"} else "unknown")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://other.majlis.test"},
    ],
)
def test_a_form_of_another_site_uses_no_link(
    house: House, meeting: MeetingView, headers: dict[str, str]
) -> None:
    token = link_of(house, meeting)
    before = len(house.entries())
    answer = house.browser().post("/guest", data={"token": token}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert len(house.entries()) == before
    assert house.browser().post("/guest", data={"token": token}).status_code == 303


def test_where_somebody_is_signed_in_the_link_is_kept_for_the_guest(
    house: House, meeting: MeetingView
) -> None:
    token, opened = link_of(house, meeting), house.signed_in("omar")
    for answer in (opened.get("/guest"), opened.post("/guest", data={"token": token})):
        assert "Vous êtes connecté avec un compte" in answer.text
        assert "set-cookie" not in answer.headers
        assert token not in answer.text
    opened.post("/sign-out")
    assert opened.post("/guest", data={"token": token}).status_code == 303


def test_a_guest_who_opens_the_used_link_again_is_shown_the_way_to_the_meeting(
    house: House, meeting: MeetingView
) -> None:
    opened = house.browser()
    opened.post("/guest", data={"token": link_of(house, meeting)})
    text = opened.get("/guest").text
    assert f'href="/meetings/{meeting.id}"' in text
    assert "Yasmine Haddad" in text


def test_the_pages_own_forms_name_their_origin_in_every_browser(house: House) -> None:
    """`no-referrer` would have them say "null" (Fetch standard), and nobody could sign in."""
    assert house.browser().get("/guest").headers["referrer-policy"] == "same-origin"


def test_the_one_script_is_a_file_of_ours_that_sends_nothing(house: House) -> None:
    opened = house.browser()
    text = opened.get("/guest").text
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", text)
    assert len(scripts) == 1
    (attributes, inside) = scripts[0]
    assert not inside
    found = re.fullmatch(r' src="(/static/guest\.js\?v=[0-9a-f]{16})" defer', attributes)
    assert found
    script = opened.get(found.group(1))
    assert script.headers["content-type"].startswith("text/javascript")
    assert not re.search(
        r"fetch|XMLHttp|sendBeacon|submit|innerHTML|storage|eval", script.text, re.IGNORECASE
    )


def test_over_tls_the_guests_cookie_is_bound_to_this_host(house: House, meeting: MeetingView) -> None:
    token = link_of(house, meeting)
    object.__setattr__(house.desk.settings, "secure_cookies", True)
    with browser(house.app, scheme="https") as opened:
        cookie = opened.post("/guest", data={"token": token}).headers["set-cookie"]
    assert cookie.startswith("__Host-majlis-guest=")
    assert "Secure" in cookie.split("; ")
