"""The outbox against a real SMTP server on loopback: once, whatever breaks, or the log says that nobody knows."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from control_plane.audit.entries import MailFailed, MailRequeued, MailSent
from control_plane.meetings import outbox
from control_plane.meetings.models import Mail
from control_plane.meetings.outbox import Relay, deliver_due
from control_plane.meetings.service import (
    GuestDetails,
    NoSuchMail,
    NotStranded,
    convene,
    invite_guest,
    revoke_invitation,
    send_again,
    stranded,
    use_link,
)
from control_plane.permission import NotPermitted
from control_plane.policy import GuestKind
from tests.meetings.conftest import LETTERHEAD, Parliament, kinds, wall
from tests.meetings.letters import letter, text_in
from tests.postgres import free_port


@dataclass
class Postbox:
    """A relay that keeps what it takes. Each answer given in advance is used once, then it takes everything."""

    at_rcpt: list[str] = field(default_factory=list)
    at_data: list[str] = field(default_factory=list)
    hang_up_after_data: int = 0
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 — aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer RCPT TO."""
        if self.at_rcpt:
            return self.at_rcpt.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answer the end of DATA."""
        if self.at_data:
            return self.at_data.pop(0)
        assert isinstance(envelope.content, bytes)
        self.taken.append((envelope.rcpt_tos[0], envelope.content))
        if self.hang_up_after_data:
            self.hang_up_after_data -= 1
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 queued"


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    box = Postbox(port=free_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


def _deliver(house: Parliament, box: Postbox) -> list[str]:
    """Run one round of the worker and return what came of each message."""
    relay = Relay("127.0.0.1", box.port, security="none")
    return [outcome for _, outcome in asyncio.run(deliver_due(house.units, relay))]


def _one_mail(house: Parliament) -> Mail:
    """Have one message in the queue."""
    body = house.body()
    house.seat(body, "Amina")
    house.convened(body)
    (mail,) = house.mails()
    return mail


def _states(house: Parliament) -> list[str]:
    return [mail.state for mail in house.mails()]


def test_what_is_queued_is_sent_once_and_recorded(house: Parliament, postbox: Postbox) -> None:
    mail = _one_mail(house)
    assert _deliver(house, postbox) == ["sent"]
    assert _deliver(house, postbox) == []
    house.clock.advance(days=1)
    assert _deliver(house, postbox) == []
    ((address, content),) = postbox.taken
    assert address == mail.address
    assert letter(content)["Message-ID"] == f"<{mail.id}@parlement.test>"
    entry, _ = house.last()
    assert isinstance(entry, MailSent)
    assert (entry.message, entry.on, entry.meeting) == (mail.id, mail.recipient, mail.meeting_id)
    assert _states(house) == ["sent"]


def test_nothing_leaves_of_a_change_that_did_not_happen(house: Parliament, postbox: Postbox) -> None:
    class Struck(Exception):
        pass

    body = house.body()
    house.seat(body, "Amina")
    meeting = house.book(body)
    with pytest.raises(Struck), house.units.begin() as unit:  # noqa: PT012 — the change, then what undoes it
        convene(unit, house.permission, None, LETTERHEAD, meeting.id)
        raise Struck
    assert _deliver(house, postbox) == []
    assert postbox.taken == []


@pytest.mark.parametrize("moment", ["at_rcpt", "at_data"])
def test_a_greylisted_message_waits_a_minute_and_arrives(
    house: Parliament, postbox: Postbox, moment: str
) -> None:
    _one_mail(house)
    getattr(postbox, moment).append("451 4.7.1 greylisted, come back")
    assert _deliver(house, postbox) == ["postponed"]
    assert _deliver(house, postbox) == []
    house.clock.advance(seconds=61)
    assert _deliver(house, postbox) == ["sent"]
    assert len(postbox.taken) == 1


@pytest.mark.parametrize("moment", ["at_rcpt", "at_data"])
def test_a_refused_message_fails_at_once_with_the_relays_words(
    house: Parliament, postbox: Postbox, moment: str
) -> None:
    mail = _one_mail(house)
    getattr(postbox, moment).append("550 5.1.1 no such mailbox")
    assert _deliver(house, postbox) == ["failed"]
    entry, readable = house.last()
    assert isinstance(entry, MailFailed)
    assert (entry.message, entry.why) == (mail.id, "refused")
    assert readable == {"answer": "550 5.1.1 no such mailbox"}
    house.clock.advance(days=9)
    assert _deliver(house, postbox) == []
    assert postbox.taken == []


def test_one_refused_recipient_does_not_hold_up_the_others(house: Parliament, postbox: Postbox) -> None:
    house.convened(house.committee(members=3))
    postbox.at_rcpt = ["550 no such mailbox"]
    postbox.at_data = ["451 later"]
    assert sorted(_deliver(house, postbox)) == ["failed", "postponed", "sent", "sent", "sent"]
    assert len(postbox.taken) == 3


def test_a_relay_that_is_away_is_waited_for(house: Parliament) -> None:
    _one_mail(house)
    nobody = Postbox(port=free_port())
    assert _deliver(house, nobody) == ["postponed"]
    assert _states(house) == ["queued"]


def test_a_message_is_given_up_after_four_days(house: Parliament, postbox: Postbox) -> None:
    _one_mail(house)
    _set(house, attempts=99)
    postbox.at_rcpt.append("451 still not")
    assert _deliver(house, postbox) == ["failed"]
    entry, _ = house.last()
    assert isinstance(entry, MailFailed)
    assert entry.why == "gave_up"


def test_when_the_line_dies_after_the_text_nobody_knows_and_it_is_not_sent_again(
    house: Parliament, postbox: Postbox
) -> None:
    mail = _one_mail(house)
    postbox.hang_up_after_data = 1
    assert _deliver(house, postbox) == ["unknown"]
    entry, _ = house.last()
    assert isinstance(entry, MailFailed)
    assert (entry.message, entry.why) == (mail.id, "unknown")
    house.clock.advance(days=9)
    assert _deliver(house, postbox) == []
    assert len(postbox.taken) == 1


def test_only_the_operators_word_sends_it_again_under_the_same_message_id(
    house: Parliament, postbox: Postbox
) -> None:
    mail = _one_mail(house)
    postbox.hang_up_after_data = 1
    _deliver(house, postbox)
    with house.units.read() as session:
        (waiting,) = stranded(session)
    assert (waiting.id, waiting.state) == (mail.id, "unknown")
    with pytest.raises(NotPermitted), house.units.begin() as unit:
        send_again(unit, house.permission, house.actor("Amina"), mail.id)
    with house.units.begin() as unit:
        send_again(unit, house.permission, None, mail.id)
    assert isinstance(house.last()[0], MailRequeued)
    assert _deliver(house, postbox) == ["sent"]
    ids = {letter(content)["Message-ID"] for _, content in postbox.taken}
    assert len(postbox.taken) == 2
    assert len(ids) == 1
    for mail_id, error in ((mail.id, NotStranded), ("nothing", NoSuchMail)):
        with pytest.raises(error), house.units.begin() as unit:
            send_again(unit, house.permission, None, mail_id)


class PowerCut(BaseException):
    """The process is gone in this instant."""


def _die(*_given: Any, **_named: Any) -> Any:
    raise PowerCut


MOMENTS = [
    # what the worker was about to do, what the relay has, what it is after the lease, what is taken in the end
    ("_hand_over", 0, ["sent"], 1),
    ("_settled", 1, ["unknown"], 1),
]


@pytest.mark.parametrize(("about_to", "taken", "after", "in_the_end"), MOMENTS)
def test_a_worker_that_dies_sends_nothing_twice(
    house: Parliament,
    postbox: Postbox,
    monkeypatch: pytest.MonkeyPatch,
    about_to: str,
    taken: int,
    after: list[str],
    in_the_end: int,
) -> None:
    _one_mail(house)
    with monkeypatch.context() as broken:
        broken.setattr(outbox, about_to, _die)
        with pytest.raises(PowerCut):
            _deliver(house, postbox)
    assert len(postbox.taken) == taken
    assert _deliver(house, postbox) == []  # its lease still runs: it may only be slow
    house.clock.advance(minutes=16)
    assert _deliver(house, postbox) == after
    house.clock.advance(days=9)
    assert _deliver(house, postbox) == []
    assert len(postbox.taken) == in_the_end


def test_a_slow_worker_whose_lease_is_over_does_not_send_what_another_has(
    house: Parliament, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _one_mail(house)
    hand_over = outbox._hand_over

    def slow(*given: Any) -> bytes | None:
        house.clock.advance(minutes=16)
        with monkeypatch.context() as quick:
            quick.setattr(outbox, "_hand_over", hand_over)
            other = [outbox._claim(house.units)[0]]
        assert other[0].attempt == 2
        return hand_over(*given)

    with monkeypatch.context() as broken:
        broken.setattr(outbox, "_hand_over", slow)
        assert _deliver(house, postbox) == ["withdrawn"]
    assert postbox.taken == []


def test_workers_at_once_send_each_message_once(house: Parliament, postbox: Postbox) -> None:
    house.convened(house.committee(members=48))

    async def together() -> list[str]:
        relay = Relay("127.0.0.1", postbox.port, security="none")
        rounds = await asyncio.gather(*(deliver_due(house.units, relay) for _ in range(4)))
        return [outcome for each in rounds for _, outcome in each]

    assert asyncio.run(together()) == ["sent"] * 50
    assert len({address for address, _ in postbox.taken}) == len(postbox.taken) == 50
    assert kinds(house.entries()).count("MailSent") == 50


def _invited_by_mail(house: Parliament) -> str:
    meeting = house.convened(house.body(), at=wall("2026-11-24T09:00"))
    details = GuestDetails(GuestKind.expert, "Mme Alaoui", "alaoui@example.org")
    with house.units.begin() as unit:
        invitation = invite_guest(unit, house.permission, None, LETTERHEAD, meeting.id, details, by_mail=True)
    return invitation.guest.id


def test_a_guests_link_is_in_the_letter_and_in_no_table(house: Parliament, postbox: Postbox) -> None:
    guest = _invited_by_mail(house)
    assert _deliver(house, postbox) == ["sent"]
    ((_, content),) = postbox.taken
    (link,) = [line for line in text_in(content).splitlines() if "/guest#" in line]
    token = link.partition("#")[2]
    assert len(token) == 43
    assert all(token.encode() not in mail.message for mail in house.mails())
    with house.units.begin() as unit:
        assert use_link(unit, token).id == guest


def test_the_letter_of_a_guest_who_is_no_longer_invited_does_not_leave(
    house: Parliament, postbox: Postbox
) -> None:
    guest = _invited_by_mail(house)
    with house.units.begin() as unit:
        revoke_invitation(unit, house.permission, None, LETTERHEAD, guest)
    assert sorted(_deliver(house, postbox)) == ["sent", "withdrawn"]
    ((_, content),) = postbox.taken
    assert "Annulation" in letter(content)["Subject"]


def _set(house: Parliament, **columns: Any) -> None:
    with house.units.begin() as unit:
        for mail in house.mails():
            for name, value in columns.items():
                setattr(mail, name, value)
            unit.session.merge(mail)
