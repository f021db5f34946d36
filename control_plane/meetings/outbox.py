"""The outbox: a message leaves once, whatever breaks; where that can't be known, the log says so.

A message is claimed in a transaction of its own: its `not_before` moves to the end of a lease, so a worker that dies
before the relay heard of the message only delays it. It is marked `sending` in a second one, just before the
relay gets its text. From there on a crash leaves it `unknown`, and only an operator's word sends it again, under
the same Message-ID: SMTP has no exactly-once (RFC 1047; RFC 5321, 6.1).
"""

import asyncio
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlmodel import col

from control_plane.audit.entries import MailFailed, MailSent
from control_plane.meetings.letters import with_link
from control_plane.meetings.links import Randomness, hash_of, new_token
from control_plane.meetings.models import Guest, Mail
from control_plane.meetings.rules import retry_after
from control_plane.unit import Unit, Units

LEASE = timedelta(minutes=15)
BATCH = 20
ENOUGH_FOR_ONE = 10.0  # seconds that a relay has for one answer: a batch ends well inside its lease
LOST = (SMTPServerDisconnected, SMTPTimeoutError)
Outcome = Literal["sent", "postponed", "failed", "unknown", "withdrawn"]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Relay:
    """The site's own mail relay; `offered` is STARTTLS where the relay has it, with a certificate that verifies."""

    host: str
    port: int
    security: Literal["offered", "starttls", "tls", "none"] = "offered"
    username: str | None = None
    password: str | None = None
    hello: str | None = None
    authority: str | None = None  # file of the site's certificate authority

    def client(self) -> SMTP:
        """Return a client that isn't connected yet."""
        return SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            local_hostname=self.hello,
            use_tls=self.security == "tls",
            start_tls={"offered": None, "starttls": True, "tls": False, "none": False}[self.security],
            cert_bundle=self.authority,
            timeout=ENOUGH_FOR_ONE,
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this worker, at this attempt, has until its lease ends."""

    mail_id: str
    attempt: int
    sender: str
    address: str


async def deliver_due(
    units: Units, relay: Relay, *, randomness: Randomness = secrets.token_bytes
) -> list[tuple[str, Outcome]]:
    """Send what is due, at most 20 messages, and return what came of each by its id."""
    outcomes: list[tuple[str, Outcome]] = [
        (mail_id, "unknown") for mail_id in await asyncio.to_thread(_declare_unknown, units)
    ]
    claims = await asyncio.to_thread(_claim, units)
    if not claims:
        return outcomes
    client = relay.client()
    try:
        await client.connect()
    except (SMTPException, OSError) as error:
        # The whole relay is away or refuses us, which says nothing about a single message.
        for claim in claims:
            outcomes.append((claim.mail_id, await _settle(units, claim, "postponed", str(error))))
        return outcomes
    try:
        for claim in claims:
            outcomes.append((claim.mail_id, await _deliver(units, client, claim, randomness)))
    finally:
        client.close()
    return outcomes


async def keep_delivering(units: Units, relay: Relay, pause: float) -> None:
    """Deliver until cancelled, looking every `pause` seconds; a database that is away is waited for."""
    while True:
        try:
            outcomes = await deliver_due(units, relay)
        except OperationalError:
            log.exception("the outbox can't reach the database")
            outcomes = []
        if not outcomes:
            await asyncio.sleep(pause)


async def _deliver(units: Units, client: SMTP, claim: Claim, randomness: Randomness) -> Outcome:
    options = [] if claim.address.isascii() else ["SMTPUTF8"]
    encoding = "ascii" if claim.address.isascii() else "utf-8"
    try:
        if not client.is_connected:
            await client.connect()
        await client.mail(claim.sender, options=options, encoding=encoding)
        await client.rcpt(claim.address, encoding=encoding)
    except SMTPResponseException as error:
        return await _refused(units, client, claim, error)
    except (SMTPException, OSError) as error:
        return await _settle(units, claim, "postponed", str(error))
    message = await asyncio.to_thread(_hand_over, units, claim, randomness)
    if message is None:
        await _begin_anew(client)
        return "withdrawn"
    return await _give_text(units, client, claim, message)


async def _give_text(units: Units, client: SMTP, claim: Claim, message: bytes) -> Outcome:
    try:
        answer = await client.data(message)
    except SMTPResponseException as error:
        return await _refused(units, client, claim, error)
    except (SMTPException, OSError) as error:
        # It may have taken the message before the line went dead.
        return await _settle(units, claim, "unknown", str(error))
    return await _settle(units, claim, "sent", f"{answer.code} {answer.message}")


async def _refused(units: Units, client: SMTP, claim: Claim, error: SMTPResponseException) -> Outcome:
    temporary = 400 <= error.code < 500
    outcome = await _settle(
        units, claim, "postponed" if temporary else "failed", f"{error.code} {error.message}"
    )
    await _begin_anew(client)
    return outcome


async def _begin_anew(client: SMTP) -> None:
    """Leave the transaction under way; where even that fails, the next message gets a connection of its own."""
    if not client.is_connected:
        return
    try:
        await client.rset()
    except (SMTPException, OSError):
        client.close()


def _declare_unknown(units: Units) -> list[str]:
    """Messages that were being handed over when their worker died: nobody knows if the relay has them."""
    with units.begin() as unit:
        query = (
            select(Mail)
            .where(col(Mail.state) == "sending", col(Mail.not_before) <= unit.now)
            .with_for_update(skip_locked=True)
        )
        lost = list(unit.session.scalars(query))
        for mail in lost:
            _conclude(unit, mail, "unknown", "the worker did not come back")
        return [mail.id for mail in lost]


def _claim(units: Units) -> list[Claim]:
    with units.begin() as unit:
        query = (
            select(Mail)
            .where(col(Mail.state) == "queued", col(Mail.not_before) <= unit.now)
            .order_by(col(Mail.not_before), col(Mail.id))
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        due = list(unit.session.scalars(query))
        for mail in due:
            mail.attempts += 1
            mail.not_before = unit.now + LEASE
        return [Claim(mail.id, mail.attempts, mail.sender, mail.address) for mail in due]


def _hand_over(units: Units, claim: Claim, randomness: Randomness) -> bytes | None:
    """Mark the message as being sent and return its text; None where it is no longer ours, or not wanted.

    Only here a guest's link is made: no table ever holds it.
    """
    with units.begin() as unit:
        mail = _still_claimed(unit, claim, "queued")
        if mail is None:
            return None
        mail.state, mail.not_before = "sending", unit.now + LEASE
        if mail.guest_id is None:
            return mail.message
        guest = unit.session.get_one(Guest, mail.guest_id, with_for_update=True)
        if guest.used_at or guest.revoked_at or guest.removed_at:
            _conclude(unit, mail, "failed", "the invitation is no longer open")
            return None
        token = new_token(randomness)
        guest.link_hash = hash_of(token)
        return with_link(mail.message, token)


async def _settle(units: Units, claim: Claim, outcome: Outcome, answer: str) -> Outcome:
    return await asyncio.to_thread(_settled, units, claim, outcome, answer)


def _settled(units: Units, claim: Claim, outcome: Outcome, answer: str) -> Outcome:
    with units.begin() as unit:
        mail = _still_claimed(unit, claim, "queued", "sending", "unknown")
        if mail is None:
            return "withdrawn"
        return _conclude(unit, mail, outcome, answer)


def _still_claimed(unit: Unit, claim: Claim, *states: str) -> Mail | None:
    mail = unit.session.get_one(Mail, claim.mail_id, with_for_update=True)
    return mail if mail.attempts == claim.attempt and mail.state in states else None


def _conclude(unit: Unit, mail: Mail, outcome: Outcome, answer: str) -> Outcome:
    mail.last_answer = answer[:500]
    readable = {"answer": mail.last_answer}
    match outcome:
        case "sent":
            mail.state, mail.sent_at = "sent", unit.now
            unit.record(MailSent(message=mail.id, on=mail.recipient, meeting=mail.meeting_id or ""))
        case "postponed" if (wait := retry_after(mail.attempts)) is not None:
            mail.state, mail.not_before = "queued", unit.now + wait
        case "unknown":
            mail.state = "unknown"
            unit.record(_failed(mail, "unknown"), readable)
        case _:
            mail.state = "failed"
            unit.record(_failed(mail, "gave_up" if outcome == "postponed" else "refused"), readable)
            return "failed"
    return outcome


def _failed(mail: Mail, why: str) -> MailFailed:
    return MailFailed(message=mail.id, on=mail.recipient, meeting=mail.meeting_id or "", why=why)
