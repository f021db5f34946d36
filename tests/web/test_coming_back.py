"""Back to the page one came for, and nowhere else; and what answers where no page is."""

import re

import pytest

from control_plane.meetings.service import MeetingView
from control_plane.policy import Classification
from demo.parliament import email
from tests.web.conftest import PASSWORD, House


@pytest.fixture
def meeting(house: House) -> MeetingView:
    return house.convened(classification=Classification.RESTRICTED)


def test_whoever_is_signed_out_signs_in_and_comes_back(house: House, meeting: MeetingView) -> None:
    there, opened = f"/meetings/{meeting.id}", house.browser()
    answer = opened.get(there)
    assert answer.status_code == 401
    assert "Budget" not in answer.text
    assert f'<input type="hidden" name="next" value="{there}">' in answer.text
    assert opened.get("/meetings/nothing").text == answer.text.replace(meeting.id, "nothing")
    wrong = opened.post("/sign-in", data={"email": email("amina"), "password": "wrong", "next": there})
    assert f'name="next" value="{there}"' in wrong.text
    data = {"email": email("amina"), "password": PASSWORD, "next": there}
    right = opened.post("/sign-in", data=data)
    assert (right.status_code, right.headers["location"]) == (303, there)
    assert "Budget 2027" in opened.get(there).text


HOSTILE = [
    "https://evil.test/",
    "//evil.test",
    "///evil.test/meetings/x",
    "/\\evil.test",
    "\\\\evil.test",
    "/meetings/../../evil",
    "/meetings/x@evil.test",
    "/meetings/x\n",
    "/meetings/x\r\nSet-Cookie: a=b",
    "/meetings/x?next=//evil.test",
    "/meetings/x#//evil.test",
    "/meetings//evil.test",
    "/\t/evil.test",
    " //evil.test",
    "javascript:alert(1)",
    "data:text/html,x",
    "/meetings/%2f%2fevil.test",
    "/meetings/\N{ARABIC-INDIC DIGIT ONE}",
    "/sign-out",
    "/api/meetings",
    "/meetings/" + "x" * 5_000,
    "",
]


@pytest.mark.parametrize("onward", HOSTILE)
def test_the_way_back_never_leads_elsewhere(house: House, onward: str) -> None:
    opened = house.browser()
    assert opened.get("/language", params={"to": "en", "next": onward}).headers["location"] == "/"
    data = {"email": email("amina"), "password": PASSWORD, "next": onward}
    assert opened.post("/sign-in", data=data).headers["location"] == "/"


@pytest.mark.parametrize(
    "path", ["/meetings/%22%3E%3Cscript%3E", "/meetings/..%2f..%2fetc", "/meetings/%00", "/nowhere"]
)
def test_hostile_addresses_get_a_page_that_repeats_nothing(house: House, path: str) -> None:
    for opened, codes in ((house.browser(), {401, 404}), (house.signed_in("amina"), {404})):
        answer = opened.get(path)
        assert answer.status_code in codes
        assert answer.headers["content-type"].startswith("text/html")
        assert "<script" not in answer.text
        assert "etc" not in re.findall(r'value="([^"]*)"', answer.text)


def test_programs_get_json_whatever_they_accept(house: House) -> None:
    opened = house.browser()
    for path in ("/api/meetings/nothing", "/api/nowhere"):
        assert opened.get(path).headers["content-type"] == "application/json"
    assert (
        opened.get("/meetings/nothing", headers={"Accept": "*/*"}).headers["content-type"]
        == "application/json"
    )
