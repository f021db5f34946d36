"""Join tokens for those who may enter or wait, judged as the gate will judge them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from control_plane.audit.entries import Refused, TokenIssued
from control_plane.database import new_id
from control_plane.meetings.service import MeetingView, NoSuchMeeting, meetings
from control_plane.people.service import Standing, actor_of
from control_plane.permission import Actor, Decision, Permission
from control_plane.policy import Action, GuestFacts, MeetingFacts, Permitted, PersonFacts, Question, SignIn
from control_plane.policy import Refused as PolicyRefused
from control_plane.rooms.gate import MayEnter, MayWait, judge
from control_plane.rooms.keys import KeyRing
from control_plane.rooms.models import JoinToken, Room
from control_plane.rooms.pools import Pools
from control_plane.rooms.reasons import REASONS
from control_plane.rooms.scene import Client, Scene, Visitor, hold_of, load_scene
from control_plane.rooms.tokens import Occupant, mint
from control_plane.unit import RecordedRefusal, Unit

ROOM_NAME_BYTES = 20
SKEW = timedelta(seconds=5)

# Jitsi's feature names (its token guide) and the action whose verdict each follows.
FEATURES: Mapping[str, Action] = {
    "recording": Action.record,
    "transcription": Action.record,
    "livestreaming": Action.broadcast,
    "send-groupchat": Action.chat,
    "file-upload": Action.share_files,
    "screen-sharing": Action.share_screen,
    "create-polls": Action.moderate,
}


@dataclass(frozen=True, slots=True)
class Ticket:
    """A join token with what a client needs beside it; `waits` when the lobby comes first.

    `websocket_url` is empty where no pools are declared.
    """

    token: str
    room: str
    domain: str
    expires_at: datetime
    waits: bool
    websocket_url: str


@dataclass(frozen=True, slots=True)
class TicketOffice:
    """What tokens are made with: policies, keys, XMPP domain, how long a token is good, and where one goes."""

    permission: Permission
    keys: KeyRing
    domain: str
    token_seconds: int
    pools: Pools


def hand_out_token(unit: Unit, office: TicketOffice, actor: Actor, meeting_id: str) -> Ticket:
    """Give this person or guest a token for the meeting's room, if they may enter or wait now.

    Raises NotPermitted (recorded), NoSuchMeeting, NoSigningKey.
    """
    scene, visitor, meeting = stand_before(unit, actor, meeting_id)
    pool = office.pools.serving(meeting.classification)
    if pool is None and office.pools.declared:
        raise NotAdmittedHere(
            Refused(by=actor.pseudonym, meeting=meeting.id, why="no_pool"), REASONS["no_pool"]
        )
    if visitor.barred or scene.holds.get((meeting.id, visitor.subject_id)):
        why = visitor.barred or "removed"
        raise NotAdmittedHere(Refused(by=actor.pseudonym, meeting=meeting.id, why=why), REASONS[why])
    judgement = judge(office.permission.policies, scene, unit, [(visitor, meeting)])[0]
    if isinstance(judgement, PolicyRefused):
        raise office.permission.refusal(visitor.actor, Action.enter, scene.facts(meeting), judgement)
    moderator = isinstance(judgement, MayEnter) and judgement.moderator
    jti, expires = new_id() + new_id(), unit.now + timedelta(seconds=office.token_seconds)
    room = room_of(unit, meeting.id)
    token = mint(
        office.keys.signing(unit.session),
        Occupant(actor.pseudonym, visitor.name, moderator),
        _features(unit, office, visitor, scene.facts(meeting)),
        jti=jti,
        room=room,
        domain=office.domain,
        not_before=unit.now - SKEW,
        expires=expires,
    )
    unit.session.add(_token_row(actor, meeting.id, jti, expires))
    decision = Decision(
        by=actor.pseudonym, policies=judgement.policies, policy_set=office.permission.policies.digest
    )
    unit.record(
        TokenIssued(
            meeting=meeting.id, body=meeting.body_id, jti=jti, expires=int(expires.timestamp()), **decision
        )
    )
    return Ticket(
        token, room, office.domain, expires, isinstance(judgement, MayWait), pool.websocket if pool else ""
    )


class NotAdmittedHere(RecordedRefusal):
    """A moderator removed them, their invitation is gone, or the site has no hosts for it; `reasons` holds a sentence a language."""

    def __init__(self, entry: Refused, reasons: Mapping[str, str]) -> None:
        super().__init__(f"not admitted: {entry.why}", entry)
        self.reasons = reasons


def stand_before(unit: Unit, actor: Actor, meeting_id: str) -> tuple[Scene, Visitor, MeetingView]:
    """Look at an actor as the gate will look at their connection."""
    person = actor.facts.id if isinstance(actor.facts, PersonFacts) else None
    guest = actor.facts.id if isinstance(actor.facts, GuestFacts) else None
    removed = hold_of(unit.session, meeting_id, actor.facts.id)
    candidate = Client("", meeting_id, person, guest, actor.sign_in, removed=removed)
    if meeting_id not in meetings(unit.session, [meeting_id]):
        raise NoSuchMeeting(f"no meeting {meeting_id!r}")
    scene = load_scene(unit.session, unit.now, [candidate], [])
    return scene, scene.visitor(candidate), scene.meetings[meeting_id]


def _token_row(actor: Actor, meeting_id: str, jti: str, expires: datetime) -> JoinToken:
    return JoinToken(
        jti=jti,
        meeting_id=meeting_id,
        person_id=actor.facts.id if isinstance(actor.facts, PersonFacts) else None,
        guest_id=actor.facts.id if isinstance(actor.facts, GuestFacts) else None,
        strength=int(actor.sign_in.strength),
        certificate=actor.sign_in.certificate,
        zone=actor.sign_in.zone,
        expires_at=expires,
    )


def _features(unit: Unit, office: TicketOffice, visitor: Visitor, meeting: MeetingFacts) -> dict[str, bool]:
    who = visitor.actor
    questions = [Question(who.facts, action, meeting, who.sign_in, unit.now) for action in FEATURES.values()]
    verdicts = office.permission.policies.ask_all(questions)
    return {name: isinstance(verdict, Permitted) for name, verdict in zip(FEATURES, verdicts, strict=True)}


def room_of(unit: Unit, meeting_id: str) -> str:
    """Return the name of the meeting's conference, made up now if it has none: 160 random bits."""
    room = unit.session.get(Room, meeting_id)
    if room is None:
        room = Room(meeting_id=meeting_id, name=secrets.token_hex(ROOM_NAME_BYTES))
        unit.session.add(room)
        unit.session.flush()
    return room.name


def question_about(
    unit: Unit, person: Standing, action: Action, meeting_id: str, sign_in: SignIn
) -> Question:
    """Return the question that the policies would be asked (raises NoSuchMeeting, AccountDisabled)."""
    scene, visitor, meeting = stand_before(unit, actor_of(person, sign_in), meeting_id)
    return scene.question(visitor, action, meeting, unit)
