"""Why the policies answered so, and for a refusal how near each permit came."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cedarpy

from control_plane.policy.asking import Batch, request_of
from control_plane.policy.engine import PolicyEngine
from control_plane.policy.facts import Question
from control_plane.policy.ruleset import Policy, cedar_set
from control_plane.policy.verdict import Permitted, Refused, Verdict

# Cedar prints ((context.standing).chair); a name needs no brackets but those of a call.
NEEDLESS_BRACKETS = re.compile(r"(?<!\w)\(([\w.]+)\)")


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A permit for the action, and those of its conditions that do not hold; none means that it holds."""

    policy: Policy
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict, the policies that made it, and every permit there is for the action, nearest first."""

    verdict: Verdict
    deciding: tuple[Policy, ...]
    permits: tuple[NearMiss, ...]


def explanation(engine: PolicyEngine, question: Question, language: str = "en") -> list[str]:
    """Return lines for a terminal that say what was decided, by which policies, and what was missing."""
    explained = explain(engine, question)
    match explained.verdict:
        case Permitted():
            lines = [f"permitted: {question.action}"]
        case Refused(policies, reasons, errors):
            why = "" if policies or errors else " (no policy permits)"
            lines = [f"refused: {question.action}{why}", f"  {reasons.get(language, reasons['en'])}"]
            lines += [f"  could not decide: {error}" for error in errors]
    lines += [f"policies: {engine.digest}", ""]
    for policy in explained.deciding:
        lines += _told(policy, language)
    if isinstance(explained.verdict, Refused) and explained.permits:
        lines += ["permits for this action, nearest first:"]
        lines += [line for near in explained.permits for line in _told_near(near)]
    return lines


def explain(engine: PolicyEngine, question: Question) -> Explanation:
    """Return why; for a question that couldn't be decided the errors in the verdict are all there is."""
    verdict = engine.ask(question)
    if isinstance(verdict, Refused) and verdict.errors and not verdict.policies:
        return Explanation(verdict, (), ())
    concerned = engine.rules.concerning(question.action)
    permits = [policy for policy in concerned if policy.effect == "permit"]
    nearness = [NearMiss(policy, tuple(_missing(engine, policy, question))) for policy in permits]
    return Explanation(
        verdict,
        tuple(engine.rules.policies[policy] for policy in verdict.policies),
        tuple(sorted(nearness, key=lambda near: len(near.missing))),
    )


def _missing(engine: PolicyEngine, policy: Policy, question: Question) -> Iterator[str]:
    """Yield what doesn't hold, by asking each condition alone, as if it were the whole permit."""
    if not _holds(engine, policy.parsed, [], question):
        yield "is about others or something else: " + _head(policy)
        return
    for condition in policy.parsed["conditions"]:
        if condition["kind"] == "unless":
            parts = [condition]
        else:
            parts = [{"kind": "when", "body": part} for part in _conjuncts(condition["body"])]
        for part in parts:
            if not _holds(engine, policy.parsed, [part], question):
                yield _written(part)


def _holds(
    engine: PolicyEngine, parsed: Mapping[str, Any], conditions: list[dict[str, Any]], question: Question
) -> bool:
    request, entities = request_of(question)
    alone = cedar_set({"alone": {**parsed, "effect": "permit", "conditions": conditions, "annotations": {}}})
    result = engine.put(alone, [request], Batch(entities))
    return isinstance(result[0], Permitted)


def _conjuncts(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "&&" in body:
        yield from _conjuncts(body["&&"]["left"])
        yield from _conjuncts(body["&&"]["right"])
    else:
        yield body


def _written(condition: Mapping[str, Any]) -> str:
    """Return the condition in Cedar's own words, on one line."""
    everything = {"op": "All"}
    policy = {
        "effect": "permit",
        "principal": everything,
        "action": everything,
        "resource": everything,
        "conditions": [condition],
    }
    document = {"staticPolicies": {"alone": policy}, "templates": {}, "templateLinks": []}
    text = " ".join(cedarpy.policies_from_json_str(json.dumps(document)).split())
    while (plainer := NEEDLESS_BRACKETS.sub(r"\1", text)) != text:
        text = plainer
    found = re.search(r"(when|unless) \{ ?(.*?) ?\};?$", text)
    return text if found is None else ("not: " if found.group(1) == "unless" else "") + found.group(2)


def _head(policy: Policy) -> str:
    text = re.sub(r"^\s*(//.*|@\w+\(.*\))$", "", policy.source.text, flags=re.MULTILINE)
    return " ".join(re.split(r"\b(?:when|unless)\s*\{", text)[0].split())


def _told(policy: Policy, language: str) -> list[str]:
    reason = policy.reasons.get(language, policy.reasons["en"])
    where = f"{policy.source.file}:{policy.source.line}"
    body = [line for line in policy.source.text.splitlines() if not line.startswith("@")]
    return [f"{policy.id} ({policy.effect}, {where})", f"  {reason}", *(f"    {line}" for line in body), ""]


def _told_near(near: NearMiss) -> list[str]:
    if not near.missing:
        return [f"  {near.policy.id}: holds, but the refusing policy wins"]
    return [f"  {near.policy.id}: missing", *(f"    {condition}" for condition in near.missing)]
