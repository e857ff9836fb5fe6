"""Long lists in parts: one answer as if they were one, others let in between, and what broke off goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, select

from creditbank.audit import replay
from creditbank.commands import parts
from creditbank.commands.awards import AwardBatch, AwardLine
from creditbank.commands.desk import Desk, Request, Settled
from creditbank.commands.parts import Plain
from creditbank.domain import errors
from creditbank.ledger.tables import command_log
from tests.commands.bank import asked, award, bank_on, body, events_in, furnish, holder, open_desk, tell
from tests.domain.facts import posted

LINES = 3
COUNT = 2 * LINES + 1


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_into(monkeypatch, LINES)


def cut_into(monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
    monkeypatch.setattr(parts, "LINES", lines)
    monkeypatch.setattr(parts, "LONG", lines)


@pytest.fixture
def desk(engine: Engine) -> Iterator[Desk]:
    with open_desk(bank_on(engine)) as opened:
        furnish(opened)
        yield opened


def batch(count: int = COUNT) -> AwardBatch:
    """New persons with a certificate each; the last line has the number of the first one again."""
    numbers = [f"N{index}" for index in range(count - 1)] + ["N0"]
    lines = [AwardLine(award=posted(number), holder=holder(number)) for number in numbers]
    return AwardBatch(lines=lines, mode="partial", dry_run=False, render=lambda one: (409, {"code": one.code}))


def settle(desk: Desk, command: AwardBatch, *, key: str = "k", fingerprint: bytes = b"same") -> Settled:
    request = asked(command, key, fingerprint)
    return asyncio.run(parts.settle(desk, request, len(command.lines), Plain(command.part)))


class BreaksOff:
    """A desk at which the request of a certain turn finds the database away."""

    is_busy = True

    def __init__(self, desk: Desk, turn: int) -> None:
        self._desk = desk
        self._left = turn

    async def ask(self, request: Request) -> Settled:
        self._left -= 1
        if self._left < 0:
            raise errors.Unavailable()
        return await self._desk.ask(request)


def test_a_long_list_is_answered_as_one(engine: Engine, desk: Desk) -> None:
    answered = body(settle(desk, batch()))

    assert [line["index"] for line in answered["results"]] == list(range(COUNT))
    assert [line["status"] for line in answered["results"]] == [201] * (COUNT - 1) + [409]
    assert answered["results"][-1]["problem"] == {"code": "certificate_duplicate"}
    assert (answered["accepted"], answered["refused"]) == (COUNT - 1, 1)
    assert list(replay.differences(engine)) == []


def test_its_positions_are_the_last_of_each_partition(desk: Desk) -> None:
    settled = settle(desk, batch())

    last: dict[str, int] = {}
    for line in body(settled)["results"][:-1]:
        partition, position = line["position"].split(":")
        last[partition] = int(position)
    assert settled.position == ",".join(f"{one}:{last[one]}" for one in sorted(last, key=int))


def test_the_same_again_is_the_same_answer_and_nothing_happens(engine: Engine, desk: Desk) -> None:
    first, count = settle(desk, batch()), events_in(engine)

    again = settle(desk, batch())

    assert (again.body, again.position, again.status) == (first.body, first.position, 207)
    assert (first.replayed, again.replayed) == (False, True)
    assert events_in(engine) == count


@pytest.mark.parametrize("turn", [1, 2])
def test_what_broke_off_goes_on_where_it_stood(engine: Engine, desk: Desk, turn: int) -> None:
    command, before = batch(), events_in(engine)
    broken: Any = BreaksOff(desk, turn)
    with pytest.raises(errors.Unavailable):
        asyncio.run(parts.settle(broken, asked(command, "k"), COUNT, Plain(command.part)))
    assert events_in(engine) == before + 2 * LINES * turn, "an account and a certificate a line"

    settled = settle(desk, command)

    assert not settled.replayed
    assert [line["status"] for line in body(settled)["results"]] == [201] * (COUNT - 1) + [409]
    assert events_in(engine) == before + 2 * (COUNT - 1)


def test_under_its_key_nothing_else_passes_even_when_it_broke_off(engine: Engine, desk: Desk) -> None:
    command = batch()
    broken: Any = BreaksOff(desk, 1)
    with pytest.raises(errors.Unavailable):
        asyncio.run(parts.settle(broken, asked(command, "k"), COUNT, Plain(command.part)))
    count = events_in(engine)

    with pytest.raises(errors.IdempotencyKeyReused):
        settle(desk, batch(2), fingerprint=b"other")
    with pytest.raises(errors.IdempotencyKeyReused):
        tell(desk, award("N9", holder("Wang")), key="k", fingerprint=b"other")
    assert events_in(engine) == count


def test_an_answer_that_was_stored_in_longer_parts_is_repeated_as_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_into(monkeypatch, COUNT)
    first = settle(desk, batch())
    cut_into(monkeypatch, LINES)

    again = settle(desk, batch())

    assert (again.body, again.replayed) == (first.body, True)


def test_each_part_is_stored_once(engine: Engine, desk: Desk) -> None:
    settle(desk, batch())

    with engine.connect() as connection, connection.begin():
        keys = connection.execute(select(command_log.c.key)).scalars().all()
    assert sorted(keys) == ["k", f"k {LINES}", f"k {2 * LINES}"]


def test_who_asks_meanwhile_is_let_in_between_two_parts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FEW", 1)
    command = batch()

    async def scenario() -> tuple[list[str], Settled, Settled]:
        order: list[str] = []

        async def named(name: str, asking: Any) -> Any:
            answer = await asking
            order.append(name)
            return answer

        long = asyncio.ensure_future(
            named("list", parts.settle(desk, asked(command, "k"), COUNT, Plain(command.part))),
        )
        short = asyncio.ensure_future(named("single", desk.ask(asked(award("S1", holder("Zhao"))))))
        return order, await long, await short

    order, long, short = asyncio.run(scenario())

    assert order == ["single", "list"]
    assert body(long)["accepted"] == COUNT - 1
    assert body(short)["number"] == "S1"
