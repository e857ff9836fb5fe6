"""`creditbank openapi`: the description of the API, as it is published in the repository."""

from __future__ import annotations

import json
from pathlib import Path

from creditbank.app import create_app
from creditbank.cli import installation
from creditbank.cli.outcome import Failed, say, say_json


def described() -> str:
    """The same text for the same code, on every machine."""
    document = create_app(installation.settings()).openapi()
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def run(*, output: Path | None, check: Path | None, as_json: bool) -> None:
    """Print the description, write it to a file, or fail when a file holds another one. Needs no database."""
    text = described()
    if check is not None:
        _compare(check, text)
        say_json({"file": check, "is_current": True}) if as_json else say(f"{check} is current")
    elif output is not None:
        _write(output, text)
        say_json({"file": output, "written": True}) if as_json else say(f"{output} is written")
    else:
        say(text.rstrip())


def _compare(path: Path, text: str) -> None:
    try:
        published = path.read_text("utf-8")
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}") from None
    if published != text:
        raise Failed(f"{path} is stale: run `creditbank openapi --output {path}`")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}") from None
