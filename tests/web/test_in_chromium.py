"""The pages in a real browser, which sends its own headers and runs our one script."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from control_plane.audit.entries import GuestLinkUsed
from demo.parliament import email
from tests.chromium import PATIENCE, Tab, chromium
from tests.web.conftest import PASSWORD, House

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def served(house: House) -> Iterator[str]:
    """Give the address at which the house's application is served, on loopback."""
    config = uvicorn.Config(house.app, host="127.0.0.1", port=0, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + PATIENCE
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


@pytest.fixture
def site(house: House) -> Iterator[str]:
    with served(house) as address:
        yield address


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with chromium(tmp_path / "profile") as opened:
        yield opened


def used(house: House) -> int:
    return sum(isinstance(entry, GuestLinkUsed) for entry in house.entries())


def test_a_guest_comes_by_a_link_whose_secret_only_the_button_sends(
    house: House, site: str, tab: Tab
) -> None:
    meeting = house.convened()
    token = str(house.witness(meeting).token)
    tab.go(f"{site}/guest#{token}")
    tab.until("!document.getElementById('ready').hidden")
    assert tab.value("location.href") == f"{site}/guest"
    assert tab.value("document.getElementById('by-hand').hidden")

    tab.press(".languages a[lang=ar]")  # another language is another page
    tab.until("document.documentElement.dir === 'rtl' && !document.getElementById('ready').hidden")
    assert tab.value("location.href") == f"{site}/guest"
    assert used(house) == 0

    tab.press("main button")
    tab.until(f"location.pathname === '/meetings/{meeting.id}' && document.readyState === 'complete'")
    assert "Budget 2027" in tab.value("document.querySelector('h1').textContent")
    assert "guest" not in tab.value("document.cookie")
    assert used(house) == 1


def test_without_scripts_the_secret_is_pasted_by_hand(house: House, site: str, tab: Tab) -> None:
    meeting = house.convened()
    link = f"{site}/guest#{house.witness(meeting).token}"
    tab.tell("Emulation.setScriptExecutionDisabled", value=True)
    tab.go(link)
    assert tab.value("document.getElementById('token').offsetParent !== null")
    assert not tab.value("document.getElementById('token').value")
    tab.fill("#token", link)
    tab.press("main button")
    tab.until(f"location.pathname === '/meetings/{meeting.id}'")


def test_somebody_signs_in_to_the_page_they_came_for_and_out_again(house: House, site: str, tab: Tab) -> None:
    meeting = house.convened()
    tab.go(f"{site}/meetings/{meeting.id}")
    tab.fill("#email", email("amina"))
    tab.fill("#password", PASSWORD)
    tab.press("main button")
    tab.until(f"location.pathname === '/meetings/{meeting.id}' && !document.getElementById('password')")
    tab.press(".who button")
    tab.until("location.pathname === '/' && !!document.getElementById('password')")


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_no_page_is_wider_than_a_telephone(house: House, site: str, tab: Tab, language: str) -> None:
    meeting = house.convened(title="Projet de loi de finances : audition de la Cour des comptes")
    token = str(house.witness(meeting).token)
    tab.tell("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=True)
    tab.go(f"{site}/language?to={language}&next=/guest")
    for address in ("/guest", f"/guest#{token}", f"/meetings/{meeting.id}", "/nowhere"):
        tab.go(site + address)
        assert tab.value("document.documentElement.scrollWidth") == 360, address
    tab.go(f"{site}/guest#{token}")
    tab.until("!document.getElementById('ready').hidden")
    tab.press("main button")
    tab.until(f"location.pathname === '/meetings/{meeting.id}' && document.readyState === 'complete'")
    assert tab.value("document.documentElement.scrollWidth") == 360
