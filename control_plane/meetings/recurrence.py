"""RFC 5545 recurrence on wall time: a weekly 10:00 stays 10:00, whatever the zone does with its clocks."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, rrulestr

from control_plane.meetings.walltime import to_utc, to_wall

MOST_OCCURRENCES = 520  # a weekly sitting for ten years
HORIZON = timedelta(days=3653)
FREQUENCIES = {"DAILY": DAILY, "WEEKLY": WEEKLY, "MONTHLY": MONTHLY, "YEARLY": YEARLY}
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
    count = _count(parts.pop("COUNT")) if "COUNT" in parts else None
    until = _until(parts.pop("UNTIL"), zone) if "UNTIL" in parts else None
    if (count is None) == (until is None):
        raise RecurrenceRefused("a series ends by COUNT or by UNTIL; give exactly one of them")
    walls = _walls(parts, first, count, until)
    end = f"COUNT={count}" if until is None else f"UNTIL={to_utc(until, zone):%Y%m%dT%H%M%SZ}"
    return Recurrence(";".join([*(f"{key}={value}" for key, value in parts.items()), end]), walls)


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").split(";"):
        key, equals, value = part.partition("=")
        if not equals or not value:
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


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_OCCURRENCES:
        raise RecurrenceRefused(f"COUNT is {text!r}; it may be 1 to {MOST_OCCURRENCES}")
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
    # The horizon also ends the search of a rule that never comes true, such as each 30 February.
    horizon = first + HORIZON
    rule = _rule(parts, first, min(until or horizon, horizon))
    walls = tuple(islice(rule, min(count or MOST_OCCURRENCES + 1, MOST_OCCURRENCES + 1)))
    if not walls or walls[0] != first:
        raise RecurrenceRefused(f"the rule does not meet its own first sitting, {first:%A %Y-%m-%d %H:%M}")
    if len(walls) > MOST_OCCURRENCES:
        raise RecurrenceRefused(f"the rule makes more than {MOST_OCCURRENCES} sittings; end it earlier")
    if (count is not None and len(walls) < count) or (until is not None and until > horizon):
        raise RecurrenceRefused(f"the rule goes beyond {horizon:%Y-%m-%d}, ten years after its first sitting")
    return walls


def _rule(parts: dict[str, str], first: datetime, until: datetime) -> rrule:
    text = ";".join([*(f"{key}={value}" for key, value in parts.items()), f"UNTIL={until:%Y%m%dT%H%M%S}"])
    try:
        rule = rrulestr(text, dtstart=first)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise RecurrenceRefused(f"the rule can't be read: {error}") from error
    if not isinstance(rule, rrule):
        raise RecurrenceRefused("one rule is wanted, not a set of them")
    return rule
