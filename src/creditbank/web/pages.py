"""Pages: HTML from templates, without scripts and without anything from elsewhere, in the reader's language."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from importlib.resources import files
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.types import Scope

from creditbank.api import problems
from creditbank.api.messages import Language
from creditbank.web.texts import text

_STYLE = files("creditbank.web").joinpath("templates/style.css").read_text("utf-8")
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}';"
        " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    # With no referrer at all a browser would not name its origin either, when it sends a form.
    "Referrer-Policy": "same-origin",
    "Vary": "Accept-Language, Cookie",
}


class Pages:
    """Renders the templates of this room, and of others that stand on it. A warning stands on every page."""

    def __init__(self, *packages: str, warning: str | None = None) -> None:
        loaders = [PackageLoader(package) for package in (*packages, "creditbank.web")]
        self._templates = Environment(
            loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        # The policy names the hash of exactly these letters.
        self._templates.globals.update(style=Markup(_STYLE), warning=warning)

    def page(self, scope: Scope, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        language = problems.language_of(scope)
        return self._render(language, name, status, HEADERS, values)

    def problem(self, body: Mapping[str, Any], language: Language, headers: Mapping[str, str]) -> Response:
        """A problem document as a page."""
        return self._render(language, "problem", int(body["status"]), {**headers, **HEADERS}, {"problem": body})

    def _render(
        self, language: Language, name: str, status: int, headers: Mapping[str, str], values: Mapping[str, Any]
    ) -> HTMLResponse:
        template = self._templates.get_template(f"{name}.html")
        content = template.render(language=language, say=partial(text, language=language), **values)
        return HTMLResponse(content, status, {**headers, "Content-Language": language})


PAGES = Pages()
