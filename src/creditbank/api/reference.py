"""The API reference and the list of problems as plain pages, without scripts and without anything from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import escape
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from creditbank.api import openapi
from creditbank.api.messages import FAULTS, MESSAGES
from creditbank.domain.errors import NotFound

router = APIRouter(include_in_schema=False)

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
h2{border-bottom:1px solid #d0d7de;margin-top:2.5rem}h3{margin-bottom:.2rem}code,h3{font-family:ui-monospace,monospace}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0}
p{white-space:pre-line}summary{cursor:pointer}nav a{margin-right:1rem}a{color:#0550ae}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}a{color:#79c0ff}h2{border-color:#30363d}}
"""
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}


@router.get("/docs")
def reference(request: Request) -> HTMLResponse:
    """Every operation and every schema."""
    document = request.app.openapi()
    return _page(document["info"]["title"], "".join(_reference(document)))


@router.get("/problems/{code}")
def problem(code: str) -> HTMLResponse:
    """What a code means, in both languages: the page behind the `type` of a problem document."""
    message = MESSAGES.get(code)
    if message is None:
        raise NotFound
    return _page(
        message.title_en,
        f"<h1><code>{code}</code></h1><h2>{escape(message.title_en)}</h2><p>{escape(message.detail_en)}</p>"
        f'<h2 lang="zh-CN">{escape(message.title_zh)}</h2><p lang="zh-CN">{escape(message.detail_zh)}</p>',
    )


def _page(title: str, content: str) -> HTMLResponse:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    page = f'<!doctype html><html lang="en"><head>{head}<style>{_STYLE}</style></head><body>{content}</body></html>'
    return HTMLResponse(page, headers=_HEADERS)


def _reference(document: Mapping[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info.get('description', ''))}</p>"
    yield '<p><a href="/openapi.json">OpenAPI document</a></p>'
    by_tag = sorted(openapi.operations(document), key=_tag)
    tags = list(dict.fromkeys(map(_tag, by_tag)))
    links = (f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in (*tags, "Schemas", "Codes"))
    yield f"<nav>{''.join(links)}</nav>"
    for tag, group in groupby(by_tag, key=_tag):
        yield f'<h2 id="{escape(tag)}">{escape(tag)}</h2>'
        yield from (_operation(*each) for each in group)
    yield '<h2 id="Schemas">Schemas</h2>'
    for name, schema in document["components"]["schemas"].items():
        yield _schema(name, schema)
    yield '<h2 id="Codes">Codes</h2>'
    yield _table((f"<code>{code}</code>", escape(message.detail_en)) for code, message in sorted(MESSAGES.items()))
    yield "<h3>Of fields</h3>"
    yield _table((f"<code>{code}</code>", escape(message.en)) for code, message in sorted(FAULTS.items()))


def _tag(each: tuple[str, str, dict[str, Any]]) -> str:
    return str(next(iter(each[2].get("tags", ())), "Other"))


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    parameters = _table(
        (f"<code>{escape(each['name'])}</code>", escape(each["in"]), _type(each["schema"]), _words(each))
        for each in operation.get("parameters", ())
    )
    responses = _table(
        (f"<code>{status}</code>", _contents(response), escape(response["description"]))
        for status, response in operation["responses"].items()
    )
    body = f"<p>Body: {_contents(operation['requestBody'])}</p>" if "requestBody" in operation else ""
    access = "" if operation.get("security") else " Needs no credentials."
    return (
        f'<h3 id="{escape(operation["operationId"])}">{method.upper()} {escape(path)}</h3>'
        f"<p><strong>{escape(operation.get('summary', ''))}</strong>{access}</p><p>{_words(operation)}</p>"
        f"{parameters}{body}<details><summary>Responses</summary>{responses}</details>"
    )


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = (
        (f"<code>{escape(field)}</code>{'' if field in required else '?'}", _type(member), _words(member))
        for field, member in schema.get("properties", {}).items()
    )
    return f'<h3 id="schema-{escape(name)}">{escape(name)}</h3><p>{_words(schema)}</p>{_table(rows)}'


def _contents(holder: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{_type(content.get('schema', {}))} as {escape(media_type)}"
        for media_type, content in holder.get("content", {}).items()
    )


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, with links to those that have a name."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " or ".join(map(_type, schema[union]))
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    kind = schema.get("type", "any")
    text = escape(schema.get("format") or (" or ".join(kind) if isinstance(kind, list) else kind))
    return f"{text} of {_type(schema['items'])}" if "items" in schema else text


def _words(holder: Mapping[str, Any]) -> str:
    return escape(holder.get("description", ""))


def _table(rows: Iterator[tuple[str, ...]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{body}</table>" if body else ""
