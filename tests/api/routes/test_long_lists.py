"""Long lists with a process beside the server: the same answers as without, whatever becomes of it on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Timer
from typing import Any
from uuid import uuid4

import pytest

from creditbank.api.lists import Make
from creditbank.audit import replay
from creditbank.commands import parts
from creditbank.commands.beside import Beside
from tests.api.bank import ReadyBank, certificate, person
from tests.api.imports import codes, imported, line, results, table, tally

PATH = "/v1/certificates:batch"
PATIENCE = 30
COUNT = 10


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FEW", 2)
    monkeypatch.setattr(parts, "LINES", 3)
    monkeypatch.setattr(parts, "LONG", 3)


@pytest.fixture
def bank(new_bank: ReadyBank) -> Iterator[ReadyBank]:
    """All of them share a bank, and the process beside it while nobody kills it."""
    beside = beside_of(new_bank)
    beside.wake()
    assert beside.up.wait(PATIENCE)
    yield new_bank
    assert list(replay.differences(new_bank.core.engine)) == []


@contextmanager
def without_process(bank: ReadyBank) -> Iterator[None]:
    """As before it is up."""
    up = beside_of(bank).up
    up.clear()
    yield
    up.set()


def beside_of(bank: ReadyBank) -> Beside:
    found: Beside = bank.client.app.state.beside
    return found


def codes_of(answer: Any) -> list[str | None]:
    return [one.get("problem", {}).get("code") for one in answer.json()["results"]]


def unfit(bank: ReadyBank) -> list[Any]:
    """Fit lines among such as cannot be read, are refused by themselves, and by what the bank holds."""
    known = bank.award()
    first = certificate()
    return [
        first,
        certificate(level="特级"),
        7,
        certificate(issued_on="2026-02-30"),
        certificate(issuer="OTHER-EVAL"),
        {**first, "holder": person()},
        first,
        certificate(holder={"account_id": known["account_id"]}),
        certificate(holder={"account_id": known["certificate_id"]}),
        certificate(number=known["number"]),
        certificate(number="S000442010012201000001"),
    ]


def shown(answer: Any) -> list[Any]:
    """All that does not name a request or a certificate."""
    lines = []
    for one in answer.json()["results"]:
        problem = one.get("problem", {})
        said = {name: problem[name] for name in problem if name not in ("instance", "request_id", "certificate_id")}
        lines.append((one["index"], one["status"], list(one), list(problem), said))
    return lines


UNFIT = [
    None, "level_unknown", "validation_failed", "validation_failed", "forbidden", "certificate_number_taken",
    "certificate_duplicate", None, "not_found", "certificate_number_taken", "number_contradicts_record",
]  # fmt: skip


def test_every_line_is_answered_as_it_is_without_the_process(bank: ReadyBank) -> None:
    ready = bank.issuer.post(PATH, {"items": unfit(bank)})
    with without_process(bank):
        plain = bank.issuer.post(PATH, {"items": unfit(bank)})

    assert codes_of(ready) == codes_of(plain) == UNFIT
    assert shown(ready) == shown(plain)


def test_a_list_that_was_answered_is_answered_alike_again(bank: ReadyBank) -> None:
    items, count = [certificate() for _ in range(COUNT)], bank.events()

    first, again = (bank.issuer.post(PATH, {"items": items}, key="list") for _ in range(2))

    assert first.json()["accepted"] == COUNT
    assert (again.content, again.headers["Creditbank-Position"]) == (
        first.content, first.headers["Creditbank-Position"],
    )  # fmt: skip
    assert again.headers["Idempotency-Replayed"] == "true"
    assert bank.events() == count + 2 * COUNT


def test_a_process_that_is_killed_is_not_missed(bank: ReadyBank) -> None:
    pid = beside_of(bank).pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    # It is asked, and cannot answer: it dies with the question.
    Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()

    answer = bank.issuer.post(PATH, {"items": [certificate() for _ in range(COUNT)]})

    assert answer.json()["accepted"] == COUNT


def test_a_standard_that_is_published_in_between_counts_at_once(bank: ReadyBank) -> None:
    items = [certificate(standard="NEW") for _ in range(3)]
    assert codes_of(bank.issuer.post(PATH, {"items": items})) == ["standard_unknown"] * 3
    standard = {"code": "NEW", "title": "new", "scheme": "x", "levels": [{"level": "中级", "rank": 1, "credits": "1"}]}
    published = bank.authority.post("/v1/standards", standard)
    assert published.status_code == 201, published.text

    answer = bank.issuer.post(PATH, {"items": items})

    assert codes_of(answer) == ["organisation_not_accredited"] * 3


def test_a_file_is_answered_row_by_row_as_it_is_without_the_process(bank: ReadyBank) -> None:
    found = []
    for way in (nullcontext(), without_process(bank)):
        known = bank.award()
        first = line()
        rows = [
            first,
            line(等级="特级", 发证日期="2027-01-01"),
            line(证件类型="CN-RIC", 证件号码="123", 等级="特级"),
            line(),
            first,
            line(known["number"]),
            line(),
        ]
        with way:
            one = imported(bank.issuer, table(*rows))
        told = results(bank.issuer, one)
        found.append((tally(one), codes(told), [row["errors"] for row in told], [row["row"] for row in told]))
        assert [row["account_id"] is None for row in told] == [bool(row["errors"]) for row in told]

    assert found[0] == found[1]
    assert found[0][1] == [
        [], ["level_unknown", "issued_in_future"], ["identity_number_invalid", "level_unknown"], [],
        ["duplicate_in_file"], ["certificate_number_taken"], [],
    ]  # fmt: skip
    again = imported(bank.issuer, table(*rows), "?force=true")
    assert codes(results(bank.issuer, again))[0] == ["certificate_duplicate"]


def test_lines_of_a_body_that_is_not_there_are_no_failure(bank: ReadyBank, caplog: pytest.LogCaptureFixture) -> None:
    """As of one that came while the process was still coming up."""
    question = Make(token=uuid4(), start=0, stop=1, issuer="BIM-EVAL")

    assert beside_of(bank).ask(question).result(PATIENCE) is None
    assert caplog.records == []
