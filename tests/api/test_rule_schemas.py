"""The API description holds the rulebook format as the primitives say it, and every shipped rulebook fits it."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from creditbank import rulebooks
from creditbank.domain import rules
from tests.api.conformance import description


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return description()


def faults(described: dict[str, Any], value: Any) -> list[str]:
    registry: Registry[Any] = Registry().with_resource(
        "urn:api", Resource(contents=described, specification=DRAFT202012)
    )
    schema = {"$ref": "urn:api#/components/schemas/Rules"}
    return [error.json_path for error in Draft202012Validator(schema, registry=registry).iter_errors(value)]


def test_every_primitive_is_described(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert set(schemas["rules.RuleSet"]["properties"]) == set(rules.PRIMITIVES)
    for body in ("EvaluationBody", "RulebookVersionBody"):
        assert schemas[body]["properties"]["rules"] == {"$ref": "#/components/schemas/Rules"}


@pytest.mark.parametrize("name", rulebooks.names())
def test_the_shipped_rulebooks_fit_the_description(described: dict[str, Any], name: str) -> None:
    assert faults(described, rulebooks.document(name)["rules"]) == []


def test_an_unknown_key_does_not_fit_the_description(described: dict[str, Any]) -> None:
    assert faults(described, {"sources": [{"value": {"carry": True}}], "surprise": 1})
