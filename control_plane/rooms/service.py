"""The door of this slice: what can be done with a conference."""

from control_plane.rooms.connecting import Accepted, NotAccepted, Show, answer_shows
from control_plane.rooms.events import Counted, Event, Gap, Report, UnknownEvent, take_reports
from control_plane.rooms.gate import Admit, Answer, Join, MayEnter, MayWait, TurnAway, Wait, answer_joins
from control_plane.rooms.headcount import Headcount, headcount
from control_plane.rooms.keys import KeyRing, KeyUnknown, NoSigningKey, public_pems, verifying
from control_plane.rooms.moderating import (
    NoSuchConnection,
    Present,
    let_in,
    lock,
    mute,
    present,
    remove,
    send_back,
)
from control_plane.rooms.outlook import NotNow, Outlook, outlook
from control_plane.rooms.pools import Pool, Pools
from control_plane.rooms.reservation import (
    Reservation,
    Unreserved,
    Wanted,
    answer_creations,
    answer_reservations,
)
from control_plane.rooms.sequencer import Overloaded, Sequencer
from control_plane.rooms.signalling import Signalling
from control_plane.rooms.sitting import MovedOut, close, move_in_camera, reconsider, revoke_invitation
from control_plane.rooms.ticket import NotAdmittedHere, Ticket, TicketOffice, hand_out_token, question_about

__all__ = [
    "Accepted",
    "Admit",
    "Answer",
    "Counted",
    "Event",
    "Gap",
    "Headcount",
    "Join",
    "KeyRing",
    "KeyUnknown",
    "MayEnter",
    "MayWait",
    "MovedOut",
    "NoSigningKey",
    "NoSuchConnection",
    "NotAccepted",
    "NotAdmittedHere",
    "NotNow",
    "Outlook",
    "Overloaded",
    "Pool",
    "Pools",
    "Present",
    "Report",
    "Reservation",
    "Sequencer",
    "Show",
    "Signalling",
    "Ticket",
    "TicketOffice",
    "TurnAway",
    "UnknownEvent",
    "Unreserved",
    "Wait",
    "Wanted",
    "answer_creations",
    "answer_joins",
    "answer_reservations",
    "answer_shows",
    "close",
    "hand_out_token",
    "headcount",
    "let_in",
    "lock",
    "move_in_camera",
    "mute",
    "outlook",
    "present",
    "public_pems",
    "question_about",
    "reconsider",
    "remove",
    "revoke_invitation",
    "send_back",
    "take_reports",
    "verifying",
]
