"""The door of this slice: what other slices and the pages may know and do about meetings."""

from control_plane.meetings.booking import (
    AgendaTooLong,
    Booking,
    Item,
    Preview,
    book,
    book_series,
    preview,
)
from control_plane.meetings.changing import (
    Changes,
    NotAnOccurrence,
    cancel_occurrence,
    change,
    move_occurrence,
)
from control_plane.meetings.convocation import cancel, convene
from control_plane.meetings.course import InCamera, back_in_public, close, move_in_camera, open_meeting
from control_plane.meetings.devices import arrive, guest_of_device
from control_plane.meetings.editing import Authority, Edit, EditedMeanwhile, NoSuchMeeting, TitleRefused
from control_plane.meetings.feed import feed
from control_plane.meetings.invitations import (
    AddressRefused,
    GuestDetails,
    GuestInvitation,
    LinkWorthNothing,
    NoSuchGuest,
    invite_guest,
    invite_person,
    revoke_invitation,
    use_link,
)
from control_plane.meetings.letters import Letterhead
from control_plane.meetings.lobby import GuestNotExpected, let_in, remove_guest, send_back
from control_plane.meetings.outbox import Relay, deliver_due, keep_delivering
from control_plane.meetings.reading import agenda_for, agendas_for, list_guests, read_meeting, readable_by
from control_plane.meetings.recurrence import RecurrenceRefused
from control_plane.meetings.resending import NoSuchMail, NotStranded, StrandedMail, send_again, stranded
from control_plane.meetings.rules import Conflict, Conflicting, NoticeTooShort, NotInState, TimesRefused
from control_plane.meetings.series import NoSuchSeries, NothingAhead, cancel_series, convene_series
from control_plane.meetings.views import (
    AgendaView,
    GuestView,
    MeetingView,
    agenda_of,
    convened_to,
    day,
    guest_names,
    guests,
    guests_of,
    invited,
    meetings,
    occurrences_of,
)
from control_plane.meetings.walltime import NoSuchWallTime, UnknownZone, to_utc, to_wall
from control_plane.people.service import NoSuchPerson

__all__ = [
    "AddressRefused",
    "AgendaTooLong",
    "AgendaView",
    "Authority",
    "Booking",
    "Changes",
    "Conflict",
    "Conflicting",
    "Edit",
    "EditedMeanwhile",
    "GuestDetails",
    "GuestInvitation",
    "GuestNotExpected",
    "GuestView",
    "InCamera",
    "Item",
    "Letterhead",
    "LinkWorthNothing",
    "MeetingView",
    "NoSuchGuest",
    "NoSuchMail",
    "NoSuchMeeting",
    "NoSuchPerson",
    "NoSuchSeries",
    "NoSuchWallTime",
    "NotAnOccurrence",
    "NotInState",
    "NotStranded",
    "NothingAhead",
    "NoticeTooShort",
    "Preview",
    "RecurrenceRefused",
    "Relay",
    "StrandedMail",
    "TimesRefused",
    "TitleRefused",
    "UnknownZone",
    "agenda_for",
    "agenda_of",
    "agendas_for",
    "arrive",
    "back_in_public",
    "book",
    "book_series",
    "cancel",
    "cancel_occurrence",
    "cancel_series",
    "change",
    "close",
    "convene",
    "convene_series",
    "convened_to",
    "day",
    "deliver_due",
    "feed",
    "guest_names",
    "guest_of_device",
    "guests",
    "guests_of",
    "invite_guest",
    "invite_person",
    "invited",
    "keep_delivering",
    "let_in",
    "list_guests",
    "meetings",
    "move_in_camera",
    "move_occurrence",
    "occurrences_of",
    "open_meeting",
    "preview",
    "read_meeting",
    "readable_by",
    "remove_guest",
    "revoke_invitation",
    "send_again",
    "send_back",
    "stranded",
    "to_utc",
    "to_wall",
    "use_link",
]
