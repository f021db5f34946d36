"""RFC 5545 recurrence on wall time: a weekly 10:00 stays 10:00, whatever the zone does with its clocks."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from string import ascii_uppercase, digits

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrulestr

from control_plane.meetings.walltime import to_utc, to_wall

MOST_OCCURRENCES = 520  # a weekly sitting for ten years
HORIZON = timedelta(days=3653)
FREQUENCIES = {"DAILY": DAILY, "WEEKLY": WEEKLY, "MONTHLY": MONTHLY, "YEARLY": YEARLY}
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ORDINALS = frozenset({"1", "2", "3", "4", "5", "-1", "-2", "-3", "-4", "-5"})
VALUE = frozenset(ascii_uppercase + digits + ",+-")
PARTS = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "WKST"}
)


class RecurrenceRefused(Exception):
    """The recurrence rule is malformed, without an end, too fine or too long; the message says which part."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule that was understood: its normal text, and its wall times, the first one included."""

    text: str
    walls: tuple[datetime, ...]


def recurrence(text: str, first: datetime, zone: str) -> Recurrence:
    """Read a rule whose first occurrence is at the naive wall time `first` (raises RecurrenceRefused).

    Allowed are DAILY to YEARLY, ended by COUNT or UNTIL, with at most 520 occurrences in at most ten years.
    UNTIL may be a date, a wall time or, as RFC 5545 wants beside a zone and as the result has it, in UTC.
    """
    parts = _parts(text)
    _number("INTERVAL", parts.get("INTERVAL", "1"))
    count = _number("COUNT", parts.pop("COUNT")) if "COUNT" in parts else None
    until = _until(parts.pop("UNTIL"), zone) if "UNTIL" in parts else None
    if (count is None) == (until is None):
        raise RecurrenceRefused("a series ends by COUNT or by UNTIL; give exactly one of them")
    _check_possible(parts, first)
    walls = _walls(parts, first, count, until)
    end = f"COUNT={count}" if until is None else f"UNTIL={to_utc(until, zone):%Y%m%dT%H%M%SZ}"
    return Recurrence(";".join([*(f"{key}={value}" for key, value in parts.items()), end]), walls)


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").split(";"):
        key, equals, value = part.partition("=")
        if not equals or not value or not value.isascii() or set(value) - VALUE:
            raise RecurrenceRefused(f"{part!r} is no part of a recurrence rule; a part is NAME=VALUE")
        if key not in PARTS:
            raise RecurrenceRefused(f"{key} is not supported; supported are {', '.join(sorted(PARTS))}")
        if key in parts:
            raise RecurrenceRefused(f"{key} stands twice in the rule")
        parts[key] = value
    if parts.get("FREQ") not in FREQUENCIES:
        raise RecurrenceRefused(
            f"FREQ is {parts.get('FREQ', 'missing')}; a sitting recurs {', '.join(FREQUENCIES)}"
        )
    return parts


def _check_possible(parts: dict[str, str], first: datetime) -> None:
    """Refuse what the first sitting doesn't meet, and positions that no period has.

    The library looks for the next match until the year 9999, so a rule that never comes true must not reach it.
    """
    days_left = monthrange(first.year, first.month)[1] - first.day + 1
    meets = {
        "BYMONTH": {str(first.month), f"{first.month:02}"},
        "BYMONTHDAY": {str(first.day), f"{first.day:02}", str(-days_left)},
        "BYDAY": {DAYS[first.weekday()]},
    }
    for name, wanted in meets.items():
        given = [each.lstrip("+") for each in parts.get(name, "").split(",") if each]
        days = [each[-2:] for each in given] if name == "BYDAY" else given
        if given and wanted.isdisjoint(days):
            raise RecurrenceRefused(f"{name} does not meet the first sitting, {first:%A %Y-%m-%d}")
    monthly = parts["FREQ"] == "MONTHLY"
    ordinals = [each[:-2] for each in parts.get("BYDAY", "").split(",") if each[:-2]]
    ordinals += [each for each in parts.get("BYSETPOS", "").split(",") if each]
    if ordinals and not (monthly and {each.lstrip("+") for each in ordinals} <= ORDINALS):
        raise RecurrenceRefused("a position such as the 1st or the last (-1) is 1 to 5, of a MONTHLY rule")


def _number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 3 or not 1 <= int(text) <= MOST_OCCURRENCES:
        raise RecurrenceRefused(f"{name} is {text!r}; it may be 1 to {MOST_OCCURRENCES}")
    return int(text)


def _until(text: str, zone: str) -> datetime:
    """Return the wall time of an UNTIL; a mere date includes that whole day."""
    for layout in ("%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%S", "%Y%m%d"):
        try:
            read = datetime.strptime(text, layout)  # noqa: DTZ007 — wall time has no zone on purpose
        except ValueError:
            continue
        if layout.endswith("Z"):
            return to_wall(read.replace(tzinfo=UTC), zone)
        return datetime.combine(read, time(23, 59, 59)) if layout == "%Y%m%d" else read
    raise RecurrenceRefused(f"UNTIL is {text!r}; write it like 20271231T230000Z or 20271231")


def _walls(
    parts: dict[str, str], first: datetime, count: int | None, until: datetime | None
) -> tuple[datetime, ...]:
    horizon = first + HORIZON
    most = min(count or MOST_OCCURRENCES + 1, MOST_OCCURRENCES + 1)
    walls = _expand(parts, first, min(until or horizon, horizon), most)
    if not walls or walls[0] != first:
        raise RecurrenceRefused(f"the rule does not meet its own first sitting, {first:%A %Y-%m-%d %H:%M}")
    if len(walls) > MOST_OCCURRENCES:
        raise RecurrenceRefused(f"the rule makes more than {MOST_OCCURRENCES} sittings; end it earlier")
    if (count is not None and len(walls) < count) or (until is not None and until > horizon):
        raise RecurrenceRefused(f"the rule goes beyond {horizon:%Y-%m-%d}, ten years after its first sitting")
    return walls


def _expand(parts: dict[str, str], first: datetime, until: datetime, most: int) -> tuple[datetime, ...]:
    text = ";".join([*(f"{key}={value}" for key, value in parts.items()), f"UNTIL={until:%Y%m%dT%H%M%S}"])
    try:
        rule = rrulestr(text, dtstart=first)
        # Some rules that can't be are noticed only when they are followed.
        return tuple(islice(rule, most))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise RecurrenceRefused(f"the rule can't be read: {error}") from error
