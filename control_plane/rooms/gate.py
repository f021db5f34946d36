"""May X enter room R, now? Asked by Prosody, decided here, many at a time, each with its entry.

Every function takes a batch and runs a fixed number of statements whatever its length.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from control_plane.audit.entries import Admitted, Refused, SentToLobby
from control_plane.meetings.service import MeetingView
from control_plane.policy import Action, Permitted, PolicyEngine, State, Verdict
from control_plane.policy import Refused as PolicyRefused
from control_plane.rooms.pools import Pools
from control_plane.rooms.reasons import REASONS, sentence
from control_plane.rooms.scene import Scene, Visitor, clients_of, load_scene
from control_plane.unit import Unit

OPEN_TO_CONFERENCE = frozenset({State.convened, State.open, State.in_camera})


@dataclass(frozen=True, slots=True)
class Join:
    """Prosody's question: this connection stands before that room (or its lobby) on that signalling host."""

    connection: str | None
    room: str
    at_lobby: bool = False
    host: str = ""


@dataclass(frozen=True, slots=True)
class Admit:
    """Let in, under the account's name."""

    seat: str
    name: str
    moderator: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Keep in the lobby until a moderator admits them."""

    reason: str


@dataclass(frozen=True, slots=True)
class TurnAway:
    """Don't let in; `policies` is empty when no policy permits, or when it never came to that."""

    reason: str
    policies: tuple[str, ...]


Answer = Admit | Wait | TurnAway


@dataclass(frozen=True, slots=True)
class MayEnter:
    """The permits that let them in, and whether they lead."""

    policies: tuple[str, ...]
    moderator: bool


@dataclass(frozen=True, slots=True)
class MayWait:
    """The permits that let them wait."""

    policies: tuple[str, ...]


Judgement = MayEnter | MayWait | PolicyRefused


def judge(
    engine: PolicyEngine, scene: Scene, unit: Unit, cases: Sequence[tuple[Visitor, MeetingView]]
) -> list[Judgement]:
    """Ask the policies about all cases, in two calls: who may enter, then who of them leads and who may wait."""
    enter = engine.ask_all(
        [scene.question(visitor, Action.enter, meeting, unit) for visitor, meeting in cases]
    )
    further = engine.ask_all(
        [
            scene.question(
                visitor, Action.moderate if isinstance(verdict, Permitted) else Action.wait, meeting, unit
            )
            for (visitor, meeting), verdict in zip(cases, enter, strict=True)
        ]
    )
    return [_judgement(first, second) for first, second in zip(enter, further, strict=True)]


def _judgement(enter: Verdict, further: Verdict) -> Judgement:
    match enter, further:
        case Permitted(policies), moderate:
            return MayEnter(policies, isinstance(moderate, Permitted))
        case _, Permitted(policies):
            return MayWait(policies)
        case PolicyRefused() as refusal, _:
            return refusal
    raise AssertionError("a verdict is either a permission or a refusal")


def answer_joins(engine: PolicyEngine, pools: Pools, unit: Unit, joins: Sequence[Join]) -> list[Answer]:
    """Decide a batch of joins and record each decision."""
    scene = _scene_of(unit, joins)
    cases: list[tuple[Visitor, MeetingView]] = []
    barred: list[tuple[str, Visitor | None]] = []
    for join in joins:
        why, visitor = _barred(scene, pools, join)
        barred.append((why, visitor))
        if not why and visitor is not None:
            cases.append((visitor, scene.meetings[scene.rooms[join.room]]))
    judgements = iter(judge(engine, scene, unit, cases))
    answers: list[Answer] = []
    for join, (why, visitor) in zip(joins, barred, strict=True):
        if why or visitor is None:
            answers.append(_turn_away(unit, scene, join, visitor, why))
        else:
            answers.append(_answer(unit, engine, scene, join, visitor, next(judgements)))
    return answers


def _scene_of(unit: Unit, joins: Sequence[Join]) -> Scene:
    clients = clients_of(unit.session, {join.connection for join in joins if join.connection})
    return load_scene(unit.session, unit.now, clients, {join.room for join in joins})


def _barred(scene: Scene, pools: Pools, join: Join) -> tuple[str, Visitor | None]:
    """Return why it needn't come to a question, and whom it is about as far as that is known."""
    client = scene.clients.get(join.connection or "")
    if client is None:
        return "connection_unknown", None
    visitor = scene.visitor(client)
    if client.ended:
        return "connection_ended", visitor
    meeting_id = scene.rooms.get(join.room)
    if meeting_id is None:
        return "room_unknown", visitor
    if meeting_id != client.meeting_id:
        return "wrong_room", visitor
    if visitor.barred:
        return visitor.barred, visitor
    if scene.holds.get((meeting_id, visitor.subject_id)):
        return "removed", visitor
    if scene.meetings[meeting_id].state not in OPEN_TO_CONFERENCE:
        return "room_closed", visitor
    return pools.why_not(join.host, scene.meetings[meeting_id].classification), visitor


def _turn_away(unit: Unit, scene: Scene, join: Join, visitor: Visitor | None, why: str) -> TurnAway:
    meeting = scene.meetings.get(scene.rooms.get(join.room, ""))
    unit.record(
        Refused(
            by=visitor.actor.pseudonym if visitor else "",
            body=meeting.body_id if meeting else "",
            meeting=meeting.id if meeting else "",
            connection=join.connection or "",
            why=why,
        )
    )
    return TurnAway(sentence(REASONS[why], visitor.actor.language if visitor else None), ())


def _answer(
    unit: Unit, engine: PolicyEngine, scene: Scene, join: Join, visitor: Visitor, judgement: Judgement
) -> Answer:
    meeting = scene.meetings[scene.rooms[join.room]]
    seat = str(join.connection)
    language = visitor.actor.language
    said = _Said(visitor.actor.pseudonym, meeting, seat, engine.digest)
    held = (meeting.id, visitor.subject_id) in scene.holds
    match judgement:
        case MayEnter(_, moderator) if join.room in scene.locked and not (moderator or held or join.at_lobby):
            return _turn_away(unit, scene, join, visitor, "room_locked")
        case MayEnter(policies, moderator) if not held:
            unit.record(Admitted(**said.fields(policies), moderator=moderator, at_lobby=join.at_lobby))
            return Admit(seat, visitor.name, moderator)
        case MayEnter(policies) | MayWait(policies):
            unit.record(SentToLobby(**said.fields(policies), at_lobby=join.at_lobby))
            if join.at_lobby:
                return Admit(seat, visitor.name, moderator=False)
            return Wait(sentence(REASONS["sent_back" if held else "waiting"], language))
        case PolicyRefused(policies, reasons, errors):
            unit.record(Refused(**said.fields(policies), why="error" if errors else "policy"))
            return TurnAway(sentence(reasons, language), policies)


@dataclass(frozen=True, slots=True)
class _Said:
    """What the three decisions' entries have in common."""

    by: str
    meeting: MeetingView
    connection: str
    policy_set: str

    def fields(self, policies: tuple[str, ...]) -> "_Fields":
        return {
            "by": self.by,
            "body": self.meeting.body_id,
            "meeting": self.meeting.id,
            "connection": self.connection,
            "policies": policies,
            "policy_set": self.policy_set,
        }


class _Fields(TypedDict):
    by: str
    body: str
    meeting: str
    connection: str
    policies: tuple[str, ...]
    policy_set: str
