"""The data files of the demo, read once."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def source(name: str) -> Any:
    """The content of `data/<name>.json`."""
    return json.loads(files("creditbank.demo").joinpath("data", f"{name}.json").read_text("utf-8"))
