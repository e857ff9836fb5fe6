"""The process beside the server: it knows what the bank knows, is not missed when it is gone, and outlives nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from creditbank.commands import catalogue
from creditbank.commands.awards import AwardLine
from creditbank.commands.bank import Bank
from creditbank.commands.beside import Beside, Lost, Room
from creditbank.commands.ready import ReadyLine, Stamp
from creditbank.domain.events import OrganisationRegistered
from creditbank.ledger.database import open_engine
from creditbank.vault.keyfiles import ForeignKeys, Ring, Standing
from tests.commands.bank import bank_on, furnish, holder, open_desk, tell
from tests.database import copied
from tests.domain.facts import posted
from tests.processes.warm import has_ended

PATIENCE = 30
PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class MakeReady:
    """Question: these lines, and by what they were made ready."""

    lines: list[AwardLine]

    def answer(self, room: Room) -> tuple[Stamp, list[Any]]:
        return room.maker.knowledge.stamp, room.maker.lines(self.lines)


@dataclass(frozen=True, slots=True)
class Generations:
    """Question: the generations of the wrapping key that can be read, of the first few."""

    def answer(self, room: Room) -> list[int]:
        ring, found = room.maker.knowledge.keys.wrapping, []
        for generation in range(1, 4):
            with suppress(ForeignKeys):
                ring.of(generation)
                found.append(generation)
        return found


@dataclass(frozen=True, slots=True)
class Fail:
    """Question that has no answer."""

    def answer(self, _room: Room) -> None:
        raise ZeroDivisionError


@dataclass(frozen=True, slots=True)
class Wait:
    """Question that is answered when the process is killed, which is never."""

    def answer(self, _room: Room) -> None:
        Event().wait()


@pytest.fixture(scope="module")
def bank(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    engine = open_engine(copied(migrated_sqlite, tmp_path_factory.mktemp("beside")))
    one = bank_on(engine)
    with open_desk(one) as desk:
        furnish(desk)
        yield one
    engine.dispose()


@pytest.fixture(scope="module")
def shared(bank: Bank) -> Iterator[Beside]:
    one = Beside(bank, [__name__])
    yield one
    one.close()


@pytest.fixture
def beside(shared: Beside) -> Beside:
    """The one that all share who do not close it, up again where it was killed."""
    shared.wake()
    assert shared.up.wait(PATIENCE)
    return shared


def answered(asked: Future[Any]) -> Any:
    return asked.result(PATIENCE)


def test_lines_are_made_ready_by_what_the_bank_knows(bank: Bank, beside: Beside) -> None:
    lines = [AwardLine(award=posted(level=level), holder=holder("A")) for level in ("中级", "?")]

    stamp, (first, second) = answered(beside.ask(MakeReady(lines)))

    assert isinstance(first, ReadyLine)
    assert first.documents == bank.vault.blind_indexes(holder("A").document)
    assert (second.code, second.facts) == ("level_unknown", {"level": "?", "standard": "BIM"})
    assert stamp[0] == bank.catalogue().epoch


def test_it_learns_what_changes(bank: Bank, beside: Beside) -> None:
    before, _ = answered(beside.ask(MakeReady([])))
    with open_desk(bank) as desk:
        tell(desk, catalogue.register(OrganisationRegistered(code="new", name="new", roles=("issuer",))))

    after, _ = answered(beside.ask(MakeReady([])))

    assert after[0] == before[0] + 1


def test_a_key_that_is_no_longer_in_use_is_not_kept_there(bank: Bank, beside: Beside) -> None:
    answered(beside.ask(MakeReady([])))
    ring = bank.vault.keys.wrapping
    turned = Ring("wrapping", {1: ring.of(1), 2: b"n" * 32})
    turned.stand(Standing(current=2))
    object.__setattr__(bank.vault.keys, "wrapping", turned)
    try:
        beside.follow()
        assert answered(beside.ask(Generations())) == [2]
    finally:
        object.__setattr__(bank.vault.keys, "wrapping", ring)


def test_a_question_without_an_answer_is_lost_and_the_next_one_is_answered(beside: Beside) -> None:
    lost, found = beside.ask(Fail()), beside.ask(MakeReady([]))

    with pytest.raises(Lost):
        answered(lost)
    assert answered(found)[1] == []


def test_a_question_that_is_given_up_does_not_disturb_those_behind_it(beside: Beside) -> None:
    given_up, found = beside.ask(MakeReady([])), beside.ask(MakeReady([]))

    given_up.cancel()

    assert answered(found)[1] == []
    assert answered(beside.ask(MakeReady([])))[1] == []


def test_whoever_asks_before_it_is_up_is_not_kept_waiting_and_a_closed_one_leaves_no_process(bank: Bank) -> None:
    one = Beside(bank, [__name__])
    try:
        with pytest.raises(Lost):
            answered(one.ask(MakeReady([])))
        assert one.up.wait(PATIENCE), "whoever asks first wakes it"
        assert answered(one.ask(MakeReady([])))[1] == []
        pid = one.pid
    finally:
        one.close()

    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(Lost):
        answered(one.ask(MakeReady([])))


def test_all_that_was_asked_of_a_process_that_dies_is_lost_and_another_one_is_started(beside: Beside) -> None:
    asked = [beside.ask(Wait()), beside.ask(MakeReady([]))]
    assert beside.pid is not None
    os.kill(beside.pid, signal.SIGKILL)

    for one in asked:
        with pytest.raises(Lost):
            answered(one)
    beside.wake()
    assert beside.up.wait(PATIENCE)
    assert answered(beside.ask(MakeReady([])))[1] == []


SERVER = """
import sys
from threading import Event
from creditbank.commands.beside import Beside
one = Beside(None, [])
one.wake()
assert one.up.wait(30)
print(one.pid, flush=True)
Event().wait()
"""


def test_it_ends_with_a_server_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER], cwd=PROJECT, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        beside = os.pidfd_open(pid)
        server.kill()
    assert has_ended(beside, PATIENCE)
    os.close(beside)
