"""Facts as Cedar's entities, parsed once and kept until a fact changes.

Parsing entities costs more than deciding: 12 µs each against 10 µs a decision.
A sitting asks about the same few meetings, bodies, sign-ins and standings all
morning, so the parsed set is kept and only what is new is added. Every question
brings its facts along and they are compared with what is kept: nothing here can
be out of date.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import cedarpy

from control_plane.policy.facts import (
    BodyFacts,
    LogFacts,
    MeetingFacts,
    SignIn,
    SiteFacts,
    Strength,
)
from control_plane.policy.standing import FLAGS, Standing


class FactsUnreadable(Exception):
    """A question holds something else than facts, or facts that the schema doesn't know; it is refused."""


Uid = tuple[str, str]
Facts = MeetingFacts | BodyFacts | LogFacts | SiteFacts | SignIn | Standing
# A rebuild of so many takes 3 ms; a site has fewer meetings at a time.
KEPT_AT_MOST = 256


@dataclass(frozen=True, slots=True)
class _Kept:
    facts: Mapping[Uid, Facts]
    parsed: cedarpy.Entities


class ParsedEntities:
    """The entities known so far. Threads may share it: what is kept is replaced whole, never altered."""

    def __init__(self, schema: cedarpy.Schema) -> None:
        self._schema = schema
        self._kept = _Kept({}, cedarpy.Entities.from_json_str("[]", schema))

    def covering(self, needed: Mapping[Uid, Facts]) -> cedarpy.Entities:
        """Return parsed entities that hold at least these (raises FactsUnreadable)."""
        kept = self._kept
        fresh = {uid: facts for uid, facts in needed.items() if kept.facts.get(uid) != facts}
        if fresh:
            try:
                self._kept = kept = self._with(kept, fresh, needed)
            except (AttributeError, TypeError, ValueError) as unreadable:
                named = ", ".join(f"{kind} {name}" for kind, name in fresh)
                raise FactsUnreadable(f"unreadable facts: {unreadable} ({named})") from unreadable
        return kept.parsed

    def _with(self, kept: _Kept, fresh: Mapping[Uid, Facts], needed: Mapping[Uid, Facts]) -> _Kept:
        if kept.facts.keys().isdisjoint(fresh) and len(kept.facts) + len(fresh) <= KEPT_AT_MOST:
            parsed = kept.parsed.with_added_json_str(_document(fresh), self._schema)
            return _Kept({**kept.facts, **fresh}, parsed)
        room = len(kept.facts.keys() | fresh.keys()) <= KEPT_AT_MOST
        facts = {**kept.facts, **fresh} if room else dict(needed)
        return _Kept(facts, cedarpy.Entities.from_json_str(_document(facts), self._schema))


def instant(moment: datetime) -> str:
    """Return the moment as Cedar writes it: UTC, milliseconds (raises ValueError for one without a zone)."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _document(facts: Mapping[Uid, Facts]) -> str:
    return json.dumps([_entity(uid, attributes) for uid, attributes in facts.items()])


def _entity(uid: Uid, facts: Facts) -> dict[str, Any]:
    return {"uid": {"type": uid[0], "id": uid[1]}, "attrs": _attributes(facts), "parents": []}


def _attributes(facts: Facts) -> dict[str, Any]:
    match facts:
        case MeetingFacts():
            return {
                "body": {"type": "Body", "id": facts.body.id},
                "classification": {"type": "Classification", "id": facts.classification.name.lower()},
                "level": int(facts.classification),
                "state": {"type": "State", "id": facts.state.value},
                "starts": instant(facts.starts),
                "ends": instant(facts.ends),
            }
        case BodyFacts():
            return {"kind": {"type": "BodyKind", "id": facts.kind}, "highest": int(facts.highest)}
        case SignIn():
            return {
                "password": facts.strength >= Strength.PASSWORD,
                "two_factor": facts.strength >= Strength.TWO_FACTOR,
                "phishing_resistant": facts.strength >= Strength.PHISHING_RESISTANT,
                "certificate": facts.certificate,
                "zone": {"type": "Zone", "id": facts.zone},
            }
        case frozenset():
            return {flag: flag in facts for flag in FLAGS}
        case _:
            return {}
