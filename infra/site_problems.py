"""What pydantic and the rules found, as sentences with the line of the operator's file."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from infra import site_rules
from infra.site_file import Contents, Plain, Problem, Where, spelled
from infra.site_types import Host, Network, Pool

BROKEN = "site_rules"  # the kind of pydantic error that carries what site_rules found
M = TypeVar("M", bound=BaseModel)

MAY: dict[str, str] = {  # what may stand there, by pydantic's kind of error
    "string_type": "text (in quotes where it looks like a number or true)",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "tuple_type": "a list",
    "list_type": "a list",
    "path_type": "a path",
    "too_short": "at least {min_length} of them",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
}


def problems_of(wrong: ValidationError, value: dict[str, Plain], contents: Contents) -> tuple[Problem, ...]:
    """Return all that is wrong in a file, in the order of its lines."""
    details = _own(wrong.errors(include_url=False))
    found = list(contents.problems)
    told = {problem.path for problem in found}
    for detail in details:
        if detail["type"] == BROKEN:
            found += [_problem(where, says, contents) for where, says in detail["ctx"]["problems"]]
        elif spelled(_where(detail, contents)) not in told:
            found.append(_problem(_where(detail, contents), _says(detail), contents))
    if all(detail["type"] != BROKEN for detail in details):
        parts = _sound_parts(value, details)
        found += [_problem(where, says, contents) for where, says in site_rules.broken_parts(parts)]
    return tuple(sorted(set(found)))


def _own(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Drop that a list is too short where that is only so because what stands in it is wrong."""
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or all(other is detail or other["loc"][: len(detail["loc"])] != detail["loc"] for other in details)
    ]


def shown(value: Any) -> str:
    """Return a value in few enough words for a line."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        said = "a list" if isinstance(value, list) else "keys with values"
        return said if value else f"{said} without anything in it"
    text = json.dumps(value, ensure_ascii=True).strip('"')
    return text if len(text) <= 60 else f"{text[:57]}…"


def _problem(where: Where, says: str, contents: Contents) -> Problem:
    return Problem(contents.line(where), spelled(where), says)


def _where(detail: ErrorDetails, contents: Contents) -> Where:
    """Drop the steps that pydantic adds for its own unions and keys: the file has no line for them."""
    if detail["type"] in ("missing", "extra_forbidden"):
        return detail["loc"]
    where = detail["loc"]
    while where and where not in contents.lines:
        where = where[:-1]
    return where


def _says(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is no key of a site file here"
    if kind == "value_error":
        may = str(context["error"])
    elif kind in MAY:
        may = f"may hold {MAY[kind].format(**context)}"
    else:
        may = detail["msg"]
    return f"holds {shown(detail['input'])}, {may}"


def _sound_parts(value: dict[str, Plain], details: list[ErrorDetails]) -> site_rules.Parts:
    """Return those parts that stand by themselves, so that nobody mends a file in two rounds."""
    wrong = {detail["loc"][:2] for detail in details}
    return site_rules.Parts(
        networks=_sound(Network, "networks", value, wrong),
        pools=_sound(Pool, "pools", value, wrong),
        hosts=_sound(Host, "hosts", value, wrong),
        network_names=_names(value, "networks"),
        pool_names=_names(value, "pools"),
    )


def _sound(kind: type[M], section: str, value: dict[str, Plain], wrong: set[Where]) -> dict[str, M]:
    held = value.get(section)
    if not isinstance(held, dict):
        return {}
    return {
        name: kind.model_validate_json(json.dumps(part))
        for name, part in held.items()
        if (section, name) not in wrong
    }


def _names(value: dict[str, Plain], section: str) -> frozenset[str]:
    held = value.get(section)
    return frozenset(held) if isinstance(held, dict) else frozenset()
