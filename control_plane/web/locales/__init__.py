"""What pages say, a module a language. A word that is missing in one of them is an error of types, not a surprise.

One place, one way: pages take a `Words` and nothing else, so that other catalogues can fill it one day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

Terms = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything that a page says in one language; `{…}` is filled in by whoever shows it."""

    code: str
    direction: str
    own_name: str

    # the frame of every page
    brand: str
    purpose: str
    skip: str
    languages: str
    colon: str  # between a label and what it labels
    sign_out: str
    foot: str

    # signed out
    sign_in: str
    email: str
    password: str
    not_let_in: str
    wait_seconds: str
    wait_minutes: str
    busy: str

    # the state of the log
    log: str
    log_said: str
    log_empty: str
    log_size: str
    log_signed_at: str
    log_root: str
    log_note: str

    # the day
    meetings: str
    day: str
    show: str
    previous_day: str
    next_day: str
    today: str
    hours: str
    until_day: str
    no_meetings: str
    withheld: str
    convened: str
    agenda: str
    in_camera: str

    # what can't be shown
    no_further: str
    to_the_day: str

    # a guest's link
    guest_entrance: str
    guest_once: str
    guest_ready: str
    guest_code: str
    guest_paste: str
    guest_enter: str
    guest_known: str
    guest_go_on: str
    guest_account: str

    # a meeting's page
    now: str
    may_enter: str
    would_wait: str
    not_now: str
    come_later: str
    called_off: str
    was_held: str
    media_later: str

    # the entries
    entries: str
    entries_said: str
    entries_withheld: str
    no_entries: str
    older: str
    newest: str
    by: str
    about: str
    console: str
    policies: str
    no_policy: str
    concerning: str

    # dates
    weekdays: tuple[str, str, str, str, str, str, str]  # from Monday
    months: tuple[str, str, str, str, str, str, str, str, str, str, str, str]
    first: str  # of the month

    #: sentences by the entry's kind, and by kind and field (`Admitted.moderator`) for when that field is true
    told: Mapping[str, str]
    #: words by the name of the field that holds them
    terms: Terms

    def date(self, day: date) -> str:
        """Return the day as it is written out: weekday, day, month and year, in western digits."""
        number = self.first if day.day == 1 else str(day.day)
        return f"{self.weekdays[day.weekday()]} {number} {self.months[day.month - 1]} {day.year}"

    def term(self, field: str, value: str) -> str:
        """Return the word for a value of that field; one nobody has translated yet shows as it is kept."""
        return self.terms.get(field, {}).get(value) or value.replace("_", " ")
