"""A look leaves its record: once for the same look within the hour, before it is answered, or there is no answer."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from creditbank.commands.accesses import HOUR
from creditbank.domain.values import partition_of
from creditbank.ledger import accesses
from creditbank.ledger.accesses import WHOLE_BANK, Look
from creditbank.ledger.database import open_engine, writing
from creditbank.ledger.tables import access_partition
from tests.api.bank import ReadyBank, person, wish, wishes
from tests.api.routes.looks.records import fields_seen, looks_at

THREADS = 16


def test_a_look_says_who_looked_at_what_and_what_for(bank: ReadyBank) -> None:
    holder = person()
    account_id = bank.award(holder=holder)["account_id"]
    bank.deal(holder)
    said = {"Creditbank-Purpose": "admission 2026", "Creditbank-On-Behalf-Of": "desk 4"}

    assert bank.institution.get(f"/v1/accounts/{account_id}/balance", headers=said).status_code == 200

    key_id = bank.institution.token.split("_")[1]  # type: ignore[union-attr]
    assert looks_at(bank, account_id)[-1] == Look(
        credential=key_id,
        role="institution",
        organisation="HBVTC",
        operation="accounts:read",
        fields="balance",
        purpose="admission 2026",
        on_behalf_of="desk 4",
    )


def test_what_nobody_says_is_what_it_is_usually_for(bank: ReadyBank) -> None:
    account_id = bank.account()

    for caller in (bank.authority, bank.auditor):
        caller.get(f"/v1/accounts/{account_id}")

    seen = [(one.role, one.purpose, one.on_behalf_of) for one in looks_at(bank, account_id)]
    assert seen == [("authority", "account-service", None), ("auditor", "audit", None)]


def test_a_learners_own_look_is_not_recorded(bank: ReadyBank) -> None:
    account_id = bank.account()
    learner = bank.learner(account_id)

    for part in ("", "/balance", "/transcript", "/events", "/export", "/accesses"):
        assert learner.get(f"/v1/accounts/{account_id}{part}").status_code == 200
    assert learner.get("/v1/events").status_code == 200

    assert looks_at(bank, account_id) == []


def test_who_finds_nothing_has_not_looked(bank: ReadyBank) -> None:
    awarded = bank.award()
    account_id = awarded["account_id"]

    for part in ("", "/balance", "/transcript", "/events", "/export", "/balance?as_of=2026-01-01"):
        assert bank.other_institution.get(f"/v1/accounts/{account_id}{part}").status_code == 404
    assert bank.other_issuer.get(f"/v1/certificates/{awarded['certificate_id']}").status_code == 404

    assert looks_at(bank, account_id) == []


def test_who_holds_the_version_already_has_looked_too(bank: ReadyBank) -> None:
    account_id = bank.account()

    answer = bank.authority.get(f"/v1/accounts/{account_id}/balance", headers={"If-None-Match": '"1"'})

    assert answer.status_code == 304
    assert fields_seen(bank, account_id) == ["balance"]


def test_a_balance_at_another_moment_is_a_look_as_well(bank: ReadyBank) -> None:
    account_id = bank.account()

    assert bank.authority.get(f"/v1/accounts/{account_id}/balance?as_of=2026-01-01").status_code == 200

    assert fields_seen(bank, account_id) == ["balance"]


# Finding a person


def test_whoever_finds_a_person_by_document_has_looked(bank: ReadyBank) -> None:
    holder = person()
    opened = {"holder": holder}
    account_id = bank.authority.post("/v1/accounts", opened).json()["account_id"]
    assert looks_at(bank, account_id) == []

    bank.authority.post("/v1/accounts", opened)
    bank.authority.post("/v1/accounts/lookup", {"document": holder["document"]})
    bank.auditor.get(f"/v1/accounts/{account_id}")

    assert fields_seen(bank, account_id) == ["account_id status", "account_id", "status holder_masked"]
    assert looks_at(bank, account_id)[0].operation == "accounts:open"


@pytest.mark.parametrize("dry_run", [False, True])
def test_whoever_finds_persons_in_a_batch_has_looked_at_each_of_them(bank: ReadyBank, dry_run: bool) -> None:
    known, unknown = [person(), person()], person()
    ids = [bank.authority.post("/v1/accounts", {"holder": one}).json()["account_id"] for one in known]
    items = [{"holder": one} for one in (*known, unknown)]

    answer = bank.authority.post("/v1/accounts:batch", {"items": items, "dry_run": dry_run}).json()

    assert [line["status"] for line in answer["results"]] == [200, 200, 201]
    assert [fields_seen(bank, one) for one in ids] == [["account_id"], ["account_id"]]
    assert looks_at(bank, answer["results"][2]["account_id"]) == []


def test_a_dry_run_of_certificates_is_a_look_at_those_who_are_known(bank: ReadyBank) -> None:
    known = person()
    account_id = bank.authority.post("/v1/accounts", {"holder": known}).json()["account_id"]
    lines = [
        {"issuer": "BIM-EVAL", "number": f"DRY-{n}", "standard": "BIM", "level": "中级", "issued_on": "2026-07-01"}
        for n in range(2)
    ]
    items = [{**line, "holder": holder} for line, holder in zip(lines, (known, person()), strict=True)]

    answer = bank.issuer.post("/v1/certificates:batch", {"items": items, "dry_run": True}).json()

    assert answer["accepted"] == 2
    assert fields_seen(bank, account_id) == ["account_id"]
    assert looks_at(bank, answer["results"][1]["account_id"]) == []


def test_a_refusal_that_tells_of_an_account_is_a_look(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    account_id = awarded["account_id"]

    granted = bank.institution.post("/v1/exemptions", wishes(account_id, wish(awarded, "C1")))
    assert (granted.status_code, fields_seen(bank, account_id)) == (201, ["account_id"])
    refused = bank.institution.post("/v1/exemptions", wishes(account_id, wish(awarded, "P1")))

    assert refused.json()["code"] == "not_eligible"
    assert fields_seen(bank, account_id) == ["account_id", "eligibility"]


def test_the_feed_is_looked_at_as_a_whole(bank: ReadyBank) -> None:
    account_id = bank.award()["account_id"]
    before = looks_at(bank, WHOLE_BANK)

    for media_type in ("application/json", "application/x-ndjson"):
        said = {"Accept": media_type, "Creditbank-Purpose": f"to follow {account_id}"}
        assert bank.auditor.get("/v1/events", headers=said).status_code == 200

    [new] = looks_at(bank, WHOLE_BANK)[len(before) :]
    assert (new.role, new.fields, new.purpose) == ("auditor", "feed", f"to follow {account_id}")
    assert looks_at(bank, account_id) == []


# The same look again


def test_the_same_look_within_the_hour_is_on_record_once(own_bank: ReadyBank) -> None:
    account_id = own_bank.account()

    def look(**said: str) -> None:
        headers = {f"Creditbank-{name}": value for name, value in said.items()}
        assert own_bank.authority.get(f"/v1/accounts/{account_id}/balance", headers=headers).status_code == 200

    for _ in range(3):
        look()
    assert fields_seen(own_bank, account_id) == ["balance"]

    look(Purpose="audit of 2025")
    own_bank.authority.get(f"/v1/accounts/{account_id}/transcript")
    own_bank.caller("authority").get(f"/v1/accounts/{account_id}/balance")
    assert fields_seen(own_bank, account_id) == ["balance", "balance", "transcript", "balance"]

    own_bank.clock.pass_by(HOUR)
    look()
    look()
    assert len(looks_at(own_bank, account_id)) == 5


def test_a_clock_that_was_set_back_hides_no_look(own_bank: ReadyBank) -> None:
    account_id = own_bank.account()
    own_bank.authority.get(f"/v1/accounts/{account_id}/balance")

    own_bank.clock.pass_by(-HOUR)
    own_bank.authority.get(f"/v1/accounts/{account_id}/balance")

    assert len(looks_at(own_bank, account_id)) == 2


def test_the_same_look_from_many_at_once_is_on_record_once(bank: ReadyBank) -> None:
    account_id, start = bank.account(), Barrier(THREADS)

    def look(_: int) -> int:
        start.wait()
        return bank.authority.get(f"/v1/accounts/{account_id}/balance").status_code

    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(look, range(THREADS))) == [200] * THREADS

    assert fields_seen(bank, account_id) == ["balance"]


# On record before it is answered


@contextmanager
def _counter_held(database_url: str, account_id: Any) -> Iterator[None]:
    """Meanwhile nobody can put a look at this account on record."""
    engine = open_engine(database_url)
    with writing(engine) as connection:
        counter = access_partition.c.partition_id == partition_of(account_id)
        connection.execute(select(access_partition).where(counter).with_for_update())
        yield
    engine.dispose()


@pytest.mark.parametrize("part", ["/balance", "/transcript"])
def test_nothing_is_answered_before_it_is_on_record(own_bank: ReadyBank, database_url: str, part: str) -> None:
    account_id = own_bank.account()
    path = f"/v1/accounts/{account_id}{part}"

    with ThreadPoolExecutor(1) as threads:
        with _counter_held(database_url, UUID(account_id)):
            answer: Future[Any] = threads.submit(own_bank.authority.get, path)
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.5)
        assert answer.result().status_code == 200

    assert len(looks_at(own_bank, account_id)) == 1


_NO_ROOM = {
    "sqlite": (
        "CREATE TRIGGER no_room BEFORE INSERT ON access_record BEGIN SELECT RAISE(ABORT, 'no room'); END",
        "DROP TRIGGER no_room",
    ),
    "postgresql": (
        "ALTER TABLE access_record ADD CONSTRAINT no_room CHECK (false) NOT VALID",
        "ALTER TABLE access_record DROP CONSTRAINT no_room",
    ),
}


@contextmanager
def _no_room(engine: Engine) -> Iterator[None]:
    """Meanwhile no look can be put on record."""
    begin, end = _NO_ROOM[engine.dialect.name]
    with engine.begin() as connection:
        connection.exec_driver_sql(begin)
    yield
    with engine.begin() as connection:
        connection.exec_driver_sql(end)


def test_what_cannot_be_put_on_record_is_not_answered(own_bank: ReadyBank, engine: Engine) -> None:
    account_id = own_bank.account()
    path = f"/v1/accounts/{account_id}"
    own_bank.authority.get(f"{path}/balance")

    with _no_room(engine):
        refused = [own_bank.authority.get(f"{path}{part}") for part in ("", "/transcript", "/events", "/export")]
        refused.append(own_bank.auditor.get(f"{path}/balance"))
        known = own_bank.authority.get(f"{path}/balance")

    assert {(one.status_code, one.json()["code"], one.headers["Retry-After"]) for one in refused} == {
        (503, "unavailable", "1")
    }
    assert known.status_code == 200  # it is on record already
    assert own_bank.learner(account_id).get(f"{path}/balance").status_code == 200
    assert own_bank.authority.get(path).status_code == 200


def test_positions_are_gapless_whoever_looks(own_bank: ReadyBank) -> None:
    for _ in range(20):
        own_bank.authority.get(f"/v1/accounts/{own_bank.account()}")
    with own_bank.core.engine.connect() as connection, connection.begin():
        heads, extents = accesses.NUMBERS.heads(connection), accesses.NUMBERS.extents(connection)
    assert sum(heads.values()) >= 20
    assert {one: (extent.count, extent.first, extent.last) for one, extent in extents.items()} == {
        one: (head, 1, head) for one, head in heads.items()
    }
