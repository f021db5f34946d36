"""decisions.txt, line by line, and that the table itself misses nothing."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from control_plane.policy import Action, Permitted, PolicyEngine, Refused, Verdict
from control_plane.policy.ruleset import Policy, RuleSet, cedar_set
from tests.policy.table import UNDECIDED, Row, rows

ROWS = rows()
SILENCE = "no policy permits"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_policies_answer_as_the_table_says(engine: PolicyEngine, row: Row) -> None:
    assert told(engine.ask(row.question())) == (row.verdict, row.policies)


def test_a_batch_answers_every_row_as_asked_alone(engine: PolicyEngine) -> None:
    answers = engine.ask_all([row.question() for row in ROWS])
    assert [told(answer) for answer in answers] == [(row.verdict, row.policies) for row in ROWS]


def test_a_slice_for_an_action_answers_as_the_whole_set(engine: PolicyEngine) -> None:
    whole = cedar_set({policy.id: policy.parsed for policy in engine.rules.policies.values()})
    unsliced = PolicyEngine(replace(engine.rules, by_action=dict.fromkeys(Action, whole)))
    answers = unsliced.ask_all([row.question() for row in ROWS])
    assert [told(answer) for answer in answers] == [(row.verdict, row.policies) for row in ROWS]


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len(ROWS) == 379
    assert len({row.name.partition(":")[2] for row in ROWS}) == len(ROWS), "a row stands twice"
    assert {row.action for row in ROWS} == set(Action)


def test_every_policy_decides_at_least_one_row(engine: PolicyEngine) -> None:
    named = {policy for row in ROWS for policy in row.policies.split(", ")} - {SILENCE, UNDECIDED}
    assert len(engine.rules.policies) == 62
    assert named == set(engine.rules.policies)


def test_without_any_one_policy_a_row_fails(engine: PolicyEngine) -> None:
    unmissed = [
        policy.id
        for policy in engine.rules.policies.values()
        if not any(fails(without(engine.rules, policy), policy))
    ]
    assert unmissed == []


def without(rules: RuleSet, gone: Policy) -> PolicyEngine:
    """Return an engine for the same set less one policy."""
    left = {name: policy for name, policy in rules.policies.items() if policy is not gone}
    concerned = [action for action in Action if gone.concerns(action)]
    slices = {
        action: cedar_set({name: policy.parsed for name, policy in left.items() if policy.concerns(action)})
        for action in concerned
    }
    return PolicyEngine(replace(rules, policies=left, by_action=slices))


def fails(engine: PolicyEngine, gone: Policy) -> Iterator[bool]:
    """Yield for each row that names the policy whether its answer is another one now."""
    for row in ROWS:
        if gone.id in row.policies.split(", "):
            yield told(engine.ask(row.question())) != (row.verdict, row.policies)


def told(verdict: Verdict) -> tuple[str, str]:
    """Return the verdict in the table's words."""
    match verdict:
        case Permitted(policies):
            return "permit", ", ".join(policies)
        case Refused(policies, _, errors):
            return "refuse", ", ".join(policies) or (UNDECIDED if errors else SILENCE)
