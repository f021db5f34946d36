"""A set of policies that has been checked: parsed, named, validated against the schema, cut by action."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cedarpy

from control_plane.policy.facts import Action
from control_plane.policy.files import (
    SCHEMA,
    File,
    Piece,
    PolicySetInvalid,
    Problem,
    digest_of,
    line_at,
    pieces,
    read,
)
from control_plane.policy.verdict import LANGUAGES

ID = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+")
POSITION = re.compile(r"(for policy )?`policy\d+`[,:]? ?")


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy: its source, its parsed form (Cedar's JSON), its reasons by language."""

    id: str
    effect: str
    source: Piece
    parsed: Mapping[str, Any]
    reasons: Mapping[str, str]

    def concerns(self, action: Action) -> bool:
        """Return whether the head of the policy leaves room for the action; where in doubt, yes."""
        scope = self.parsed["action"]
        named = scope.get("entities") or ([scope["entity"]] if "entity" in scope else [])
        ids = {entity.get("id") for entity in named}
        return not ids or action.value in ids or not ids <= set(Action)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What an engine decides by."""

    digest: str
    schema: cedarpy.Schema
    policies: Mapping[str, Policy]
    by_action: Mapping[Action, cedarpy.PolicySet]

    def concerning(self, action: Action) -> list[Policy]:
        """Return the policies whose head names the action."""
        return [policy for policy in self.policies.values() if policy.concerns(action)]


def load(directory: Path) -> RuleSet:
    """Read and check the set in the directory (raises PolicySetInvalid with everything that is wrong)."""
    files = read(directory)
    schema_file, policy_files = files[0], files[1:]
    schema_text = schema_file.text()
    schema = _schema(schema_file, schema_text)
    policies = _policies(policy_files)
    _validate(policies, schema)
    by_id = {policy.id: policy for policy in policies}
    return RuleSet(digest_of(files), schema, by_id, {action: _slice(policies, action) for action in Action})


def cedar_set(parsed: Mapping[str, Mapping[str, Any]]) -> cedarpy.PolicySet:
    """Return parsed policies as a set of Cedar's, in which each is called by its key."""
    document = {"staticPolicies": parsed, "templates": {}, "templateLinks": []}
    return cedarpy.PolicySet.from_json_str(json.dumps(document))


def _slice(policies: Iterable[Policy], action: Action) -> cedarpy.PolicySet:
    # Cedar walks through every policy for each question. One set an action
    # leaves out those whose head names other actions, which can't ever apply,
    # and spares Cedar the comparison where it is already known to hold:
    # measured, 90 µs a decision instead of 160. A test asks the whole set and
    # the slices the same questions.
    return cedar_set(
        {policy.id: _without_action(policy, action) for policy in policies if policy.concerns(action)}
    )


def _without_action(policy: Policy, action: Action) -> Mapping[str, Any]:
    exactly = {"type": "Action", "id": action.value}
    scope = policy.parsed["action"]
    if scope.get("entity") == exactly or exactly in scope.get("entities", ()):
        return {**policy.parsed, "action": {"op": "All"}}
    return policy.parsed


def _schema(file: File, text: str) -> cedarpy.Schema:
    try:
        return cedarpy.Schema.from_str(text)
    except ValueError as wrong:
        line = _line_of(wrong, text, cedarpy.Schema.from_str)
        mend = "compare with the last schema that loaded"
        raise PolicySetInvalid((Problem(file.name, line, str(wrong), mend),)) from wrong


def _policies(files: Iterable[File]) -> list[Policy]:
    policies: list[Policy] = []
    problems: list[Problem] = []
    for file in files:
        try:
            found = list(pieces(file))
        except PolicySetInvalid as invalid:
            problems.extend(invalid.problems)
            continue
        for piece in found:
            try:
                policies.append(_policy(piece))
            except PolicySetInvalid as invalid:
                problems.extend(invalid.problems)
    problems.extend(_doubled(policies))
    if problems:
        raise PolicySetInvalid(tuple(problems))
    return policies


def _policy(piece: Piece) -> Policy:
    try:
        document = json.loads(cedarpy.policies_to_json_str(piece.text))
    except ValueError as wrong:
        within = _line_of(wrong, piece.text, cedarpy.policies_to_json_str)
        mend = "compare with a policy that loads; README.md shows the form"
        line = piece.begins + within - 1
        raise PolicySetInvalid((Problem(piece.file, line, str(wrong), mend),)) from wrong
    if document["templates"]:
        raise _invalid(piece, "is a template (?principal or ?resource)", "write a whole policy")
    [parsed] = document["staticPolicies"].values()
    notes = parsed.get("annotations", {})
    return Policy(_id(piece, notes), parsed["effect"], piece, parsed, _reasons(piece, notes))


def _id(piece: Piece, notes: Mapping[str, str | None]) -> str:
    name = notes.get("id")
    if not name:
        raise _invalid(piece, "has no @id", 'write @id("file.rule") above it')
    stem = piece.file.removesuffix(".cedar")
    if not ID.fullmatch(name) or not name.startswith(f"{stem}."):
        mend = f'call it "{stem}." and a few words joined by hyphens, so that it can be found'
        raise _invalid(piece, f'@id("{name}") does not begin with the name of its file', mend)
    return name


def _reasons(piece: Piece, notes: Mapping[str, str | None]) -> dict[str, str]:
    for language in LANGUAGES:
        if not (notes.get(f"reason_{language}") or "").strip():
            mend = "write a sentence that whom it concerns will read"
            raise _invalid(piece, f"has no @reason_{language}", mend)
    return {language: str(notes[f"reason_{language}"]) for language in LANGUAGES}


def _doubled(policies: Iterable[Policy]) -> Iterable[Problem]:
    first: dict[str, Policy] = {}
    for policy in policies:
        earlier = first.setdefault(policy.id, policy)
        if earlier is not policy:
            where = f"{earlier.source.file}:{earlier.source.line}"
            what = f'@id("{policy.id}") is taken by {where}'
            yield Problem(policy.source.file, policy.source.line, what, "give one of them another @id")


def _validate(policies: list[Policy], schema: cedarpy.Schema) -> None:
    text = "\n".join(policy.source.text for policy in policies)
    result = cedarpy.validate_policies(text, schema)
    if result.validation_passed:
        return
    problems = []
    for error in result.errors:
        place = error.policy_id.removeprefix("policy")
        source = policies[int(place)].source if place.isdigit() else Piece(SCHEMA, 1, 1, "")
        what = POSITION.sub("", error.error)
        problems.append(Problem(source.file, source.line, what, f"use the words of {SCHEMA}"))
    none_named = Problem(SCHEMA, 1, "the policies do not fit the schema", "run the check again")
    raise PolicySetInvalid(tuple(problems) or (none_named,))


def _invalid(piece: Piece, what: str, mend: str) -> PolicySetInvalid:
    return PolicySetInvalid((Problem(piece.file, piece.line, what, mend),))


def _line_of(error: ValueError, text: str, parse: Callable[[str], object]) -> int:
    """Return the line of a mistake: Cedar names the word, and gives the same error as soon as it reads it."""
    named = re.search(r"`(\w+)`|: (\w+)$", str(error))
    word = (named.group(1) or named.group(2)) if named else ""
    found = list(re.finditer(rf"\b{word}\b", text)) if word else []
    if len(found) == 1:
        return line_at(text, found[0].start())
    lines = text.splitlines()
    for count in range(1, len(lines)):
        try:
            parse("\n".join(lines[:count]))
        except ValueError as earlier:
            if str(earlier) == str(error):
                return count
    return len(lines)
