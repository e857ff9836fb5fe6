"""`creditbank openapi`: the description of the API, as it is published in the repository."""

from __future__ import annotations

import json
from pathlib import Path

from creditbank.app import create_app
from creditbank.cli import installation
from creditbank.cli.published import publish


def described() -> str:
    """The same text for the same code, on every machine."""
    document = create_app(installation.settings()).openapi()
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def run(*, output: Path | None, check: Path | None, as_json: bool) -> None:
    """Print the description, write it to a file, or fail when a file holds another one. Needs no database."""
    publish(described(), "openapi", output=output, check=check, as_json=as_json)
