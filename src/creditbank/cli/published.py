"""Texts that are made from the code and published in the repository: printed, written, or held against a file."""

from __future__ import annotations

from pathlib import Path

from creditbank.cli.outcome import Failed, say, say_json


def publish(text: str, command: str, *, output: Path | None, check: Path | None, as_json: bool) -> None:
    """Print the text, write it to a file, or fail when a file holds another one. `command` writes it anew."""
    if check is not None:
        _compare(check, text, command)
        say_json({"file": check, "is_current": True}) if as_json else say(f"{check} is current")
    elif output is not None:
        _write(output, text)
        say_json({"file": output, "written": True}) if as_json else say(f"{output} is written")
    else:
        say(text.rstrip())


def _compare(path: Path, text: str, command: str) -> None:
    try:
        published = path.read_text("utf-8")
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}") from None
    if published != text:
        raise Failed(f"{path} is stale: run `creditbank {command} --output {path}`")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}") from None
