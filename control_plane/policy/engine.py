"""Asks Cedar. Anything but a clean Allow is a refusal."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self

import cedarpy

from control_plane.policy import ruleset
from control_plane.policy.asking import Batch, Request, request_of
from control_plane.policy.entities import FactsUnreadable, ParsedEntities
from control_plane.policy.facts import Action, Question
from control_plane.policy.files import SCHEMA, PolicySetInvalid, Problem
from control_plane.policy.probes import PROBES
from control_plane.policy.ruleset import RuleSet
from control_plane.policy.verdict import (
    LANGUAGES,
    NO_POLICY_PERMITS,
    Permitted,
    Refused,
    Verdict,
    refused_for_errors,
)


class PolicyEngine:
    """Decides by one set of policies, which never changes; see LivePolicies for one that does."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.digest = rules.digest
        self._entities = ParsedEntities(rules.schema)
        self._refused = lru_cache(maxsize=1024)(self._refusal)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return an engine for the policies there (raises PolicySetInvalid)."""
        engine = cls(ruleset.load(directory))
        engine._prove_that_questions_can_be_asked()
        return engine

    def ask(self, question: Question) -> Verdict:
        """Answer one question; a question that can't be decided is refused, never raised."""
        return self.ask_all([question])[0]

    def ask_all(self, questions: Sequence[Question]) -> list[Verdict]:
        """Answer in the order asked. A question that can't be decided is refused and disturbs no other."""
        verdicts: dict[int, Verdict] = {}
        for batch in _batches(questions, verdicts):
            self._answer(batch, questions, verdicts)
        return [verdicts[place] for place in range(len(questions))]

    def text_of(self, policy_id: str) -> str:
        """Return the policy as its file has it, comments included (raises KeyError for no such policy)."""
        return self.rules.policies[policy_id].source.text

    def put(self, policies: cedarpy.PolicySet, requests: list[Request], batch: Batch) -> list[Verdict]:
        """Put requests to Cedar against the given policies and this set's schema, always with the schema.

        Without it Cedar skips a forbid that lacks an attribute, and permits.
        Raises FactsUnreadable where an entity or a request can't be told to Cedar at all.
        """
        entities = self._entities.covering(batch.entities)
        try:
            results = cedarpy.is_authorized_batch(requests, policies, entities, schema=self.rules.schema)
        except (TypeError, ValueError) as unreadable:
            raise FactsUnreadable(f"unreadable facts: {unreadable}") from unreadable
        return [self._verdict(result) for result in results]

    def _answer(self, batch: Batch, questions: Sequence[Question], verdicts: dict[int, Verdict]) -> None:
        for action, requests in batch.requests.items():
            places = batch.places[action]
            try:
                answers = self.put(self.rules.by_action[action], requests, batch)
            except FactsUnreadable:
                # One of them broke it; each is asked again alone, so that the
                # broken one is refused and the others are answered.
                answers = [self._alone(questions[place]) for place in places]
            verdicts.update(zip(places, answers, strict=True))

    def _alone(self, question: Question) -> Verdict:
        request, entities = request_of(question)
        try:
            [verdict] = self.put(self.rules.by_action[question.action], [request], Batch(entities))
        except FactsUnreadable as unreadable:
            return refused_for_errors([str(unreadable)])
        return verdict

    def _verdict(self, result: cedarpy.AuthzResult) -> Verdict:
        found = result.diagnostics
        if result.decision is cedarpy.Decision.Allow and not found.errors and found.reasons:
            return Permitted(tuple(sorted(found.reasons)))
        if result.decision is cedarpy.Decision.Deny:
            return self._refused(tuple(sorted(found.reasons)), tuple(found.errors))
        return refused_for_errors(found.errors or [f"Cedar answered {result.decision.value}"])

    def _refusal(self, policies: tuple[str, ...], errors: tuple[str, ...]) -> Refused:
        if errors and not policies:
            return refused_for_errors(errors)
        return Refused(policies, self._reasons(policies), errors)

    def _reasons(self, policies: tuple[str, ...]) -> Mapping[str, str]:
        if not policies:
            return NO_POLICY_PERMITS
        known = self.rules.policies
        return {
            language: " ".join(known[policy].reasons[language] for policy in policies)
            for language in LANGUAGES
        }

    def _prove_that_questions_can_be_asked(self) -> None:
        # A schema that wants facts which this version doesn't give would load,
        # and then refuse everything, to everybody.
        for question in PROBES:
            match self.ask(question):
                case Refused(errors=errors) if errors:
                    what = f'can\'t be asked about "{question.action}": {errors[0]}'
                    mend = "the schema must keep the words and facts of this version of Majlis"
                    raise PolicySetInvalid((Problem(SCHEMA, 1, what, mend),))
                case _:
                    continue


def _batches(questions: Sequence[Question], verdicts: dict[int, Verdict]) -> list[Batch]:
    batches = [Batch()]
    for place, question in enumerate(questions):
        try:
            request, entities = request_of(question)
        except FactsUnreadable as unreadable:
            verdicts[place] = refused_for_errors([str(unreadable)])
            continue
        if batches[-1].contradicts(entities):
            batches.append(Batch())
        batches[-1].add(place, Action(question.action), request, entities)
    return batches
