"""What the policies answered. A verdict has no truth value, so that nobody writes `if verdict:`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

LANGUAGES = ("ar", "fr", "en", "zgh")

NO_POLICY_PERMITS: Mapping[str, str] = {
    "ar": "لا توجد سياسة تسمح بذلك.",
    "fr": "Aucune politique ne le permet.",
    "en": "No policy permits it.",
    "zgh": "ⵓⵔ ⵜⵍⵍⵉ ⵜⵙⵔⵜⵉⵜ ⵉⵙⵙⵓⵔⴼⵏ ⴰⵢⴰ.",
}
NOT_DECIDED: Mapping[str, str] = {
    "ar": "تعذّر اتخاذ القرار، فرُفض الطلب.",
    "fr": "La décision n'a pas pu être prise ; la demande est donc refusée.",
    "en": "The decision could not be made, so the request is refused.",
    "zgh": "ⵓⵔ ⵉⵖⵉⵢ ⴰⴷ ⵉⵜⵜⵡⴰⵙⴽⵔ ⵓⵖⵜⴰⵙ, ⵙ ⵓⵢⵏⵏⴰ ⵉⵜⵜⵓⵢⴰⴳⵢ ⵓⵙⵓⵜⵔ.",
}


class _NoTruthValue:
    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a verdict has no truth value: write `match verdict:` with `case Permitted(...)` "
            "and `case Refused(...)`"
        )


@dataclass(frozen=True, slots=True)
class Permitted(_NoTruthValue):
    """Let it happen; `policies` are the permits that held."""

    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused(_NoTruthValue):
    """Don't.

    `policies` are the forbids that held; empty means that no policy permits.
    `reasons` holds a sentence a language. `errors` is what kept the engine from
    deciding, for the log and not for the person.
    """

    policies: tuple[str, ...]
    reasons: Mapping[str, str]
    errors: tuple[str, ...] = ()


Verdict = Permitted | Refused


def refused_for_errors(errors: Iterable[str]) -> Refused:
    """Return the refusal of a question that couldn't be decided."""
    return Refused((), NOT_DECIDED, tuple(errors))
