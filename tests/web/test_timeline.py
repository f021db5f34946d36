"""The log on the page: for the security officer, with each reading recorded."""

import re
from typing import Any

import pytest

from control_plane.audit.entries import ActionRefused, Admitted, LogRead, Refused
from tests.web.conftest import House


def positions(text: str) -> list[int]:
    return [int(number) for number in re.findall(r'class="position">(\d+)<', text)]


def test_the_security_officer_reads_the_newest_fifty_entries_and_that_is_an_entry(house: House) -> None:
    opened = house.signed_in("leila")
    before = house.entries()
    text = opened.get("/").text
    assert positions(text) == list(range(len(before) - 1, len(before) - 51, -1))
    after = house.entries()
    assert len(after) == len(before) + 1
    assert isinstance(after[0], LogRead)
    assert after[0].policies == ("duties.read-log",)
    assert "Connexion (mot de passe)" in text
    assert "Par\N{NO-BREAK SPACE}: <bdi>Leïla Chami</bdi>" in text


def test_older_entries_are_a_link_away_down_to_the_first(house: House) -> None:
    opened = house.signed_in("leila")
    seen, address = [], "/"
    while address:
        text = opened.get(address).text
        seen += positions(text)
        link = re.search(r'href="(/\?day=[^"]*before=\d+)#entries"', text)
        address = link.group(1).replace("&amp;", "&") if link else ""
    assert seen == list(range(seen[0], -1, -1))
    assert "Aucune" not in text or seen[-1] == 0
    assert "Il n’y a pas d’entrée plus ancienne." in opened.get("/?before=0").text


@pytest.mark.parametrize("who", ["amina", "omar", "said", "tarik"])
def test_nobody_else_sees_entries_and_the_page_says_why(house: House, who: str) -> None:
    opened = house.signed_in(who)
    before = len(house.entries())
    text = opened.get("/").text
    assert positions(text) == []
    assert "Les entrées ne vous sont pas montrées." in text
    assert "Aucune politique ne le permet." in text
    assert len(house.entries()) == before  # having looked at the day is no attempt on the log


def test_whoever_asks_for_a_page_of_the_log_without_leave_is_refused_on_record(house: House) -> None:
    opened = house.signed_in("tarik")
    assert positions(opened.get("/?before=40").text) == []
    entry = house.entries()[0]
    assert isinstance(entry, ActionRefused)
    assert entry.action == "read_log"


@pytest.mark.parametrize("before", ["-1", "x", "9" * 30, "1e3", "\0", "٣"])
def test_what_is_no_position_means_the_newest(house: House, before: str) -> None:
    opened = house.signed_in("leila")
    newest = len(house.entries()) - 1
    assert positions(opened.get("/", params={"before": before}).text)[0] == newest


def test_decisions_name_who_where_and_by_which_policies(house: House) -> None:
    meeting = house.convened(title="Affaire discrète")
    witness = house.witness(meeting).guest
    where: dict[str, Any] = {"meeting": meeting.id, "body": meeting.body_id, "policy_set": "0" * 64}
    with house.desk.units.begin() as unit:
        unit.record(
            Admitted(
                by=witness.pseudonym, connection="c", moderator=False, policies=("entering.guest",), **where
            )
        )
        unit.record(Refused(by="gone-for-good", why="policy", **where), {"address": "203.0.113.9"})
    text = house.signed_in("leila").get("/").text
    assert "Entrée accordée — <bdi>Commission des finances</bdi>" in text
    assert "réunion du mardi 24 novembre 2026, 10:00" in text
    assert "<bdi>Yasmine Haddad</bdi>" in text
    assert '<code dir="ltr">entering.guest</code>' in text
    assert "aucune politique ne le permet" in text
    assert "<bdi>gone-f…</bdi>" in text
    assert "203.0.113.9" in text


def test_a_title_is_not_told_by_the_log_to_who_may_not_read_about_the_meeting(house: House) -> None:
    meeting = house.book("cabinet", "Nominations")
    assert meeting.title == "Nominations"
    text = house.signed_in("leila").get("/").text
    assert "Réunion inscrite" in text
    assert "Nominations" not in text


def test_a_page_of_the_log_takes_a_fixed_number_of_statements(house: House, statements: list[str]) -> None:
    opened = house.signed_in("leila")
    counts = []
    for address in ("/?before=12", "/?before=62"):
        statements.clear()
        opened.get(address)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 20
