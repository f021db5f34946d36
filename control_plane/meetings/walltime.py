"""Wall time and moments. People agree on 10:00 in Rabat; what moment that is, the zone's rules say.

The rules come from the locked tzdata package only, never from the host: Debian 12's own still have Morocco
one hour ahead after 2026-09-20, when the kingdom went back to UTC for good (tz database, release 2026c).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo


class UnknownZone(Exception):
    """No such zone in the tz database."""


class NoSuchWallTime(Exception):
    """The clocks of that zone skip this wall time: nobody can come then."""


@dataclass(frozen=True, slots=True)
class Observance:
    """From `onset` (aware, UTC) on, the zone's clocks show UTC plus `offset`; before it was `before`."""

    onset: datetime
    before: timedelta
    offset: timedelta
    name: str


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """Return the zone as the locked tz database has it (raises UnknownZone)."""
    parts = name.split("/")
    if not name or any(
        not part.replace("_", "").replace("-", "").replace("+", "").isalnum() for part in parts
    ):
        raise UnknownZone(f"{name!r} is no zone; a zone is named like Africa/Casablanca")
    source = files("tzdata").joinpath("zoneinfo", *parts)
    if not source.is_file():
        raise UnknownZone(f"{name!r} is not in the tz database; a zone is named like Africa/Casablanca")
    try:
        with source.open("rb") as stream:
            return ZoneInfo.from_file(stream, key=name)
    except ValueError as error:
        raise UnknownZone(f"{name!r} is a file of the tz database, but no zone") from error


def to_utc(wall: datetime, zone: str) -> datetime:
    """Return the moment of a naive wall time, in UTC (raises UnknownZone).

    As RFC 5545, section 3.3.5, and so as every calendar that gets our mail: a wall time that comes twice
    means the first one; one that is skipped is read with the offset before the gap.
    """
    if wall.tzinfo is not None:
        raise ValueError(f"{wall!r} is no wall time: it has a zone")
    return wall.replace(tzinfo=zone_of(zone), fold=0).astimezone(UTC)


def to_wall(moment: datetime, zone: str) -> datetime:
    """Return what the clocks of the zone show at an aware moment, naive (raises UnknownZone)."""
    return moment.astimezone(zone_of(zone)).replace(tzinfo=None, fold=0)


def existing(wall: datetime, zone: str) -> datetime:
    """Return the moment of a wall time that a person typed (raises NoSuchWallTime, UnknownZone)."""
    moment = to_utc(wall, zone)
    shown = to_wall(moment, zone)
    if shown != wall:
        raise NoSuchWallTime(
            f"{wall:%Y-%m-%d %H:%M} does not exist in {zone}: the clocks go forward, to {shown:%H:%M}"
        )
    return moment


@lru_cache(maxsize=64)
def observances(zone: str, since: datetime, until: datetime) -> tuple[Observance, ...]:
    """Return what the clocks do at `since`, then each change until `until` (aware; changes are to the second).

    ZoneInfo doesn't tell its transitions, so each day is asked and each change found by halving. Two changes
    within a day, which no zone has had since 1945, would be missed.
    """
    info = zone_of(zone)
    before = _offset(info, since)
    found = [Observance(since, before, before, _name(info, since))]
    start = since
    while start < until:
        end = min(start + timedelta(days=1), until)
        offset = _offset(info, end)
        if offset != before:
            onset = _change(info, start, end)
            found.append(Observance(onset, before, offset, _name(info, onset)))
            before = offset
        start = end
    return tuple(found)


def _change(info: ZoneInfo, start: datetime, end: datetime) -> datetime:
    offset = _offset(info, start)
    low, high = int(start.timestamp()), int(end.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(info, datetime.fromtimestamp(middle, UTC)) == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _offset(info: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(info).utcoffset() or timedelta()


def _name(info: ZoneInfo, moment: datetime) -> str:
    return moment.astimezone(info).tzname() or ""
