"""Which language, which direction, and what no page may hold."""

import re

import pytest
from httpx import Client

from control_plane.web.rendering import STATIC, asset
from tests.web.conftest import House

DIRECTIONS = {"ar": "rtl", "fr": "ltr", "en": "ltr", "zgh": "ltr"}


def spoken(browser: Client) -> tuple[str, str]:
    found = re.search(r'<html lang="(\w+)" dir="(\w+)">', browser.get("/").text)
    assert found
    return found.group(1), found.group(2)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ar-MA,ar;q=0.9,fr;q=0.8", "ar"),
        ("de, en;q=0.5", "en"),
        ("zgh", "zgh"),
        ("de", "fr"),
        ("", "fr"),
        ("fr;q=nonsense, ar;q=0.1", "ar"),
    ],
)
def test_a_strangers_browser_says_which_language(house: House, header: str, language: str) -> None:
    assert spoken(house.browser(header)) == (language, DIRECTIONS[language])


@pytest.mark.parametrize("language", DIRECTIONS)
def test_a_choice_outlasts_everything(house: House, language: str) -> None:
    assert spoken(house.signed_in("amina", language)) == (language, DIRECTIONS[language])


def test_without_a_choice_the_account_says_which_language(house: House) -> None:
    opened = house.signed_in("amina")
    opened.cookies.delete("majlis-language")
    assert spoken(opened) == ("ar", "rtl")


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ({"to": "ar", "day": "2026-12-01"}, "/?day=2026-12-01"),
        ({"to": "ar", "day": "//evil.test"}, "/"),
        ({"to": "ar"}, "/"),
    ],
)
def test_choosing_a_language_leads_back_to_the_day_and_nowhere_else(
    house: House, asked: dict[str, str], location: str
) -> None:
    answer = house.browser().get("/language", params=asked)
    assert (answer.status_code, answer.headers["location"]) == (303, location)


def test_a_language_that_is_not_spoken_changes_nothing(house: House) -> None:
    answer = house.browser().get("/language", params={"to": "tlh; Path=/x"})
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("language", DIRECTIONS)
def test_no_page_holds_script_style_or_anything_from_elsewhere(house: House, language: str) -> None:
    house.convened()
    pages = [
        house.browser(language).get("/"),
        *(house.signed_in(who, language).get("/") for who in ("amina", "leila")),
    ]
    assert len(pages) == 3
    for answer in pages:
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-language"] == language
        assert not re.search(r"<script|<style|\bstyle=|\son\w+=|javascript:", answer.text)
        addresses = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
        assert addresses
        assert all(re.match(r"[/#](?!/)", address) for address in addresses)


def test_every_field_has_a_label_and_ids_are_used_once(house: House) -> None:
    for answer in (house.browser().get("/"), house.signed_in("leila").get("/")):
        ids = re.findall(r'\bid="([^"]*)"', answer.text)
        assert len(ids) == len(set(ids))
        fields = re.findall(r'<input id="([^"]*)"', answer.text)
        assert fields
        assert set(fields) <= set(re.findall(r'<label for="([^"]*)"', answer.text))
        assert set(re.findall(r'aria-(?:labelledby|describedby)="([^"]*)"', answer.text)) <= set(ids)


def test_static_files_may_be_kept_only_under_their_fingerprint(house: House) -> None:
    opened = house.browser()
    names = [path.name for path in STATIC.iterdir()]
    assert sorted(names) == ["guest.js", "majlis.css", "seal.svg"]
    for name in names:
        assert "immutable" in opened.get(asset(name)).headers["cache-control"]
        assert opened.get(f"/static/{name}").headers["cache-control"] == "no-store"
    assert opened.get("/static/../pages.py").status_code == 404


def test_one_sheet_serves_both_directions() -> None:
    sheet = (STATIC / "majlis.css").read_text()
    assert not re.search(r"\b(margin|padding|border)-(left|right)|[\s;{](left|right)\s*:|float:", sheet)
    assert "http" not in sheet
