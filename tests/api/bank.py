"""A bank that is ready for requests: its organisations with their keys, one standard, one programme, a clock to set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select

from creditbank.app import create_app
from creditbank.commands.bank import Bank
from creditbank.domain.values import PARTITIONS
from creditbank.ledger import log
from creditbank.ledger.database import writing
from creditbank.ledger.feed import Cursor
from creditbank.ledger.tables import event
from creditbank.settings import Settings
from creditbank.vault import apikeys
from tests.api.client import started
from tests.api.conformance import conformance

TODAY = date(2026, 11, 24)
PUBLIC_URL = "http://127.0.0.1:8000"
on_one_database = pytest.mark.parametrize("bank", ["sqlite"], indirect=True)
"""For what is decided before any database is asked, or after it has answered."""
on_the_other = pytest.mark.parametrize("bank", ["postgresql"], indirect=True)
"""For the part of it that is looked up, where the whole runs on one database."""
_numbers = count(1)

STANDARD = {
    "code": "BIM",
    "title": "建筑信息模型（BIM）",
    "scheme": "1+X",
    "levels": [
        {"level": "初级", "rank": 1, "credits": "4"},
        {"level": "中级", "rank": 2, "credits": "6"},
        {"level": "高级", "rank": 3, "credits": "8"},
    ],
}
RULES = {
    "exclude": [{"match": {"t.type": "project"}, "reason": "TARGET_NOT_EXEMPTIBLE"}],
    "once": [{"scope": "target", "reason": "COURSE_ALREADY_SATISFIED"}],
    "sources": [
        {"match": {"o.kind": "x-cert", "r.target": {"absent": True}}, "value": {"carry": True}},
        {"match": {"o.kind": "x-cert"}, "value": {"target": True}, "grade": "exempt"},
    ],
    "caps": [
        {
            "id": "each",
            "measure": "credits",
            "limit": 8,
            "per": ["outcome"],
            "over": "drop",
            "reason": "CAP_PER_OUTCOME",
        }
    ],
}
PROGRAMME = {
    "code": "CONSTR-2026",
    "name": "建筑工程技术",
    "credits": "140",
    "rulebook": "hbvtc-x",
    "courses": [
        {"code": "C1", "name": "BIM 建模", "credits": "4", "type": "core"},
        {"code": "C2", "name": "BIM 应用", "credits": "2", "type": "core"},
        {"code": "C3", "name": "工程制图", "credits": "3", "type": "core"},
        {"code": "P1", "name": "毕业设计", "credits": "4", "type": "project"},
    ],
}


class Clock:
    """The bank's clock: stands where it was set, and moves by a microsecond with every look at it."""

    def __init__(self, day: date = TODAY) -> None:
        self.set(day)

    def __call__(self) -> int:
        self._now += 1
        return self._now

    def pass_by(self, microseconds: int) -> None:
        """Let time go by."""
        self._now += microseconds

    def set(self, day: date) -> None:
        """Noon UTC of a day, which is the same day in the bank's zone."""
        self._now = int(datetime.combine(day, time(12), UTC).timestamp()) * 1_000_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with an API key, or without one. Every write gets an idempotency key of its own unless one is given."""

    client: TestClient
    token: str | None = None

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None
    ) -> Response:
        return self.client.get(path, headers=self.headers(headers), params=params)

    def delete(self, path: str) -> Response:
        return self.client.delete(path, headers=self.headers())

    def post(
        self, path: str, body: Any = None, *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        named = {"Idempotency-Key": key or f"request-{next(_numbers)}"}
        return self.client.post(path, json=body, headers=self.headers({**named, **(headers or {})}))

    def send(self, path: str, content: bytes, *, media_type: str = "application/json") -> Response:
        """A body of bytes as they are."""
        named = {"Idempotency-Key": f"request-{next(_numbers)}", "Content-Type": media_type}
        return self.client.post(path, content=content, headers=self.headers(named))

    def headers(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What says who is calling, and more."""
        own = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return own | dict(more or {})


@dataclass(slots=True, kw_only=True)
class ReadyBank:
    """A bank with two issuers and two institutions. BIM-EVAL is accredited for BIM since 2019-04-01."""

    client: TestClient
    clock: Clock
    public: Caller
    authority: Caller
    issuer: Caller = field(init=False)
    other_issuer: Caller = field(init=False)
    institution: Caller = field(init=False)
    other_institution: Caller = field(init=False)
    auditor: Caller = field(init=False)
    accreditation_id: str = field(init=False)

    def copied(self, client: TestClient, clock: Clock) -> ReadyBank:
        """The same callers at an application over copies of the database and the key files."""
        names = ("public", "authority", "issuer", "other_issuer", "institution", "other_institution", "auditor")
        callers = {name: Caller(client, getattr(self, name).token) for name in names}
        bank = ReadyBank(client=client, clock=clock, public=callers["public"], authority=callers["authority"])
        for name, caller in callers.items():
            setattr(bank, name, caller)
        bank.accreditation_id = self.accreditation_id
        return bank

    @property
    def core(self) -> Bank:
        return self.client.app.state.bank

    def organisation(self, code: str, *roles: str) -> Caller:
        """A new organisation, as the caller with the key of its first role."""
        registered = self.authority.post("/v1/organisations", {"code": code, "name": code, "roles": list(roles)})
        assert registered.status_code == 201, registered.text
        issued = self.authority.post(f"/v1/organisations/{code}/keys", {"role": roles[0]})
        return Caller(self.client, issued.json()["key"])

    def learner(self, account_id: str) -> Caller:
        return self.caller("learner", account_id=account_id)

    def caller(self, role: str, organisation: str | None = None, account_id: str | None = None) -> Caller:
        """Somebody whose key was made at the service desk."""
        return Caller(self.client, key_of(self.core, role, organisation, account_id))

    def award(self, **changes: Any) -> dict[str, Any]:
        """A certificate in the account of a new person, unless the changes name the holder."""
        answer = self.issuer.post("/v1/certificates", certificate(**changes))
        assert answer.status_code == 201, answer.text
        return answer.json()

    def account(self) -> str:
        """The id of a new account, which no institution deals with."""
        answer = self.authority.post("/v1/accounts", {"holder": person()})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["account_id"])

    def deal(self, holder: Mapping[str, Any]) -> None:
        """Let the institution deal with a person's account: it looks the document up."""
        assert self.institution.post("/v1/accounts/lookup", {"document": holder["document"]}).status_code == 200

    def balance(self, account_id: str) -> dict[str, Any]:
        """The balance, which must add up whatever has happened."""
        answer = self.authority.get(f"/v1/accounts/{account_id}/balance")
        assert answer.status_code == 200, answer.text
        found = answer.json()
        hundredths = {name: round(float(found[name]) * 10_000) for name in AMOUNTS}
        left = hundredths["earned"] + hundredths["shortfall"]
        taken = sum(hundredths[name] for name in ("used", "reserved", "expired", "held"))
        assert left - taken == hundredths["available"], found
        assert min(hundredths.values()) >= 0, found
        return found

    def events(self) -> int:
        """How many events the log holds."""
        with self.core.engine.connect() as connection, connection.begin():
            return connection.execute(select(func.count()).select_from(event)).scalar_one()

    def end_of_feed(self) -> str:
        """The cursor behind all that has happened, so that nobody has to read it again."""
        with self.core.engine.connect() as connection, connection.begin():
            heads = log.heads(connection)
        return Cursor(tuple(heads.get(partition, 0) for partition in range(PARTITIONS))).text()


AMOUNTS = ("earned", "used", "reserved", "available", "expired", "held", "shortfall")


def person(name: str = "王小明") -> dict[str, Any]:
    """A person whom the bank has not seen."""
    return {"name": name, "document": {"type": "LOCAL", "number": f"HB-{next(_numbers):08}"}}


def certificate(**changes: Any) -> dict[str, Any]:
    """A certificate of intermediate level, with a new number and for a new person."""
    return {
        "issuer": "BIM-EVAL",
        "number": f"BIM2026{next(_numbers):06}",
        "standard": "BIM",
        "level": "中级",
        "issued_on": "2026-07-01",
        "holder": person(),
        **changes,
    }


def wishes(account_id: str, *requests: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What an institution asks for in its programme."""
    return {
        "account_id": account_id,
        "programme": {"institution": "HBVTC", "code": "CONSTR-2026"},
        "applied_on": "2026-09-01",
        "requests": list(requests),
        **changes,
    }


def wish(awarded: Mapping[str, Any], target: str | None = None) -> dict[str, Any]:
    """One request for a certificate, with a course where one is to be replaced."""
    named = {"certificate_id": awarded["certificate_id"]}
    return named if target is None else {**named, "target": target}


def key_of(bank: Bank, role: str, organisation: str | None = None, account_id: str | None = None) -> str:
    """A new API key, made as the command line makes it."""
    with writing(bank.engine) as connection:
        _, key = apikeys.make(
            connection,
            bank.vault.keys,
            role=role,
            organisation=organisation,
            account_id=account_id and UUID(account_id),
            created_by="desk",
            now=bank.clock(),
            expires_at=None,
        )
    return key


@contextmanager
def open_app(database_url: str, data_dir: Path, clock: Clock | None = None, **more: Any) -> Iterator[TestClient]:
    """The application over a database, as a process of its own would run it; `more` are further settings."""
    unlimited = {"verify_per_minute": 10_000, "lookups_per_minute": 0, "refusals_per_minute": 0}
    named = {"database_url": database_url, "data_dir": data_dir, "public_url": PUBLIC_URL}
    settings = Settings(**{**named, **unlimited, **more})
    app = create_app(settings)
    with started(app, more.get("public_url", "http://testserver")) as client:
        client.event_hooks = {"response": [conformance()]}
        if clock is not None:
            client.app.state.bank.clock = clock
        yield client


@contextmanager
def ready_bank(database_url: str, data_dir: Path, **more: Any) -> Iterator[ReadyBank]:
    """A bank that has been set up by its authority and its institution; `more` are further settings."""
    clock = Clock()
    with open_app(database_url, data_dir, clock, **more) as client:
        authority = Caller(client, key_of(client.app.state.bank, "authority"))
        bank = ReadyBank(client=client, clock=clock, public=Caller(client), authority=authority)
        bank.issuer = bank.organisation("BIM-EVAL", "issuer")
        bank.other_issuer = bank.organisation("OTHER-EVAL", "issuer")
        bank.institution = bank.organisation("HBVTC", "institution")
        bank.other_institution = bank.organisation("WHUT", "institution")
        bank.auditor = bank.organisation("AUDIT", "auditor")
        bank.authority.post("/v1/standards", STANDARD)
        accreditation = {"standard": "BIM", "levels": ["初级", "中级", "高级"], "valid_from": "2019-04-01"}
        granted = bank.authority.post("/v1/organisations/BIM-EVAL/accreditations", accreditation)
        bank.accreditation_id = granted.json()["accreditation_id"]
        published = {"rules": RULES, "effective_from": "2020-01-01"}
        assert bank.institution.post("/v1/rulebooks/hbvtc-x/versions", published).status_code == 201
        assert bank.institution.post("/v1/programmes", {"institution": "HBVTC", **PROGRAMME}).status_code == 201
        yield bank


@contextmanager
def copied_bank(bank: ReadyBank, database_url: str, data_dir: Path) -> Iterator[ReadyBank]:
    """A bank as it was set up before, over copies of its database and its key files: at a tenth of the price."""
    clock = copy(bank.clock)
    with open_app(database_url, data_dir, clock) as client:
        yield bank.copied(client, clock)
