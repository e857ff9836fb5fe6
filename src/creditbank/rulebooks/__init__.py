"""Rulebooks that come with the bank: public rules of China, Korea, India and England as data, with their cases.

They are examples to read, to test and to start from; a bank knows none of them until an institution publishes it.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

_FOLDER: Final = files(__name__)


def names() -> list[str]:
    """The ids of all shipped rulebooks, in order."""
    return sorted(file.name.removesuffix(".json") for file in _FOLDER.iterdir() if file.name.endswith(".json"))


def document(name: str) -> dict[str, Any]:
    """A shipped rulebook as a `creditbank-rulebook/1` document. Raises FileNotFoundError for an unknown id."""
    read: dict[str, Any] = json.loads(_FOLDER.joinpath(f"{name}.json").read_text("utf-8"))
    return read
