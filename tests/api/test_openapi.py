"""The published description is complete, names every error, and can be read without a network."""

from __future__ import annotations

import copy
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Header
from fastapi.testclient import TestClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel, Field

from creditbank.api import messages, openapi, ops, problems, reference
from creditbank.api.body import Body, StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.fields import CivilDate, CreditsText, Reason, Uuid
from creditbank.api.middleware import Observability
from creditbank.api.schemas import tidy


class Level(Body):
    level: str
    credits: CreditsText


class Standard(Body):
    title: str = Field(description="Its name <in> full.", examples=[{"title": "kept"}])
    levels: list[Level]
    valid_until: CivilDate | None = None
    parent: Level | None = None


class StandardAnswer(BaseModel):
    code: str
    note: str | None


def application() -> FastAPI:
    app = FastAPI(title="creditbank", version="1.2.3", docs_url=None, redoc_url=None)
    app.add_middleware(Observability)
    problems.install(app)
    openapi.install(app)
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["Standards"])

    @router.post("/standards", status_code=201, summary="Publish", responses={409: {"description": "Exists already."}})
    async def publish_standard(
        body: Standard, key: Annotated[str | None, Header(alias="Idempotency-Key")] = None
    ) -> StandardAnswer:
        """Adds a standard."""
        raise AssertionError

    @router.get("/standards", summary="List")
    async def list_standards(page: PageAsked) -> list[StandardAnswer]:
        """All of them."""
        raise AssertionError

    @router.post("/standards/{standard_id}/closure", summary="Close")
    async def close_standard(
        standard_id: Uuid, body: Annotated[Reason, Field()], if_match: Annotated[str | None, Header()] = None
    ) -> None:
        """For ever."""

    @router.get("/verify/{number}", summary="Verify")
    async def verify(number: str) -> StandardAnswer:
        """Public."""
        raise AssertionError

    app.include_router(router)
    app.include_router(ops.router)
    app.include_router(reference.router)
    return app


@cache
def client() -> TestClient:
    return TestClient(application())


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    answer = client().get("/openapi.json")
    assert answer.status_code == 200
    described: dict[str, Any] = answer.json()
    return described


def responses(document: dict[str, Any], method: str, path: str) -> set[str]:
    return set(document["paths"][path][method]["responses"])


def test_the_document_is_valid_and_without_complaint(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert openapi.lint(document) == []
    assert document["info"]["license"]["identifier"] == "Apache-2.0"
    assert document["info"]["title"] == "creditbank"


def test_operations_are_called_by_their_functions(document: dict[str, Any]) -> None:
    names = {operation["operationId"] for _, _, operation in openapi.operations(document)}
    assert names == {
        "publish_standard", "list_standards", "close_standard", "verify", "livez", "readyz", "metrics",
    }  # fmt: skip


def test_every_error_is_the_shared_problem(document: dict[str, Any]) -> None:
    assert responses(document, "post", "/v1/standards") == {
        "201", "400", "401", "403", "409", "413", "415", "422", "429", "503", "default",
    }  # fmt: skip
    assert {"400", "422"} <= responses(document, "get", "/v1/standards")
    assert {"404", "412"} <= responses(document, "post", "/v1/standards/{standard_id}/closure")
    assert "429" in responses(document, "get", "/v1/verify/{number}")
    published = document["paths"]["/v1/standards"]["post"]["responses"]
    assert published["409"]["description"] == "Exists already."
    assert published["422"]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert document["components"]["schemas"]["Problem"]["properties"]["title"]["type"] == "string"


def test_credentials_are_needed_except_where_the_bank_is_public(document: dict[str, Any]) -> None:
    assert document["paths"]["/v1/standards"]["get"]["security"] == [{"bearer": []}, {"session": []}]
    assert document["paths"]["/v1/verify/{number}"]["get"]["security"] == []
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["components"]["securitySchemes"]["session"]["in"] == "cookie"


def test_null_is_one_of_the_types_and_credits_are_text(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["Standard"]["properties"]["valid_until"] == {"type": ["string", "null"], "format": "date"}
    assert {"type": "null"} in schemas["Standard"]["properties"]["parent"]["anyOf"]
    assert schemas["Level"]["properties"]["credits"]["type"] == "string"
    assert schemas["StandardAnswer"]["properties"]["note"] == {"type": ["string", "null"]}
    assert schemas["Standard"]["properties"]["title"]["examples"] == [{"title": "kept"}]


def test_null_joins_an_enumeration_and_leaves_richer_unions_alone() -> None:
    level = {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}], "default": None}
    assert tidy(level) == {"type": ["string", "null"], "enum": ["a", None], "default": None}
    union = {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}
    assert tidy(union) == union


def test_the_linter_names_what_is_missing(document: dict[str, Any]) -> None:
    poor = copy.deepcopy(document)
    operation = poor["paths"]["/v1/standards"]["post"]
    del operation["summary"], operation["description"], operation["tags"], operation["responses"]["201"]
    operation["operationId"] = "verify"
    operation["responses"]["409"] = {"description": "x", "content": {"application/json": {}}}
    del operation["responses"]["default"]
    complaints = "\n".join(openapi.lint(poor))
    for complaint in ("no summary", "no description", "no tags", "no successful", "not say how errors look"):
        assert complaint in complaints
    assert "POST /v1/standards answers 409 with something else than a Problem" in complaints
    assert "shares the operationId verify" in complaints


def test_the_reference_is_one_page_without_scripts_or_strangers() -> None:
    answer = client().get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in answer.text
    assert not re.search(r"(src|href)=.(https?:)?//", answer.text)
    assert "POST /v1/standards/{standard_id}/closure" in answer.text
    assert "Its name &lt;in&gt; full." in answer.text
    assert set(re.findall(r'href="#([^"]+)"', answer.text)) <= set(re.findall(r'id="([^"]+)"', answer.text))


def test_the_style_of_the_reference_is_the_one_that_its_policy_allows() -> None:
    answer = client().get("/docs")
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    assert b64encode(sha256(style.encode()).digest()).decode() in answer.headers["content-security-policy"]


@pytest.mark.parametrize("code", messages.MESSAGES)
def test_every_problem_type_can_be_read_in_both_languages(code: str) -> None:
    answer = client().get(f"/problems/{code}")
    assert messages.MESSAGES[code].title_zh in answer.text
    assert code in answer.text


def test_an_unknown_problem_type_is_not_found() -> None:
    assert client().get("/problems/<script>").status_code == 404
