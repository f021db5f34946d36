"""Letters to those convened and invited: MIME with the calendar object inside (iMIP, RFC 6047), queued."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from enum import StrEnum

from control_plane.database import new_id
from control_plane.meetings.calendar import Method, Notice, Party, calendar
from control_plane.meetings.models import Mail
from control_plane.meetings.rules import CLOSED_TO_READERS
from control_plane.meetings.views import MeetingView
from control_plane.meetings.wording import hours, hours_until, words
from control_plane.people.service import BodyView, Standing
from control_plane.policy import Function, State
from control_plane.unit import Unit

LINK_GOES_HERE = "link-goes-here"

ROLES = {
    Function.chair: "CHAIR",
    Function.substitute: "OPT-PARTICIPANT",
    Function.clerk: "NON-PARTICIPANT",
}


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes: the appliance's address on the web and in mail. `base_url` has no slash at its end."""

    base_url: str
    name: str
    address: str

    def page(self, meeting_id: str) -> str:
        """Return the address of a meeting's page, which tells nothing of its room."""
        return f"{self.base_url}/meetings/{meeting_id}"

    def series_page(self, series_id: str) -> str:
        """Return the address that leads to the sitting of a series that goes on or comes next."""
        return f"{self.base_url}/series/{series_id}"

    def page_of(self, matter: "Matter") -> str:
        """Return the page of what a letter is about."""
        if matter.series_id:
            return self.series_page(matter.series_id)
        return self.page(matter.meeting.id)

    def link(self, token: str) -> str:
        """Return a guest's link: behind the #, it reaches no server's log and no scanner that opens links."""
        return f"{self.base_url}/guest#{token}"


class Occasion(StrEnum):
    """Why somebody is written to."""

    convened = "convened"
    changed = "changed"
    cancelled = "cancelled"
    invited = "invited"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody written to; `role` is RFC 5545's."""

    id: str
    pseudonym: str
    name: str
    address: str
    language: str
    role: str


@dataclass(frozen=True, slots=True)
class Matter:
    """What the letters are about. `uid`, `sequence` and `occurrence_wall` as the calendars must see them."""

    meeting: MeetingView
    body: BodyView
    uid: str
    sequence: int
    occurrence_wall: datetime | None = None
    series_id: str = ""  # of a whole series only
    rrule: str = ""
    last_wall: datetime | None = None
    exdates: Sequence[datetime] = ()
    withdrawn: bool = False  # this reader is no longer invited, though the meeting stands

    def called(self, language: str) -> str:
        """Return the title, or for a meeting whose title is not for everybody its body's name."""
        closed = self.meeting.classification in CLOSED_TO_READERS
        return self.body.name_in(language) if closed else self.meeting.title


def reader(person: Standing, function: Function | None) -> Reader:
    """Return how somebody with an account is written to."""
    role = ROLES.get(function, "REQ-PARTICIPANT") if function else "REQ-PARTICIPANT"
    return Reader(
        person.id, person.pseudonym, person.name_in(person.language), person.email, person.language, role
    )


def write(
    unit: Unit,
    letterhead: Letterhead,
    occasion: Occasion,
    matters: Sequence[Matter],
    readers: Iterable[Reader],
) -> None:
    """Queue one letter a reader, about the first of the matters; they leave when the unit has committed.

    The further matters are moved occurrences of a series, for the same calendar object.
    """
    unit.session.add_all(_letter(unit.now, letterhead, occasion, matters, reader) for reader in readers)


def with_link(message: bytes, token: str) -> bytes:
    """Return a guest's letter with the secret of their link in its place."""
    letter = message_from_bytes(message, policy=SMTPUTF8)
    text = letter.get_body(("plain",))
    if text is None:
        raise ValueError("a letter of ours has a plain text")
    text.set_content(text.get_content().replace(LINK_GOES_HERE, token))
    return letter.as_bytes(policy=letter.policy)


def notice(
    letterhead: Letterhead, matter: Matter, stamp: datetime, language: str, to: Sequence[Party]
) -> Notice:
    """Return what a reader's calendar is told of the matter."""
    meeting = matter.meeting
    return Notice(
        uid=matter.uid,
        sequence=matter.sequence,
        summary=matter.called(language),
        classification=meeting.classification,
        starts_wall=meeting.starts_wall,
        ends_wall=meeting.ends_wall,
        zone=meeting.zone,
        page=letterhead.page_of(matter),
        stamp=stamp,
        organiser=Party(matter.body.name_in(language), letterhead.address),
        attendees=to,
        cancelled=matter.withdrawn or meeting.state is State.cancelled,
        recurrence_id=matter.occurrence_wall,
        rrule=matter.rrule,
        last_wall=matter.last_wall,
        exdates=matter.exdates,
    )


def _letter(
    now: datetime, head: Letterhead, occasion: Occasion, matters: Sequence[Matter], to: Reader
) -> Mail:
    mail_id, say, matter = new_id(), words(to.language), matters[0]
    meeting = matter.meeting
    subject = getattr(say, occasion.value).format(what=matter.called(to.language))
    lines = [subject, hours(meeting.starts_wall, meeting.ends_wall, meeting.zone), ""]
    if occasion is Occasion.invited:
        until = hours_until(meeting.ends_wall, meeting.zone)
        lines += [say.link.format(until=until), head.link(LINK_GOES_HERE)]
    else:
        lines += [say.page, head.page_of(matter)]
    method: Method = "CANCEL" if occasion is Occasion.cancelled else "REQUEST"
    party = Party(to.name, to.address, to.role)
    written = calendar(method, [notice(head, each, now, to.language, [party]) for each in matters])
    about = f"{matter.uid}:{matter.occurrence_wall or ''}"
    return Mail(
        id=mail_id,
        dedupe=f"{about}:{occasion.value}:{matter.sequence}:{to.id}",
        meeting_id=meeting.id,
        guest_id=to.id if occasion is Occasion.invited else None,
        recipient=to.pseudonym,
        sender=head.address,
        address=to.address,
        subject=subject,
        message=_mime(head, mail_id, now, to, subject, "\n".join(lines), method, written),
        not_before=now,
    )


def _mime(
    head: Letterhead,
    mail_id: str,
    now: datetime,
    to: Reader,
    subject: str,
    text: str,
    method: Method,
    written: bytes,
) -> bytes:
    message = EmailMessage(policy=SMTP if to.address.isascii() else SMTPUTF8)
    message["From"] = Address(head.name, addr_spec=head.address)
    message["To"] = Address(to.name, addr_spec=to.address)
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{mail_id}@{head.address.rpartition('@')[2]}>"  # the same at every attempt
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice comes back
    message["Content-Language"] = to.language
    message.set_content(text)
    message.add_alternative(
        written.decode(), subtype="calendar", params={"method": method, "component": "VEVENT"}
    )
    return message.as_bytes()
