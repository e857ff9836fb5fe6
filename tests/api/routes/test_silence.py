"""Even with every log switched on, nobody is named in it: neither persons, nor what they are known by, nor keys."""

from __future__ import annotations

import logging

import pytest

from tests.api.bank import Caller, ReadyBank, certificate, person, wish, wishes
from tests.personal import WATCH

LOUD = ("sqlalchemy.engine", "sqlalchemy.pool", "psycopg", "creditbank", "asyncio", "httpx2", "fastapi", "alembic")


def test_logs_of_every_kind_name_nobody(bank: ReadyBank, caplog: pytest.LogCaptureFixture) -> None:
    holder = person("欧阳小明")
    with caplog.at_level(logging.DEBUG):
        for name in LOUD:
            caplog.set_level(logging.DEBUG, name)
        bank.core.engine.echo = "debug"
        awarded = bank.award(holder=holder)
        bank.deal(holder)
        bank.issuer.post("/v1/certificates:batch", {"items": [certificate(holder=holder), {"holder": holder}]})
        bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1")))
        bank.authority.get(f"/v1/accounts/{awarded['account_id']}")
        bank.institution.post(
            "/v1/accounts", {"holder": {**holder, "document": {"type": "CN-RIC", "number": "1" * 18}}}
        )
        Caller(bank.client, f"cb_{holder['document']['number']}").get("/v1/standards")
        bank.core.engine.echo = False
    assert "sqlalchemy." in caplog.text, "what the library does is logged"
    assert {"欧阳小明", holder["document"]["number"]} <= WATCH.names | WATCH.numbers
    assert WATCH.found(caplog.text) == set()
