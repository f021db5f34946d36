"""The door of this slice: what other slices and the pages may know and do about meetings."""

from control_plane.meetings.views import (
    AgendaView,
    GuestView,
    MeetingView,
    agenda_of,
    convened_to,
    day,
    guests,
    guests_of,
    invited,
    meetings,
    occurrences_of,
)

__all__ = [
    "AgendaView",
    "GuestView",
    "MeetingView",
    "agenda_of",
    "convened_to",
    "day",
    "guests",
    "guests_of",
    "invited",
    "meetings",
    "occurrences_of",
]
