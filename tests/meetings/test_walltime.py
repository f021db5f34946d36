"""Wall time: 10:00 stays 10:00, whatever the zone does, by the tz database that is locked with the product."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from control_plane.meetings.walltime import (
    NoSuchWallTime,
    UnknownZone,
    existing,
    observances,
    to_utc,
    to_wall,
    zone_of,
)
from tests.meetings.conftest import moment, wall

RABAT, PARIS = "Africa/Casablanca", "Europe/Paris"

MOMENTS = [
    ("2026-02-10T10:00", RABAT, "2026-02-10T09:00", "before Ramadan"),
    ("2026-02-17T10:00", RABAT, "2026-02-17T10:00", "in Ramadan"),
    ("2026-03-17T10:00", RABAT, "2026-03-17T10:00", "in Ramadan"),
    ("2026-03-24T10:00", RABAT, "2026-03-24T09:00", "after it"),
    ("2026-09-15T10:00", RABAT, "2026-09-15T09:00", "the last days of UTC+1"),
    ("2026-09-22T10:00", RABAT, "2026-09-22T10:00", "on UTC for good"),
    ("2027-02-09T10:00", RABAT, "2027-02-09T10:00", "Ramadan 2027 changes nothing any more"),
    ("2027-03-16T10:00", RABAT, "2027-03-16T10:00", "nor does its end"),
    ("2027-01-12T10:00", PARIS, "2027-01-12T09:00", "winter"),
    ("2027-07-12T10:00", PARIS, "2027-07-12T08:00", "summer"),
    ("2027-10-31T02:30", PARIS, "2027-10-31T00:30", "comes twice: the first (RFC 5545, 3.3.5)"),
    ("2027-03-28T02:30", PARIS, "2027-03-28T01:30", "is skipped: the offset before the gap"),
    ("2026-02-15T02:30", RABAT, "2026-02-15T01:30", "comes twice as Ramadan begins: the first"),
    ("2026-03-22T02:30", RABAT, "2026-03-22T02:30", "is skipped as Ramadan ends"),
]


@pytest.mark.parametrize(("at", "zone", "utc", "why"), MOMENTS)
def test_a_wall_time_is_that_moment(at: str, zone: str, utc: str, why: str) -> None:
    assert to_utc(wall(at), zone) == moment(utc), why


@pytest.mark.parametrize(("at", "zone"), [("2027-03-28T02:30", PARIS), ("2026-03-22T02:30", RABAT)])
def test_a_skipped_wall_time_cannot_be_typed(at: str, zone: str) -> None:
    with pytest.raises(NoSuchWallTime, match="03:30"):
        existing(wall(at), zone)


def test_an_aware_time_is_no_wall_time() -> None:
    with pytest.raises(ValueError, match="no wall time"):
        to_utc(moment("2026-12-01T10:00"), RABAT)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "/etc/localtime", "../zone.tab", "Africa", "africa/nowhere", "tzdata.zi", "zone1970.tab"],
)
def test_what_is_no_zone_is_unknown(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone_of(name)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)), st.sampled_from([RABAT, PARIS, "UTC"]))  # noqa: DTZ001
def test_a_wall_time_that_exists_comes_back_as_it_was(at: datetime, zone: str) -> None:
    shown = to_wall(to_utc(at, zone), zone)
    assume(shown == at or abs(shown - at) == timedelta(hours=1))
    if shown != at:
        with pytest.raises(NoSuchWallTime):
            existing(at, zone)
    else:
        assert existing(at, zone) == to_utc(at, zone)


@given(st.datetimes(datetime(2024, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_observances_tell_the_offset_at_every_moment(at: datetime) -> None:
    at = at.replace(microsecond=0)
    told = observances(PARIS, datetime(2024, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))
    holding = [each for each in told if each.onset <= at][-1]
    assert holding.offset == at.astimezone(zone_of(PARIS)).utcoffset()


def test_moroccos_last_changes_are_all_told() -> None:
    told = observances(RABAT, moment("2026-01-01T00:00"), moment("2030-01-01T00:00"))
    assert [(f"{each.onset:%Y-%m-%dT%H:%M}", each.offset) for each in told] == [
        ("2026-01-01T00:00", timedelta(hours=1)),
        ("2026-02-15T02:00", timedelta()),
        ("2026-03-22T02:00", timedelta(hours=1)),
        ("2026-09-20T01:00", timedelta()),
    ]


def test_the_hosts_tz_database_decides_nothing(tmp_path: Path) -> None:
    """A host that has its own idea of the zone, here that Rabat is where Tokyo is, changes no meeting."""
    lie = tmp_path / "Africa" / "Casablanca"
    lie.parent.mkdir()
    tokyo = subprocess.run(
        [sys.executable, "-c", "import tzdata; print(tzdata.__path__[0])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    lie.write_bytes((Path(tokyo) / "zoneinfo" / "Asia" / "Tokyo").read_bytes())
    asked = (
        "from datetime import datetime; from zoneinfo import ZoneInfo; "
        "from control_plane.meetings.walltime import to_utc; "
        "at = datetime(2026, 12, 1, 10); "
        "print(at.replace(tzinfo=ZoneInfo('Africa/Casablanca')).utcoffset(), to_utc(at, 'Africa/Casablanca'))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONTZPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert answer.split(maxsplit=1) == ["9:00:00", "2026-12-01 10:00:00+00:00\n"]
