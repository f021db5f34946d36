"""Which language a request's reader reads."""

from fastapi import Request

LANGUAGES = ("ar", "fr", "en", "zgh")
COOKIE = "majlis-language"
DEFAULT = "fr"


def language_of(request: Request, known: str | None = None) -> str:
    """Return the language chosen here, else the one the account reads (`known`), else the browser's."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    if known in LANGUAGES:
        return known
    return _preferred(request.headers.get("accept-language", ""))


def _preferred(header: str) -> str:
    """Return the best of RFC 9110's Accept-Language that we speak."""
    weighed = []
    for part in header.split(",")[:20]:
        tag, _, parameter = part.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if primary in LANGUAGES and weight > 0:
            weighed.append((weight, primary))
    return max(weighed, default=(0.0, DEFAULT), key=lambda pair: pair[0])[1]
