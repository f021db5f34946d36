"""Each way in which a decision can fail to be made, and that it ends as a refusal."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cedarpy
import pytest

from control_plane.policy import (
    Action,
    BodyFacts,
    Classification,
    MeetingFacts,
    Permitted,
    PolicyEngine,
    Question,
    Refused,
    State,
)
from control_plane.policy.asking import Batch, request_of
from control_plane.policy.ruleset import cedar_set
from control_plane.policy.verdict import LANGUAGES, NO_POLICY_PERMITS, NOT_DECIDED
from tests.policy.table import STARTS, moment, principal, resource, sign_in

PERMIT = 'permit (principal, action == Action::"enter", resource);'
TIME_RULE = 'forbid (principal, action == Action::"enter", resource) when { context.now < resource.starts };'


def question(who: str = "member", what: str = "restricted committee open") -> Question:
    return Question(
        principal(who), Action.enter, resource(what), sign_in("password parliament"), moment("start")
    )


def meeting() -> MeetingFacts:
    facts = resource("restricted committee open")
    assert isinstance(facts, MeetingFacts)
    return facts


def undecided(engine: PolicyEngine, asked: Question) -> tuple[str, ...]:
    """Return the errors of what must be a refusal for an error."""
    verdict = engine.ask(asked)
    assert isinstance(verdict, Refused)
    assert verdict.policies == ()
    assert verdict.reasons == NOT_DECIDED
    assert verdict.errors
    return verdict.errors


def test_cedar_without_a_schema_would_let_in_whom_the_time_rule_forbids(engine: PolicyEngine) -> None:
    request, entities = request_of(question())
    request = {**request, "context": "{}"}
    parsed = engine._entities.covering(entities)
    careless = cedarpy.is_authorized(request, f"{PERMIT}\n{TIME_RULE}", parsed)
    assert careless.decision is cedarpy.Decision.Allow  # the trap: the forbid erred and was skipped
    careful = cedarpy.is_authorized(request, f"{PERMIT}\n{TIME_RULE}", parsed, schema=engine.rules.schema)
    assert careful.decision is cedarpy.Decision.NoDecision


def test_the_engine_always_passes_the_schema(engine: PolicyEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[object] = []
    real = cedarpy.is_authorized_batch

    def spy(*args: Any, **named: Any) -> list[cedarpy.AuthzResult]:
        passed.append(named.get("schema"))
        return real(*args, **named)

    monkeypatch.setattr(cedarpy, "is_authorized_batch", spy)
    engine.ask_all([question(), question("chair"), replace(question(), action=Action.moderate)])
    assert passed == [engine.rules.schema] * 2


@pytest.mark.parametrize("missing", ["now", "sign_in", "standing"])
def test_a_missing_context_attribute_is_a_refusal(engine: PolicyEngine, missing: str) -> None:
    request, entities = request_of(question())
    context = json.loads(request["context"])
    del context[missing]
    verdict = put(engine, {**request, "context": json.dumps(context)}, Batch(entities))
    assert isinstance(verdict, Refused)
    assert missing in verdict.errors[0]


@pytest.mark.parametrize("absent", ["Meeting", "Body", "SignIn", "Standing"])
def test_an_unknown_entity_is_a_refusal(copy: Path, absent: str) -> None:
    engine = PolicyEngine.load(copy)
    fresh = PolicyEngine(engine.rules)  # has seen no entity yet
    asked = replace(question(), action=Action.edit)
    request, entities = request_of(asked)
    known = {uid: facts for uid, facts in entities.items() if uid[0] != absent}
    [verdict] = fresh.put(fresh.rules.by_action[Action.edit], [request], Batch(known))
    assert isinstance(verdict, Refused)
    assert verdict.errors
    assert isinstance(engine.ask(replace(asked, principal=principal("clerk"), resource=draft())), Permitted)


def draft() -> MeetingFacts:
    return replace(meeting(), state=State.draft)


def test_a_forbid_that_errs_is_a_refusal_though_a_permit_held(engine: PolicyEngine) -> None:
    overflow = "forbid (principal, action, resource) when { resource.level * 9223372036854775807 * 9 == 1 };"
    document = {name: parsed(text) for name, text in {"test.permit": PERMIT, "test.forbid": overflow}.items()}
    request, entities = request_of(question())
    [verdict] = engine.put(cedar_set(document), [request], Batch(entities))
    assert isinstance(verdict, Refused)
    assert verdict.policies == ()
    assert "test.forbid" in verdict.errors[0]


def test_a_permit_that_errs_is_a_refusal_though_another_permit_held(engine: PolicyEngine) -> None:
    broken = 'permit (principal, action, resource) when { datetime("yesterday") < context.now };'
    document = {"test.permit": parsed(PERMIT), "test.broken": parsed(broken)}
    request, entities = request_of(question())
    [verdict] = engine.put(cedar_set(document), [request], Batch(entities))
    assert isinstance(verdict, Refused)
    assert "test.broken" in verdict.errors[0]


def parsed(text: str) -> dict[str, Any]:
    [policy] = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"].values()
    found: dict[str, Any] = policy
    return found


def put(engine: PolicyEngine, request: dict[str, Any], batch: Batch) -> Permitted | Refused:
    [verdict] = engine.put(engine.rules.by_action[Action.enter], [request], batch)
    return verdict


def spoilt(asked: Question | None = None, **wrong: object) -> Question:
    """Return a question with something in it that its type forbids; a table row may hold such a thing."""
    return replace(asked or question(), **wrong)  # type: ignore[arg-type]


def spoilt_meeting(**wrong: object) -> Question:
    return replace(question(), resource=replace(meeting(), **wrong))  # type: ignore[arg-type]


def spoilt_sign_in(**wrong: object) -> Question:
    return replace(question(), sign_in=replace(sign_in("password government"), **wrong))  # type: ignore[arg-type]


def spoilt_guest(**wrong: object) -> Question:
    guest = principal("witness admitted")
    return replace(question(), principal=replace(guest, **wrong))  # type: ignore[arg-type]


UNREADABLE = {
    "no principal": spoilt(principal=None),
    "a principal of another kind": spoilt(principal="chair"),
    "an id that is no text": spoilt_guest(id=7),
    "an id that can't be written": spoilt_guest(id="\ud800"),
    "no resource": spoilt(resource=None),
    "a meeting whose id can't be written": spoilt_meeting(id="\ud800"),
    "an action that doesn't exist": spoilt(action="teleport"),
    "a clock without a zone": spoilt(now=STARTS.replace(tzinfo=None)),
    "no clock": spoilt(now=None),
    "a start without a zone": spoilt_meeting(starts=STARTS.replace(tzinfo=None)),
    "no end": spoilt_meeting(ends=None),
    "no body": spoilt_meeting(body=None),
    "a body of unknown kind": spoilt_meeting(body=BodyFacts("b", "guild", Classification.SECRET)),
    "a state that doesn't exist": spoilt_meeting(state="ajar"),
    "no classification": spoilt_meeting(classification=None),
    "a network zone that doesn't exist": spoilt_sign_in(zone="moon"),
    "a zone that breaks out of its quotes": spoilt_sign_in(zone='internet","now":"'),
    "no sign-in": spoilt(sign_in=None),
    "a sign-in of unknown strength": spoilt_sign_in(strength="strong"),
    "a guest of unknown kind": spoilt_guest(kind="king"),
    "an action that isn't about meetings": spoilt(action=Action.read_log),
    "a log where a meeting belongs": spoilt(resource=resource("the log")),
}


@pytest.mark.parametrize("asked", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_question_that_holds_no_facts_is_refused_and_not_raised(
    engine: PolicyEngine, asked: Question
) -> None:
    undecided(engine, asked)


def test_a_broken_question_disturbs_no_other(engine: PolicyEngine) -> None:
    for broken in UNREADABLE.values():
        first, middle, last = engine.ask_all([question(), broken, question("chair")])
        assert isinstance(first, Permitted)
        assert isinstance(middle, Refused)
        assert isinstance(last, Permitted)


def test_ids_cannot_speak_cedar(engine: PolicyEngine) -> None:
    hostile = 'x", "type": "Person"} || true //\n'
    asked = replace(question("official"), principal=replace(principal("official"), id=hostile))
    match engine.ask(asked):
        case Refused(policies=(), errors=errors):
            assert errors == ()
        case verdict:
            pytest.fail(f"{verdict}")


def test_the_same_person_may_stand_differently_in_two_meetings_of_one_batch(engine: PolicyEngine) -> None:
    present = question("substitute for a present member")
    elsewhere = replace(meeting(), id="another-meeting")
    absent = replace(question("substitute for an absent member"), resource=elsewhere)
    refused, permitted = engine.ask_all([present, absent])
    assert isinstance(refused, Refused)
    assert isinstance(permitted, Permitted)


def test_a_meeting_that_changes_within_a_batch_is_judged_as_it_stood_each_time(engine: PolicyEngine) -> None:
    invited = question("invited official")
    in_camera = replace(invited, resource=replace(meeting(), state=State.in_camera))
    verdicts = engine.ask_all([invited, in_camera, invited, in_camera])
    assert [type(verdict) for verdict in verdicts] == [Permitted, Refused, Permitted, Refused]


def test_a_fact_that_changes_counts_at_the_next_question(engine: PolicyEngine) -> None:
    asked = question("invited official")
    assert isinstance(engine.ask(asked), Permitted)
    for changed in (
        replace(meeting(), state=State.in_camera),
        replace(meeting(), classification=Classification.SECRET),
        replace(meeting(), state=State.closed),
    ):
        assert isinstance(engine.ask(replace(asked, resource=changed)), Refused)
    assert isinstance(engine.ask(asked), Permitted)


def test_more_meetings_than_are_kept_are_still_judged_each_by_its_own_facts(engine: PolicyEngine) -> None:
    states = (State.open, State.closed)
    asked = [
        replace(question(), resource=replace(meeting(), id=f"meeting-{number}", state=states[number % 2]))
        for number in range(700)
    ]
    verdicts = [
        verdict for start in range(0, 700, 70) for verdict in engine.ask_all(asked[start : start + 70])
    ]
    assert [type(verdict) for verdict in verdicts] == [Permitted, Refused] * 350


def test_a_refusal_names_its_policies_or_says_that_none_permits(engine: PolicyEngine) -> None:
    silent = engine.ask(question("official"))
    assert isinstance(silent, Refused)
    assert (silent.policies, silent.reasons, silent.errors) == ((), NO_POLICY_PERMITS, ())
    named = engine.ask(question("security officer"))
    assert isinstance(named, Refused)
    assert named.policies == ("duties.open-no-door",)
    assert named.reasons["en"] == "The duty of security officer or administrator opens no meeting."
    assert set(named.reasons) == set(LANGUAGES)


def test_two_refusals_give_both_their_reasons(engine: PolicyEngine) -> None:
    verdict = engine.ask(replace(question("member", "secret cabinet open"), now=moment("end+5h")))
    assert isinstance(verdict, Refused)
    assert verdict.policies == (
        "entering.not-after-the-overrun",
        "sign-in.confidential",
        "sign-in.secret-certificate",
    )
    assert verdict.reasons["en"].count(".") == 3


@pytest.mark.parametrize("who", ["member", "official"])
def test_a_verdict_has_no_truth_value(engine: PolicyEngine, who: str) -> None:
    verdict = engine.ask(question(who))
    with pytest.raises(TypeError, match="write `match verdict:`"):
        bool(verdict)
    with pytest.raises(TypeError, match="no truth value"):
        assert not verdict


def test_no_question_is_no_answer(engine: PolicyEngine) -> None:
    assert engine.ask_all([]) == []


def test_the_text_of_a_policy_is_what_its_file_says(engine: PolicyEngine) -> None:
    text = engine.text_of("recording.never-in-secret")
    assert text.startswith("// Said once more")
    assert '@id("recording.never-in-secret")' in text
    assert text.endswith(";")
    with pytest.raises(KeyError):
        engine.text_of("recording.no-such-policy")
