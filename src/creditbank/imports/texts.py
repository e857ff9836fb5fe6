"""What is said about a row or a file that is refused: a code, a sentence and a remedy, in English and Chinese."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple


class Said(NamedTuple):
    """Something that is wrong with a row: its code, the header of the column, and what the sentence mentions."""

    code: str
    column: str | None = None
    facts: Mapping[str, Any] = {}


class Refused(Exception):
    """The file as a whole is refused. `facts` are what its sentence mentions."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def fault(said: Said) -> dict[str, Any]:
    """A fault of a row as it is shown."""
    facts = {"column": said.column or "…", **said.facts}
    return {"code": said.code, "column": said.column, **_sentences("faults.json", said.code, facts)}


def refusal(code: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The refusal of a file as it is shown."""
    return {"code": code, **_sentences("refusals.json", code, facts)}


def codes(name: str) -> frozenset[str]:
    """The codes of `faults.json` or `refusals.json`."""
    return frozenset(_catalogue(name))


def _sentences(name: str, code: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    known = _catalogue(name)[code]
    said = {key: sentence.format_map(_Facts(facts)) for key, sentence in known.items()}
    return {
        "text": {"en": said["en"], "zh-CN": said["zh"]},
        "remedy": {"en": said["remedy_en"], "zh-CN": said["remedy_zh"]},
    }


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


@cache
def _catalogue(name: str) -> Mapping[str, Mapping[str, str]]:
    content: Mapping[str, Mapping[str, str]] = json.loads(files(__package__).joinpath(name).read_text("utf-8"))
    return content
