"""The published description of the API (OpenAPI 3.1), made from the routes and finished here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from creditbank.api.body import gates
from creditbank.api.looks import DESCRIPTIONS, LONGEST, Looking
from creditbank.api.problems import MEDIA_TYPE, Problem
from creditbank.api.rule_schemas import describe_rules
from creditbank.api.schemas import tidy

PUBLIC_PATHS = ("/v1/verify", "/v1/shared", "/log/v1/", "/livez", "/readyz", "/metrics", "/oauth/", "/.well-known/")
"""What answers without credentials, by the beginning of its path."""

NAMING_OTHERS = (
    ("get", "/v1/certificates"),
    ("post", "/v1/accounts/lookup"),
    ("post", "/v1/award-checks"),
    ("post", "/v1/certificates"),
    ("post", "/v1/conversions"),
    ("post", "/v1/eligibility"),
    ("post", "/v1/exemptions"),
    ("post", "/v1/imports"),
    ("post", "/v1/reservations"),
)
"""Operations whose body or query, and not whose path, names what may not be there."""

OAUTH_PATHS = ("/oauth/",)
OAUTH_ERRORS = ("400", "401")
"""What is answered in the format of RFC 6749, by the beginning of its path and the status."""

METHODS = ("get", "put", "post", "delete", "patch")

_LICENCE = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
_DESCRIPTION = """\
Certificates in, credits accounted as events, exemptions out.

Credits are decimal text, never JSON numbers. Days are civil dates, instants are RFC 3339 in UTC. Every error is a
problem document (RFC 9457) whose `code` is stable; `title` and `detail` follow Accept-Language (`en`, `zh-CN`).
Every POST that writes needs an Idempotency-Key. Every GET also answers HEAD."""

_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key of an organisation or of a learner, or an access token.",
}
_SESSION = {
    "type": "apiKey",
    "in": "cookie",
    "name": "__Host-creditbank",
    "description": "Of somebody who signed in at /login. What changes something must come from the bank's own pages:"
    " `Sec-Fetch-Site` says so, or `Origin`.",
}
_MEANINGS: Mapping[str, str] = {
    "400": "The request cannot be read, or lacks its Idempotency-Key.",
    "401": "No credentials, or credentials that are not valid.",
    "403": "The credentials do not allow this.",
    "404": "Not there, or not visible to the caller.",
    "409": "Against the facts as they stand.",
    "412": "The account has changed since the version in If-Match.",
    "413": "The body is too large.",
    "415": "The body is not sent as application/json.",
    "422": "Understood and refused: fields at fault, or a rule of the bank.",
    "429": "Too many requests; Retry-After says when to ask again.",
    "503": "The bank cannot answer now; ask again with the same key.",
    "default": "Any other error.",
}


def install(app: FastAPI) -> None:
    """Make the application publish the finished description."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way the framework documents


def describe(app: FastAPI) -> dict[str, Any]:
    """The whole document."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description=app.description or _DESCRIPTION,
        routes=app.routes,
        tags=app.openapi_tags,
        servers=[{"url": "/"}],
        license_info=_LICENCE,
        separate_input_output_schemas=False,
    )
    names, looking = _names(app), _looking(app)
    for path, method, operation in operations(document):
        if (path, method) in looking:
            operation.setdefault("parameters", []).extend(_said_of_looks())
        operation["operationId"] = names[path, method]
        _secure(path, operation)
        _add_errors(path, method, operation)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    describe_rules(schemas)
    components["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {"bearer": _BEARER, "session": _SESSION}
    tidied: dict[str, Any] = tidy(document)
    return tidied


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation, in the order of the document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def lint(document: Mapping[str, Any]) -> list[str]:
    """What keeps the document from being a good description; nothing when all is well."""
    complaints: list[str] = []
    seen: set[str] = set()
    for path, method, operation in operations(document):
        place = f"{method.upper()} {path}"
        wanted = ("summary", "description", "tags", "operationId")
        complaints += [f"{place} has no {member}" for member in wanted if not operation.get(member)]
        name = operation.get("operationId", "")
        if name in seen:
            complaints.append(f"{place} shares the operationId {name}")
        seen.add(name)
        responses = operation.get("responses", {})
        problems = {status: response for status, response in responses.items() if not _is_oauth(path, status)}
        complaints += [f"{place} {complaint}" for complaint in _lint_responses(problems)]
    return complaints


def _lint_responses(responses: Mapping[str, Any]) -> Iterator[str]:
    if not any(status.startswith("2") for status in responses):
        yield "has no successful response"
    if "default" not in responses:
        yield "does not say how errors look"
    for status, response in responses.items():
        if status[0] in "45d" and _problem_content() != response.get("content"):
            yield f"answers {status} with something else than a Problem"


def _names(app: FastAPI) -> dict[tuple[str, str], str]:
    """The name of the function behind each operation: short, and stable when paths move."""
    return {
        (str(context.path_format), method.lower()): str(context.name)
        for context in iter_route_contexts(app.routes)
        for method in context.methods or ()
    }


def _looking(app: FastAPI) -> set[tuple[str, str]]:
    """The operations that show personal data, and may be told what for."""
    return {
        (str(context.path_format), method.lower())
        for context in iter_route_contexts(app.routes)
        if isinstance(route := context.original_route, APIRoute)
        and any(isinstance(gate, Looking) for gate in gates(route.dependant))
        for method in context.methods or ()
    }


def _said_of_looks() -> Iterator[dict[str, Any]]:
    for name, description in DESCRIPTIONS.items():
        schema = {"type": ["string", "null"], "maxLength": LONGEST[name]}
        yield {"name": name, "in": "header", "required": False, "schema": schema, "description": description}


def _secure(path: str, operation: dict[str, Any]) -> None:
    operation["security"] = [] if path.startswith(PUBLIC_PATHS) else [{"bearer": []}, {"session": []}]


def _add_errors(path: str, method: str, operation: dict[str, Any]) -> None:
    """Every error that the operation can give, with the route's own words where it has some."""
    responses = operation["responses"]
    if any(parameter["name"].lower() == "if-none-match" for parameter in operation.get("parameters", ())):
        responses["304"] = {"description": "The caller holds this version already."}
    own = {status: response["description"] for status, response in responses.items() if status[0] in "45"}
    if own.get("422") == "Validation Error":  # the framework's, on everything that has a parameter
        del own["422"]
    as_they_are = [status for status in responses if status[0] in "123" or _is_oauth(path, status)]
    wanted = (own.keys() | set(_possible(path, method, operation)) | {"default"}).difference(as_they_are)
    operation["responses"] = {status: responses[status] for status in as_they_are} | {
        status: {"description": own.get(status) or _MEANINGS.get(status, "Refused."), "content": _problem_content()}
        for status in sorted(wanted)
    }


def _is_oauth(path: str, status: str) -> bool:
    return path.startswith(OAUTH_PATHS) and status in OAUTH_ERRORS


def _possible(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    if path.startswith(OAUTH_PATHS):
        yield from ("413", "422", "429", "503")
        return
    parameters = {parameter["name"].lower() for parameter in operation.get("parameters", ())}
    if operation["security"]:
        yield from ("401", "403", "429", "503")
    if "{" in path or (method, path) in NAMING_OTHERS:
        yield "404"
    if parameters or "requestBody" in operation:
        yield "422"
    if "requestBody" in operation:
        yield from ("400", "413", "415")
    if "cursor" in parameters:
        yield "400"
    if "idempotency-key" in parameters:
        yield from ("400", "409")
    if "if-none-match" in parameters:
        yield "400"
    if "if-match" in parameters and method != "get":
        yield from ("400", "412")
    if path.startswith("/v1/verify"):
        yield from ("429", "503")
    if path == "/v1/shared":
        yield from ("404", "429", "503")


def _problem_content() -> dict[str, Any]:
    return {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
