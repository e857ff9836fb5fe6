"""Options that several commands have, and how days and instants are written on the command line."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Processes = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="How many; as many as there are cores, 8 at most, where history is long."),
]


def day(text: str | None) -> date | None:
    """A civil day. Raises BadParameter."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no date: write it as 2027-01-31") from None


def instant(text: str | None) -> datetime | None:
    """A point in time that says its zone. Raises BadParameter."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no instant") from None
    if read.tzinfo is None:
        raise typer.BadParameter(f"{text} does not say its zone: add Z for UTC")
    return read
