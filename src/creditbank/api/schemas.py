"""JSON schemas as people like to read them: null as one of the types, no titles that only repeat a name."""

from __future__ import annotations

from typing import Any

_DATA = frozenset({"example", "examples", "default", "enum", "const"})
"""Members that hold data, not schemas."""

_NAMED = frozenset({"properties", "schemas", "$defs", "patternProperties"})
"""Members that map names to schemas."""


def tidy(node: Any) -> Any:
    """A copy of a document or schema, tidied at every depth."""
    if isinstance(node, list):
        return [tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {name: _tidied(name, value) for name, value in node.items() if not _is_noise(node, name)}
    return _with_null_as_type(copy)


def _tidied(name: str, value: Any) -> Any:
    if name in _DATA:
        return value
    if name in _NAMED and isinstance(value, dict):
        return {key: tidy(schema) for key, schema in value.items()}
    return tidy(value)


def _is_noise(node: dict[str, Any], name: str) -> bool:
    """Titles that were made from names. The title of the document itself stands beside its version."""
    return name == "title" and isinstance(node[name], str) and "version" not in node


def _with_null_as_type(schema: dict[str, Any]) -> dict[str, Any]:
    """`anyOf` a type or null becomes the type with null; a reference cannot be joined and stays."""
    choices = schema.get("anyOf")
    if not isinstance(choices, list) or len(choices) != 2 or {"type": "null"} not in choices:
        return schema
    other = next(choice for choice in choices if choice != {"type": "null"})
    if not isinstance(other.get("type"), str) or "const" in other:
        return schema
    joined: dict[str, Any] = {name: value for name, value in schema.items() if name != "anyOf"} | other
    joined["type"] = [other["type"], "null"]
    if "enum" in other:
        joined["enum"] = [*other["enum"], None]
    return joined


def references_moved(node: Any, old: str, new: str) -> Any:
    """A copy of a schema whose references to `old` places lead to `new` ones."""
    if isinstance(node, list):
        return [references_moved(item, old, new) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {name: references_moved(value, old, new) for name, value in node.items()}
    if isinstance(reference := copy.get("$ref"), str) and reference.startswith(old):
        copy["$ref"] = new + reference.removeprefix(old)
    return copy
