"""What the log can say: closed, numbered kinds.

The evolution rule: a number is never reused and never changes its meaning; a kind's fields are only ever
added, at the end, with a default. Old bytes then decode and encode to themselves for ever, which
tests/audit/test_golden_bytes.py pins.

An entry is canonical JSON (the subset of RFC 8785 that has no floats): sorted keys, no white space, UTF-8,
defaults left out. It holds identifiers, pseudonyms and enumerated words only; names, titles, addresses and
reasons belong to the readable part, which the entry binds by a salted hash in `sealed`.
"""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, ClassVar, Union

import msgspec

MAX_LEAF_BYTES = 65_535  # an entry bundle of C2SP tlog-tiles gives each entry a 16-bit length

Readable = Mapping[str, Any]


class LeafTooLarge(Exception):
    """The canonical bytes pass 65,535: the entry can't be part of the log."""


class LeafUnreadable(Exception):
    """The bytes are not the canonical form of any kind this version knows."""


class Entry(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="kind",
):
    """What every entry can carry.

    `at` is microseconds since 1970 UTC, `by` the pseudonym of whoever acted, `on` the pseudonym of whoever
    it was done to; both values are set when the log takes the entry.
    """

    at: int = 0
    sealed: str = ""
    by: str = ""
    on: str = ""
    body: str = ""
    meeting: str = ""


class Decided(Entry, frozen=True, kw_only=True):
    """An entry that a policy decided: the deciding policies' ids and the digest of the set in force."""

    policies: tuple[str, ...] = ()
    policy_set: str = ""


class Reported(Entry, frozen=True, kw_only=True):
    """Something that a signalling host saw: `happened` is microseconds since 1970 UTC by its own clock."""

    node: str
    seq: int
    happened: int


class OfOccupant(Reported, frozen=True, kw_only=True):
    """Something that a signalling host saw one occupant do."""

    connection: str


# 1-19 people


class PersonAdded(Decided, frozen=True, kw_only=True, tag=1):
    """An account exists from now on."""


class PersonChanged(Decided, frozen=True, kw_only=True, tag=2):
    """Names, language or address of an account were changed."""

    fields: tuple[str, ...]


class PersonDisabled(Decided, frozen=True, kw_only=True, tag=3):
    """The account can no longer sign in and its sessions are over."""


class BodyCreated(Decided, frozen=True, kw_only=True, tag=4):
    """A body exists from now on."""

    type: str


class BodyChanged(Decided, frozen=True, kw_only=True, tag=5):
    """A body's names or rules were changed."""

    fields: tuple[str, ...]


class MembershipBegan(Decided, frozen=True, kw_only=True, tag=6):
    """A person holds a function in a body from a date on."""

    function: str
    instead_of: str = ""


class MembershipEnded(Decided, frozen=True, kw_only=True, tag=7):
    """A membership has an end now."""

    function: str


class DutyGiven(Decided, frozen=True, kw_only=True, tag=8):
    """A person is security officer or administrator."""

    duty: str


class DutyTaken(Decided, frozen=True, kw_only=True, tag=9):
    """A person no longer has the duty."""

    duty: str


class SignedIn(Entry, frozen=True, kw_only=True, tag=10):
    """A browser session began."""

    session: str
    strength: str


class SignInRefused(Entry, frozen=True, kw_only=True, tag=11):
    """A sign-in failed; `on` is empty when no such account exists."""

    why: str


class SignedOut(Entry, frozen=True, kw_only=True, tag=12):
    """A browser session is over."""

    session: str
    why: str


class PasswordSet(Decided, frozen=True, kw_only=True, tag=13):
    """An account's password was set or replaced."""


# 20-39 meetings


class MeetingBooked(Decided, frozen=True, kw_only=True, tag=20):
    """A sitting of a body was booked (as a draft)."""

    classification: str
    starts: int  # microseconds since 1970 UTC
    ends: int
    series: str = ""


class MeetingChanged(Decided, frozen=True, kw_only=True, tag=21):
    """A booked sitting was changed, moved among series occurrences included."""

    fields: tuple[str, ...]
    version: int


class MeetingConvened(Decided, frozen=True, kw_only=True, tag=22):
    """The convocation went out to members and guests."""

    invited: int
    short_notice: bool = False


class MeetingOpened(Decided, frozen=True, kw_only=True, tag=23):
    """The sitting is open."""


class MovedInCamera(Decided, frozen=True, kw_only=True, tag=24):
    """From now on the sitting is closed to everybody but members."""


class BackInPublic(Decided, frozen=True, kw_only=True, tag=25):
    """The sitting is no longer in camera."""


class MeetingClosed(Decided, frozen=True, kw_only=True, tag=26):
    """The sitting is over."""


class MeetingCancelled(Decided, frozen=True, kw_only=True, tag=27):
    """The sitting won't take place."""


class SeriesBooked(Decided, frozen=True, kw_only=True, tag=28):
    """A recurring sitting was booked."""

    series: str
    occurrences: int


class GuestInvited(Decided, frozen=True, kw_only=True, tag=29):
    """A person without account may come, by a link of their own."""

    guest_kind: str


class InvitationRevoked(Decided, frozen=True, kw_only=True, tag=30):
    """A guest's link is worth nothing from now on."""


class GuestLinkUsed(Entry, frozen=True, kw_only=True, tag=31):
    """A guest's link was exchanged for a session; it is worth nothing from now on."""


class GuestLinkRefused(Entry, frozen=True, kw_only=True, tag=32):
    """A link was used, expired, revoked or never given out."""

    why: str


class MailSent(Entry, frozen=True, kw_only=True, tag=33):
    """The relay took responsibility for a message."""

    message: str


class MailFailed(Entry, frozen=True, kw_only=True, tag=34):
    """The relay refused a message for good, or it could not be known whether it took it."""

    message: str
    why: str


class MailRequeued(Decided, frozen=True, kw_only=True, tag=35):
    """Somebody had a message sent again that had failed, or of which nobody knew."""

    message: str


# 40-59 decisions at the gate


class ConnectionAccepted(Entry, frozen=True, kw_only=True, tag=40):
    """A join token was good, for the first and only time."""

    connection: str


class ConnectionRefused(Entry, frozen=True, kw_only=True, tag=41):
    """A join token was not good."""

    why: str
    node: str = ""


class Admitted(Decided, frozen=True, kw_only=True, tag=42):
    """An occupant may join the room now (or, `at_lobby`, its lobby, as moderators do to see who waits)."""

    connection: str
    moderator: bool = False
    at_lobby: bool = False


class SentToLobby(Decided, frozen=True, kw_only=True, tag=43):
    """An occupant must wait until a moderator admits them; `at_lobby` when they took their place there."""

    connection: str
    at_lobby: bool = False


class Refused(Decided, frozen=True, kw_only=True, tag=44):
    """An occupant may not join; no policies means that no policy permits it."""

    why: str
    connection: str = ""


class TokenIssued(Decided, frozen=True, kw_only=True, tag=45):
    """A join token for one room was handed to a signed-in person or guest."""

    jti: str
    expires: int


class LetIn(Decided, frozen=True, kw_only=True, tag=46):
    """A moderator admitted somebody from the lobby."""


class SentBack(Decided, frozen=True, kw_only=True, tag=47):
    """Somebody was sent back to the lobby."""

    why: str


class Removed(Decided, frozen=True, kw_only=True, tag=48):
    """Somebody was removed and may not come back."""

    why: str


class ActionRefused(Decided, frozen=True, kw_only=True, tag=49):
    """Somebody asked for something that the policies do not let them do."""

    action: str
    why: str = ""


# 60-79 what Prosody reports, and keys


class RoomCreated(Reported, frozen=True, kw_only=True, tag=60):
    """The conference of a meeting exists on a signalling host."""


class RoomRefused(Entry, frozen=True, kw_only=True, tag=61):
    """Somebody tried to create a conference that no meeting allows."""

    node: str
    why: str


class RoomDestroyed(Reported, frozen=True, kw_only=True, tag=62):
    """The conference is gone."""


class Joined(OfOccupant, frozen=True, kw_only=True, tag=63):
    """An occupant is inside."""


class Left(OfOccupant, frozen=True, kw_only=True, tag=64):
    """An occupant is no longer inside."""


class RoleChanged(OfOccupant, frozen=True, kw_only=True, tag=65):
    """An occupant's role is another now."""

    role: str


class LobbyEntered(OfOccupant, frozen=True, kw_only=True, tag=66):
    """Somebody is waiting in the lobby."""


class LobbyLeft(OfOccupant, frozen=True, kw_only=True, tag=67):
    """Somebody no longer waits in the lobby."""


class GateUnreachable(Reported, frozen=True, kw_only=True, tag=68):
    """A signalling host could not reach the control plane; it let nobody in."""


class GateBack(Reported, frozen=True, kw_only=True, tag=69):
    """A signalling host reaches the control plane again."""


class Commanded(Entry, frozen=True, kw_only=True, tag=70):
    """A signalling host was told to do something, and this came of it."""

    command: str
    outcome: str
    connection: str = ""


class KeyCreated(Entry, frozen=True, kw_only=True, tag=71):
    """A signing key for join tokens exists; `fingerprint` is SHA-256 of its public part."""

    kid: str
    fingerprint: str


class KeyRetired(Entry, frozen=True, kw_only=True, tag=72):
    """Tokens signed with this key are refused from now on."""

    kid: str


class ReservationAnswered(Entry, frozen=True, kw_only=True, tag=73):
    """An upstream signalling host asked whether a conference is booked."""

    answer: str
    node: str = ""


class RoomLocked(Decided, frozen=True, kw_only=True, tag=74):
    """A moderator locked the conference, or unlocked it; moderators come back into a locked one."""

    locked: bool = False


class Muted(Decided, frozen=True, kw_only=True, tag=75):
    """A moderator had somebody's microphone or camera switched off."""

    media: str


# 80-99 the rules and the log themselves


class PolicySetLoaded(Entry, frozen=True, kw_only=True, tag=80):
    """This set of policies is in force from now on."""

    policy_set: str


class PolicySetRejected(Entry, frozen=True, kw_only=True, tag=81):
    """A changed set of policies does not validate; `policy_set` stays in force."""

    policy_set: str


class LogRead(Decided, frozen=True, kw_only=True, tag=90):
    """Somebody read the log."""

    pages: int = 1


def _kinds(entry: type[Entry]) -> list[type[Entry]]:
    below = [kind for child in entry.__subclasses__() for kind in _kinds(child)]
    return [entry, *below] if isinstance(entry.__struct_config__.tag, int) else below


KINDS: dict[int, type[Entry]] = {int(str(kind.__struct_config__.tag)): kind for kind in _kinds(Entry)}


class Canonical:
    """Turns entries into leaves and back."""

    _encoder: ClassVar = msgspec.json.Encoder(order="sorted")
    _decoder: ClassVar = msgspec.json.Decoder(Union[tuple(KINDS.values())])  # noqa: UP007 — made from a list

    @classmethod
    def leaf(cls, entry: Entry) -> bytes:
        """Return the canonical bytes (raises LeafTooLarge)."""
        leaf: bytes = cls._encoder.encode(entry)
        if len(leaf) > MAX_LEAF_BYTES:
            raise LeafTooLarge(f"{type(entry).__name__} has {len(leaf)} bytes; {MAX_LEAF_BYTES} fit")
        return leaf

    @classmethod
    def entry(cls, leaf: bytes) -> Entry:
        """Return the entry (raises LeafUnreadable, also for bytes that only nearly are canonical)."""
        try:
            entry: Entry = cls._decoder.decode(leaf)
        except msgspec.DecodeError as error:
            raise LeafUnreadable(str(error)) from error
        if cls._encoder.encode(entry) != leaf:
            raise LeafUnreadable("the bytes are not in canonical form")
        return entry

    @classmethod
    def readable(cls, readable: Readable) -> bytes:
        """Return the canonical bytes of a readable part."""
        encoded: bytes = cls._encoder.encode(readable)
        return encoded


def seal(salt: bytes, readable: bytes) -> str:
    """Return base64(SHA-256(salt ‖ readable)): binds the readable part without giving it away.

    `salt` is 16 random bytes of this entry alone, so that equal texts can't be recognised nor guessed.
    """
    return b64encode(sha256(salt + readable).digest()).decode()
