"""Messages that did not leave: what the operator sees of them, and the operator's word that sends one again."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from control_plane.audit.entries import MailRequeued
from control_plane.meetings.editing import Authority
from control_plane.meetings.models import Mail
from control_plane.permission import Permission, from_console
from control_plane.policy import Action, SiteFacts
from control_plane.unit import Unit

STRANDED = ("failed", "unknown")


class NoSuchMail(Exception):
    """No message has this id."""


class NotStranded(Exception):
    """The message is on its way or has arrived: sending it again would send it twice."""


@dataclass(frozen=True, slots=True)
class StrandedMail:
    """A message that failed for good, or of which nobody knows; `answer` is the relay's last word."""

    id: str
    address: str
    subject: str
    state: str
    attempts: int
    last_tried: datetime
    answer: str


def stranded(session: Session) -> list[StrandedMail]:
    """Return the messages that wait for an operator's word, oldest first."""
    query = select(Mail).where(col(Mail.state).in_(STRANDED)).order_by(col(Mail.not_before), col(Mail.id))
    return [
        StrandedMail(
            mail.id, mail.address, mail.subject, mail.state, mail.attempts, mail.not_before, mail.last_answer
        )
        for mail in session.scalars(query)
    ]


def send_again(unit: Unit, permission: Permission, authority: Authority, mail_id: str) -> None:
    """Queue a stranded message once more, under the same Message-ID (raises NotPermitted, NoSuchMail, NotStranded)."""
    decision = (
        from_console()
        if authority is None
        else permission.require(unit, authority, Action.manage_site, SiteFacts("site"))
    )
    mail = unit.session.get(Mail, mail_id, with_for_update=True)
    if mail is None:
        raise NoSuchMail(f"no message {mail_id!r}")
    if mail.state not in STRANDED:
        raise NotStranded(f"message {mail_id!r} is {mail.state}")
    mail.state, mail.not_before = "queued", unit.now
    unit.record(MailRequeued(message=mail.id, on=mail.recipient, meeting=mail.meeting_id or "", **decision))
