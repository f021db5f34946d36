"""iCalendar (RFC 5545, 5546, 7986): what calendars outside are told about sittings, and what they aren't.

They get the address of the meeting's page as CONFERENCE, never the room, and never more than the classification
lets out. The library writes properties; time zones are ours, because icalendar 7.3 asks the host's tz database
and dates the change back after Ramadan by the wrong offset (RFC 5545, 3.6.5: DTSTART with TZOFFSETFROM).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from icalendar import (
    Calendar,
    Event,
    Parameters,
    Timezone,
    TimezoneDaylight,
    TimezoneStandard,
    vCalAddress,
    vRecur,
    vUri,
)

from control_plane.meetings.walltime import Observance, observances, to_utc
from control_plane.policy import Classification

Method = Literal["REQUEST", "CANCEL", "PUBLISH"]
PRODUCT = "-//Majlis//Meetings//EN"
CLASSES = {
    Classification.PUBLIC: "PUBLIC",
    Classification.RESTRICTED: "PRIVATE",
    Classification.CONFIDENTIAL: "CONFIDENTIAL",
    Classification.SECRET: "CONFIDENTIAL",
}
MARGIN = timedelta(days=1)  # what a calendar shows beside the sitting


@dataclass(frozen=True, slots=True)
class Party:
    """The organiser or somebody convened; `role` is RFC 5545's ROLE."""

    name: str
    address: str
    role: str = "REQ-PARTICIPANT"


@dataclass(frozen=True, slots=True)
class Notice:
    """One VEVENT: a sitting, a whole series (`rrule`), or one moved or cancelled occurrence (`recurrence_id`).

    Wall times are naive and mean `zone`; `last_wall` is where a series ends; `stamp` is aware.
    """

    uid: str
    sequence: int
    summary: str
    classification: Classification
    starts_wall: datetime
    ends_wall: datetime
    zone: str
    page: str
    stamp: datetime
    organiser: Party
    attendees: Sequence[Party] = ()
    cancelled: bool = False
    recurrence_id: datetime | None = None
    rrule: str = ""
    last_wall: datetime | None = None
    exdates: Sequence[datetime] = field(default=())


def calendar(method: Method, notices: Sequence[Notice]) -> bytes:
    """Return the calendar object, with a VTIMEZONE for each zone that covers all the sittings of it."""
    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("method", method)
    for zone in sorted({notice.zone for notice in notices}):
        made.add_component(_timezone(zone, [notice for notice in notices if notice.zone == zone]))
    for notice in notices:
        made.add_component(_event(notice))
    written: bytes = made.to_ical()
    return written


def _event(notice: Notice) -> Event:
    event, here = Event(), {"TZID": notice.zone}
    event.add("uid", notice.uid)
    event.add("sequence", notice.sequence)
    event.add("dtstamp", notice.stamp.astimezone(UTC))
    event.add("dtstart", notice.starts_wall, parameters=here)
    event.add("dtend", notice.ends_wall, parameters=here)
    event.add("summary", notice.summary)
    event.add("class", CLASSES[notice.classification])
    event.add("status", "CANCELLED" if notice.cancelled else "CONFIRMED")
    if notice.recurrence_id is not None:
        event.add("recurrence-id", notice.recurrence_id, parameters=here)
    if notice.rrule:
        event.add("rrule", vRecur.from_ical(notice.rrule))
    if notice.exdates:
        event.add("exdate", list(notice.exdates), parameters=here)
    event.add("organizer", _address(notice.organiser, {}))
    for party in notice.attendees:
        reply = {"ROLE": party.role, "PARTSTAT": "NEEDS-ACTION", "RSVP": "FALSE"}
        event.add("attendee", _address(party, reply), encode=False)
    event.add("url", notice.page)
    event.add(
        "conference",
        vUri(notice.page),
        parameters=Parameters(VALUE="URI", FEATURE=["AUDIO", "VIDEO"], LABEL="Majlis"),
    )
    return event


def _address(party: Party, parameters: dict[str, str]) -> vCalAddress:
    address = vCalAddress(f"mailto:{party.address}")
    address.params["CN"] = party.name
    address.params.update(parameters)
    return address


def _timezone(zone: str, notices: Iterable[Notice]) -> Timezone:
    walls = [
        (
            notice.starts_wall,
            notice.ends_wall,
            notice.recurrence_id or notice.starts_wall,
            notice.last_wall or notice.ends_wall,
        )
        for notice in notices
    ]
    first = to_utc(min(min(each) for each in walls), zone) - MARGIN
    last = to_utc(max(max(each) for each in walls), zone) + MARGIN
    observed = observances(zone, first, last)
    standard = min(each.offset for each in observed)
    made = Timezone()
    made.add("tzid", zone)
    for each in observed:
        made.add_component(_observance(each, standard))
    return made


def _observance(observed: Observance, standard: timedelta) -> TimezoneStandard | TimezoneDaylight:
    # Readers take DAYLIGHT for the higher offset; Morocco's own law called the higher one standard until 2026.
    made = TimezoneStandard() if observed.offset == standard else TimezoneDaylight()
    made.add("dtstart", (observed.onset + observed.before).replace(tzinfo=None))
    made.add("tzoffsetfrom", observed.before)
    made.add("tzoffsetto", observed.offset)
    made.add("tzname", observed.name)
    return made
