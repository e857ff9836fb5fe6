"""The published description: what stands in the repository is what the code says, whole and without complaint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.schemas import schema_v31
from referencing import Registry, Resource

from creditbank.api import openapi
from creditbank.app import create_app
from creditbank.cli.openapi import described
from creditbank.settings import Settings
from tests.api.conformance import description

PUBLISHED = Path(__file__).parents[1] / "openapi" / "creditbank.json"
ABOUT_THE_API = {"/openapi.json", "/docs", "/problems/{code}"}
FOR_PEOPLE = {"/", "/login", "/login/callback", "/logout"}
"""Pages, and the description itself: no program asks for them."""


class Prepared(OpenAPIV31SpecValidator):
    """The same schema of the standard, whose anchors were looked up beforehand: not for each part of a document."""

    schema_validator = Draft202012Validator(
        {"$ref": schema_v31["$id"]},
        registry=Registry().with_resource(schema_v31["$id"], Resource.from_contents(dict(schema_v31))).crawl(),
    )


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings())


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return description()


def test_the_published_description_is_current() -> None:
    assert PUBLISHED.read_text("utf-8") == described(), "stale: run `make openapi`"


def test_the_description_says_all_that_it_should(document: dict[str, Any]) -> None:
    assert openapi.lint(document) == []


def test_the_description_is_valid_openapi() -> None:
    Prepared(json.loads(PUBLISHED.read_text("utf-8"))).validate()


def test_a_description_that_breaks_the_standard_is_found_out(document: dict[str, Any]) -> None:
    answer = document["paths"]["/v1/accounts"]["post"]["responses"]["201"]
    described = answer.pop("description")
    try:
        assert not Prepared(document).is_valid()
    finally:
        answer["description"] = described


def test_every_route_is_described(app: FastAPI, document: dict[str, Any]) -> None:
    served = {
        (context.path_format, method.lower())
        for context in iter_route_contexts(app.routes)
        for method in context.methods or ()
        if context.path_format not in ABOUT_THE_API | FOR_PEOPLE
    }
    assert served == {(path, method) for path, method, _ in openapi.operations(document)}
