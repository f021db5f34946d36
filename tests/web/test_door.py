"""Whoever is not signed in: the door, signing in and out."""

import pytest

from control_plane.audit.entries import SignedIn, SignedOut, SignInRefused
from control_plane.people.service import PasswordsBusy
from demo.parliament import email
from tests.browser import browser
from tests.conftest import StandingClock
from tests.web.conftest import PASSWORD, House, settings_for, sign_in


def test_a_stranger_sees_what_this_is_a_form_and_the_state_of_the_log(house: House) -> None:
    house.convened(title="Budget 2027")
    answer = house.browser().get("/")
    assert answer.status_code == 200
    assert 'action="/sign-in"' in answer.text
    assert str(len(house.entries())) in answer.text
    assert "— log.majlis.test " in answer.text  # the signature line of the checkpoint
    assert "Budget 2027" not in answer.text
    assert "Commission des finances" not in answer.text


def test_the_right_password_leads_to_the_day_with_cookies_no_script_can_read(house: House) -> None:
    opened = house.browser()
    answer = sign_in(opened, email("amina"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    session, device = answer.headers.get_list("set-cookie")
    assert session.startswith("majlis=")
    assert device.startswith("majlis-device=")
    assert all(
        "HttpOnly" in cookie and "samesite=lax" in cookie.lower() and "Path=/" in cookie
        for cookie in (session, device)
    )
    assert "Max-Age" not in session
    assert "Max-Age=31536000" in device
    assert isinstance(house.entries()[0], SignedIn)


def test_a_failed_sign_in_keeps_the_address_and_never_the_password(house: House) -> None:
    answer = sign_in(house.browser("en"), "wrong@majlis.test", "open sesame!")
    assert answer.status_code == 403
    assert "The address or the password is not right." in answer.text
    assert 'value="wrong@majlis.test"' in answer.text
    assert "open sesame" not in answer.text
    assert "set-cookie" not in answer.headers
    assert isinstance(house.entries()[0], SignInRefused)


def test_the_page_does_not_tell_whether_the_account_exists(house: House) -> None:
    def told(address: str) -> tuple[int, str]:
        answer = sign_in(house.browser(), address, "nothing like it")
        form, _, _ = answer.text.partition('id="log-state"')
        return answer.status_code, form.replace(address, "")

    assert told(email("amina")) == told("nobody@majlis.test")


def test_after_too_many_attempts_the_page_says_how_long_to_wait(house: House) -> None:
    opened = house.browser()
    answers = [sign_in(opened, email("amina"), f"attempt number {number}") for number in range(7)]
    assert [answer.status_code for answer in answers[:5]] == [403] * 5
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert f"Réessayez dans {answers[-1].headers['retry-after']} s." in answers[-1].text


def test_when_the_machine_is_busy_the_door_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy() -> None:
        raise PasswordsBusy("too many passwords are being checked")

    monkeypatch.setattr(house.desk.entrance.passwords, "place", busy)
    answer = sign_in(house.browser(), email("amina"))
    assert answer.status_code == 503
    assert "Réessayez dans un instant" in answer.text


def test_signing_out_ends_the_session(house: House) -> None:
    opened = house.signed_in("amina")
    token = opened.cookies["majlis"]
    answer = opened.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert isinstance(house.entries()[0], SignedOut)
    assert 'action="/sign-in"' in opened.get("/").text
    opened.cookies.set("majlis", token)
    assert 'action="/sign-in"' in opened.get("/").text


def test_a_form_of_another_site_signs_nobody_in_or_out(house: House) -> None:
    opened = house.signed_in("amina")
    opened.headers["Sec-Fetch-Site"] = "cross-site"
    for path in ("/sign-in", "/sign-out"):
        assert opened.post(path, data={"email": email("amina"), "password": PASSWORD}).status_code == 403
    assert 'action="/sign-out"' in opened.get("/").text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_over_tls_the_cookies_are_bound_to_this_host(house: House, clock: StandingClock) -> None:
    secure = settings_for(
        house.desk.settings.database_url.get_secret_value(), house.desk.settings.keys, secure_cookies=True
    )
    house.app.state.desk = type(house.desk)(
        secure,
        house.desk.units,
        house.desk.policies,
        house.desk.entrance,
        house.desk.keys,
        house.desk.pools,
    )
    with browser(house.app, scheme="https") as opened:
        answer = sign_in(opened, email("amina"))
        cookies = answer.headers.get_list("set-cookie")
        assert [cookie.partition("=")[0] for cookie in cookies] == ["__Host-majlis", "__Host-majlis-device"]
        assert all("Secure" in cookie for cookie in cookies)
        assert 'action="/sign-out"' in opened.get("/").text


def test_whoever_comes_back_to_the_forms_address_is_led_to_the_form(house: House) -> None:
    answer = house.browser().get("/sign-in")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
