"""A small bank whose log is published into a folder."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from creditbank.audit.heads import HeadTrees
from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency.shelf import Shelf
from creditbank.vault import logkeys
from tests.commands.bank import Clock, award, bank_on, furnish, holder, open_desk, tell

ORIGIN = "bank.example/log"


def publisher(engine: Engine, folder: Path, clock: Clock | None = None) -> Publisher:
    return Publisher(
        engine=engine,
        shelf=Shelf(folder / "log"),
        signing=logkeys.signing(folder),
        salting=logkeys.salting(folder),
        trees=HeadTrees(folder / "log-heads"),
        origin=ORIGIN,
        clock=clock or Clock(),
    )


def fill(engine: Engine, count: int, *, first: int = 0, furnished: bool = False) -> None:
    """Award certificates to as many persons, two to every third."""
    with open_desk(bank_on(engine)) as desk:
        if not furnished:
            furnish(desk)
        for number in range(first, first + count):
            tell(desk, award(f"N{number}", holder(f"person{number - number % 3 if number % 3 == 1 else number}")))
