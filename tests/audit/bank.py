"""A small bank whose log is published into a folder."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from creditbank.audit.heads import HeadTrees
from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency.shelf import Shelf
from creditbank.ledger import gather
from creditbank.ledger.database import open_engine
from creditbank.vault import logkeys
from tests.commands.bank import Clock, asked, award, bank_on, body, furnish, holder, open_desk
from tests.database import Make

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


def filled(*counts: int) -> Make:
    """A bank for tests to begin with: so many persons are awarded and published, and so many more, each in a round."""

    def make(url: str, folder: Path) -> None:
        engine = open_engine(url)
        one = publisher(engine, folder)
        for number, count in enumerate(counts):
            fill(engine, count, first=sum(counts[:number]), furnished=number > 0)
            one.publish()
        engine.dispose()

    return make


def fill(engine: Engine, count: int, *, first: int = 0, furnished: bool = False) -> None:
    """Award certificates to as many persons, two to every third."""
    with open_desk(bank_on(engine)) as desk:
        if not furnished:
            furnish(desk)
        holders = {number: number - 1 if number % 3 == 1 else number for number in range(first, first + count)}
        awards = [asked(award(f"N{number}", holder(f"person{who}"))) for number, who in holders.items()]
        for settled in gather.results_of(desk.settle, awards):
            body(settled)
