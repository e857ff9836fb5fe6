"""The rulebook format in the API description, made from the primitives themselves: a new one shows there unasked."""

from __future__ import annotations

from typing import Any

from creditbank.api.schemas import references_moved
from creditbank.domain import rules

BODIES = frozenset({"EvaluationBody", "RulebookVersionBody"})
"""The requests whose member `rules` has this format."""


def describe_rules(schemas: dict[str, Any]) -> None:
    """Point the requests that bring rules to their format, whose parts are added as `rules.<part>`."""
    described = BODIES & schemas.keys()
    if not described:
        return
    schema = references_moved(rules.json_schema(), "#/$defs/", "#/components/schemas/rules.")
    schemas |= {f"rules.{name}": part for name, part in schema.pop("$defs").items()}
    schemas["Rules"] = {"description": "One set of rules, or several versions of one.", **schema}
    for body in described:
        schemas[body]["properties"]["rules"] = {"$ref": "#/components/schemas/Rules"}
