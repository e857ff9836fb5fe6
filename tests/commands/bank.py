"""A bank behind its desk: the small catalogue of the domain's tests, a clock to set, and commands as requests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from threading import Event
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic_core import from_json
from sqlalchemy import Engine, func, select

from creditbank.commands import catalogue
from creditbank.commands.awards import AwardCertificate, AwardLine
from creditbank.commands.bank import Bank
from creditbank.commands.desk import Answer, Command, Desk, Request, Settled
from creditbank.commands.draft import Draft, Needs
from creditbank.ledger import gather, log
from creditbank.ledger.tables import event
from creditbank.vault.erased import ErasedList
from creditbank.vault.persons import Holder, Person, Vault
from tests.domain.facts import COLLEGE, ISSUER, PROGRAMME, STANDARD, posted
from tests.vault.keys import KEYS

NOW = 1_788_220_800_000_000
"""2026-09-01, in microseconds."""
PATIENCE = 10
RULES = {"sources": [{"match": {"r.target": {"absent": True}}, "value": {"carry": True}}, {"value": {"target": True}}]}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@cache
def _folder() -> TemporaryDirectory[str]:
    """For the data directories of this process; made late, since processes that import this may be killed."""
    return TemporaryDirectory(prefix="creditbank-")


def bank_on(engine: Engine, clock: Clock | None = None) -> Bank:
    data_dir = Path(mkdtemp(dir=_folder().name))
    return Bank(
        engine=engine,
        vault=Vault(KEYS),
        zone=ZoneInfo("Asia/Shanghai"),
        clock=clock or Clock(),
        erased=ErasedList(data_dir),
    )


@contextmanager
def open_desk(bank: Bank) -> Any:
    desk = Desk(bank)
    yield desk
    desk.close()


def asked(command: Command, key: str | None = None, fingerprint: bytes = b"same") -> Request:
    """A request of the college, with an idempotency key where one is named."""
    named = None if key is None else ("college", key)
    return Request(command=command, actor="institution:college", key=named, fingerprint=fingerprint)


def tell(desk: Desk, command: Command, key: str | None = None, fingerprint: bytes = b"same") -> Settled:
    return desk.call(asked(command, key, fingerprint))


def body(settled: Any) -> Any:
    assert isinstance(settled, Settled), settled
    return from_json(settled.body)


def furnish(desk: Desk) -> UUID:
    """Publish the catalogue, in one group. The id of the accreditation."""
    catalogue_and_accreditation = (
        catalogue.register(ISSUER),
        catalogue.register(COLLEGE),
        catalogue.publish_standard(STANDARD),
        catalogue.publish_programme(PROGRAMME),
        catalogue.PublishRulebook(
            rulebook="exemptions",
            owner="college",
            title=None,
            rules=RULES,
            cases=(),
            effective_from=date(2026, 1, 1),
        ),
        catalogue.Accredit(
            organisation="BIM-EVAL",
            standard="BIM",
            levels=("初级", "中级"),
            valid_from=date(2026, 1, 1),
            valid_until=None,
        ),
    )
    settled = gather.results_of(desk.settle, [asked(one) for one in catalogue_and_accreditation])
    return UUID([body(one) for one in settled][-1]["accreditation_id"])


def holder(name: str) -> Holder:
    return Holder(person=Person(name=name, document_type="LOCAL", number=f"AB-{name}"))


def award(number: str, to: Holder | UUID, **changes: Any) -> AwardCertificate:
    return AwardCertificate(line=AwardLine(award=posted(number, **changes), holder=to))


@dataclass(slots=True)
class Gate:
    """A command that keeps its group under way until it is let through, so that others gather behind it."""

    reached: Event = field(default_factory=Event)
    opened: Event = field(default_factory=Event)

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        self.reached.set()
        assert self.opened.wait(PATIENCE)
        return Answer(status=200, body={})


def together(desk: Desk, *requests: Request) -> list[Settled | BaseException]:
    """What each request is answered when all of them gather in one group."""

    async def gathered() -> list[Settled | BaseException]:
        gate = Gate()
        first = asyncio.ensure_future(desk.ask(Request(command=gate, actor="test")))
        await asyncio.sleep(0)
        assert await asyncio.to_thread(gate.reached.wait, PATIENCE)
        asking = [asyncio.ensure_future(desk.ask(request)) for request in requests]
        await asyncio.sleep(0)
        gate.opened.set()
        await first
        return await asyncio.gather(*asking, return_exceptions=True)

    return asyncio.run(gathered())


def events_in(engine: Engine) -> int:
    with engine.connect() as connection, connection.begin():
        return connection.execute(select(func.count()).select_from(event)).scalar_one()


def history(engine: Engine, account_id: UUID) -> Sequence[Any]:
    with engine.connect() as connection, connection.begin():
        return [item.event for item in log.stream(connection, account_id)]
