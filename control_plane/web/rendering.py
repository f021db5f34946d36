"""Templates and static files, all served from the appliance."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request, status
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from control_plane.web.language import language_of
from control_plane.web.locales import Words
from control_plane.web.locales.catalogue import CATALOGUE, words_in

STATIC = Path(__file__).parent / "static"


def words_for(request: Request, known: str | None = None) -> Words:
    """Return what to say to this reader; `known` is the language of their account."""
    return words_in(language_of(request, known))


def page(template: str, words: Words, code: int = status.HTTP_200_OK, **shown: Any) -> HTMLResponse:
    """Return a page; whatever is shown is escaped, and a name that the template lacks is an error."""
    html = _templates().get_template(template).render(words=words, languages=CATALOGUE.values(), **shown)
    return HTMLResponse(
        html, code, headers={"Content-Language": words.code, "Vary": "Cookie, Accept-Language"}
    )


@cache
def asset(name: str) -> str:
    """Return the address of a static file, which changes with what the file holds."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:16]}"


class Assets(StaticFiles):
    """The static files. Their addresses change with their contents, so a browser may keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file; only one asked for by its fingerprint may be kept for ever."""
        response = await super().get_response(path, scope)
        if response.status_code in {200, 304} and b"v=" in scope["query_string"]:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("control_plane.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["asset"] = asset
    return templates
