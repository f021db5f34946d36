"""A guest's link: good once, and worth nothing after its use, its time, its revocation, or the meeting."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from control_plane.audit.entries import GuestInvited, GuestLinkRefused, GuestLinkUsed, InvitationRevoked
from control_plane.meetings.models import Guest
from control_plane.meetings.service import (
    AddressRefused,
    GuestDetails,
    GuestInvitation,
    LinkWorthNothing,
    MeetingView,
    NotInState,
    TitleRefused,
    arrive,
    cancel,
    close,
    guest_of_device,
    invite_guest,
    remove_guest,
    revoke_invitation,
    use_link,
)
from control_plane.permission import NotPermitted
from control_plane.policy import Classification, GuestKind
from tests.meetings.conftest import LETTERHEAD, Parliament, kinds, wall

NOW = wall("2026-11-24T09:00")
WITNESS = GuestDetails(GuestKind.witness, "Ali Mernissi", organisation="Office des eaux")


def _invite(
    house: Parliament, meeting: MeetingView, details: GuestDetails = WITNESS, token: bytes = b""
) -> GuestInvitation:
    with house.units.begin() as unit:
        how = {"randomness": lambda size: token} if token else {}
        return invite_guest(unit, house.permission, None, LETTERHEAD, meeting.id, details, **how)  # type: ignore[arg-type]


def _refused(house: Parliament, token: str) -> tuple[str, str]:
    """Return what the outsider is told and what the log says."""
    with pytest.raises(LinkWorthNothing) as raised, house.units.begin() as unit:
        use_link(unit, token)
    entry, _ = house.last()
    assert isinstance(entry, GuestLinkRefused)
    return str(raised.value), entry.why


def test_a_link_is_good_once_and_only_its_hash_is_stored(house: Parliament) -> None:
    meeting = house.opened(house.committee(), at=NOW)
    invitation = _invite(house, meeting)
    token = invitation.token or ""
    assert len(token) == 43  # 256 bits
    entry, readable = house.last()
    assert isinstance(entry, GuestInvited)
    assert (entry.guest_kind, entry.on) == ("witness", invitation.guest.pseudonym)
    assert readable["name"] == "Ali Mernissi"
    with house.units.read() as session:
        stored = session.execute(select(Guest.__table__)).one()  # type: ignore[attr-defined]
    assert token not in str(stored)
    with house.units.begin() as unit:
        assert use_link(unit, token).used
    assert isinstance(house.last()[0], GuestLinkUsed)
    assert _refused(house, token)[1] == "used"


def test_every_worthless_link_gets_the_outsider_the_same_answer(house: Parliament) -> None:
    body = house.committee()
    meeting = house.opened(body, at=NOW)
    told = {_refused(house, "A" * 43)}
    revoked = _invite(house, meeting)
    with house.units.begin() as unit:
        revoke_invitation(unit, house.permission, None, LETTERHEAD, revoked.guest.id)
    assert isinstance(house.last()[0], InvitationRevoked)
    told.add(_refused(house, revoked.token or ""))
    draft = _invite(house, house.book(body))
    told.add(_refused(house, draft.token or ""))
    cancelled = house.convened(body)
    called_off = _invite(house, cancelled)
    with house.units.begin() as unit:
        cancel(unit, house.permission, None, LETTERHEAD, cancelled.id)
    told.add(_refused(house, called_off.token or ""))
    late = _invite(house, meeting)
    house.clock.advance(hours=2)
    told.add(_refused(house, late.token or ""))
    assert {why for _, why in told} == {"unknown", "revoked", "not_convened", "over", "expired"}
    assert len({answer for answer, _ in told}) == 1


def test_a_link_may_end_before_the_meeting_but_never_after(house: Parliament) -> None:
    meeting = house.opened(house.committee(), at=NOW)
    soon = house.units.clock() + timedelta(minutes=10)
    for expires, minutes, why in (
        (soon, 11, "expired"),
        (meeting.ends_at + timedelta(days=9), 110, "expired"),
    ):
        with house.units.begin() as unit:
            invitation = invite_guest(
                unit, house.permission, None, LETTERHEAD, meeting.id, WITNESS, expires_at=expires
            )
        house.clock.advance(minutes=minutes)
        assert _refused(house, invitation.token or "")[1] == why


def test_of_two_browsers_at_once_one_gets_in(house: Parliament) -> None:
    meeting = house.opened(house.committee(), at=NOW)
    token = _invite(house, meeting).token or ""
    together, outcomes = Barrier(4), list[str]()

    def use() -> None:
        together.wait()
        try:
            with house.units.begin() as unit:
                use_link(unit, token)
        except LinkWorthNothing:
            outcomes.append("refused")
        else:
            outcomes.append("in")

    threads = [Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["in", "refused", "refused", "refused"]
    assert kinds(house.entries()).count("GuestLinkUsed") == 1


def test_the_browser_is_the_guests_until_they_are_not_wanted(house: Parliament) -> None:
    meeting = house.opened(house.committee(), at=NOW)
    invitation = _invite(house, meeting)
    with house.units.begin() as unit:
        guest, device = arrive(unit, invitation.token or "")
    with house.units.read() as session:
        found = guest_of_device(session, device, house.units.clock())
        assert found is not None
        assert found.id == guest.id
        assert guest_of_device(session, "another", house.units.clock()) is None
        assert guest_of_device(session, device, house.units.clock() + timedelta(days=1)) is None
    with house.units.begin() as unit:
        remove_guest(unit, house.permission, None, guest.id)
    with house.units.read() as session:
        assert guest_of_device(session, device, house.units.clock()) is None


REFUSED = [
    (GuestDetails(GuestKind.press, "Ali\nBcc: x"), TitleRefused),
    (GuestDetails(GuestKind.press, ""), TitleRefused),
    (GuestDetails(GuestKind.press, "Ali", "no address"), AddressRefused),
    (GuestDetails(GuestKind.press, "Ali", "a@b\r\nBcc: x@y"), AddressRefused),
    (GuestDetails(GuestKind.press, "Ali", "@example.org"), AddressRefused),
    (GuestDetails(GuestKind.press, "Ali", "ali"), AddressRefused),
    (GuestDetails(GuestKind.press, "Ali", "<script>@example.org"), AddressRefused),
]


@pytest.mark.parametrize(("details", "error"), REFUSED)
def test_a_guest_who_could_not_be_written_to_is_refused(
    house: Parliament, details: GuestDetails, error: type[Exception]
) -> None:
    meeting = house.book(house.body())
    with pytest.raises(error):
        _invite(house, meeting, details)


def test_a_guest_by_mail_needs_an_address(house: Parliament) -> None:
    meeting = house.book(house.body())
    with pytest.raises(AddressRefused), house.units.begin() as unit:
        invite_guest(unit, house.permission, None, LETTERHEAD, meeting.id, WITNESS, by_mail=True)


def test_nobody_is_invited_to_a_secret_meeting_nor_by_a_member(house: Parliament) -> None:
    body = house.committee()
    secret = house.book(body, classification=Classification.SECRET)
    public = house.book(body)
    for meeting, by in (
        (secret, house.clerk()),
        (public, house.actor("membre 0 de Commission des finances")),
    ):
        with pytest.raises(NotPermitted), house.units.begin() as unit:
            invite_guest(unit, house.permission, by, LETTERHEAD, meeting.id, WITNESS)


def test_nobody_is_invited_to_a_meeting_that_is_over(house: Parliament) -> None:
    meeting = house.opened(house.committee(), at=NOW)
    with house.units.begin() as unit:
        close(unit, house.permission, None, meeting.id)
    with pytest.raises(NotInState):
        _invite(house, meeting)


def test_revoking_tells_the_guest_who_was_written_to(house: Parliament) -> None:
    meeting = house.convened(house.committee(members=0), at=NOW)
    details = GuestDetails(GuestKind.expert, "Mme Alaoui", "alaoui@example.org")
    with house.units.begin() as unit:
        invitation = invite_guest(unit, house.permission, None, LETTERHEAD, meeting.id, details, by_mail=True)
    for _ in range(2):
        with house.units.begin() as unit:
            revoke_invitation(unit, house.permission, None, LETTERHEAD, invitation.guest.id)
    subjects = [mail.subject for mail in house.mails() if mail.address == "alaoui@example.org"]
    assert sorted(subjects) == ["Annulation : Budget 2027", "Invitation : Budget 2027"]
    assert kinds(house.entries()).count("InvitationRevoked") == 1
