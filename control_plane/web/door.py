"""The form to sign in with, wherever somebody meets it, and where it leads afterwards."""

import re
from dataclasses import dataclass
from datetime import timedelta

from fastapi import status
from fastapi.responses import HTMLResponse

from control_plane.unit import Units
from control_plane.web.locales import Words
from control_plane.web.log_state import log_state
from control_plane.web.rendering import page

# What may come after the form is listed, not what may not: no spelling of another site's address is in it.
OWN_PAGES = re.compile(r"/(?:(?:meetings|series)/[0-9a-z]{1,32}|guest)?", re.ASCII)
HOME = "/"


@dataclass(frozen=True, slots=True)
class Tried:
    """What the form already knows: the address typed into it, and the page to go to (`own_page`)."""

    email: str = ""
    onward: str = HOME


NOTHING_TRIED = Tried()


def own_page(address: str) -> str:
    """Return the address if it is a page of ours that one may be led back to, else the first page's."""
    return address if OWN_PAGES.fullmatch(address) else HOME


def door(
    units: Units,
    words: Words,
    tried: Tried = NOTHING_TRIED,
    problem: str = "",
    code: int = status.HTTP_200_OK,
) -> HTMLResponse:
    """Return the page with the form, and what went wrong with it."""
    with units.read() as session:
        state = log_state(session)
    return page("door.html", words, code, tried=tried, problem=problem, state=state)


def turned_away(units: Units, words: Words, tried: Tried, wait: timedelta) -> HTMLResponse:
    """Return the form with the reason why nobody was signed in, which is the time to wait if there is one."""
    if not wait:
        # RFC 9110, section 15.5.4; 401 would need a challenge that no form answers.
        return door(units, words, tried, words.not_let_in, status.HTTP_403_FORBIDDEN)
    seconds = int(-(-wait.total_seconds() // 1))
    sentence = (
        words.wait_seconds.format(n=seconds)
        if seconds <= 60
        else words.wait_minutes.format(n=-(-seconds // 60))
    )
    answer = door(units, words, tried, sentence, status.HTTP_429_TOO_MANY_REQUESTS)
    answer.headers["Retry-After"] = str(seconds)
    return answer
