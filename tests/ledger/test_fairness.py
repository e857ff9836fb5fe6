"""Turns: who brings much does not hold up who brings little, and nobody's own order changes."""

from __future__ import annotations

import pytest

from creditbank.ledger.fairness import Turns


def _taken(line: Turns[str]) -> list[str]:
    taken = []
    while line:
        taken.append(line.next())
    return taken


def test_everybody_in_turn_and_each_in_their_order() -> None:
    line = Turns[str](lambda item: item[0])
    for item in ("a1", "a2", "a3", "b1", "c1", "c2"):
        line.add(item)

    assert _taken(line) == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_who_was_just_served_queues_up_behind_those_who_wait() -> None:
    line = Turns[str](lambda item: item[0])
    line.add("a1")
    line.add("a2")
    line.add("b1")
    assert line.next() == "a1"
    line.add("c1")

    assert _taken(line) == ["b1", "a2", "c1"]


def test_of_nothing_nothing_is_taken() -> None:
    line = Turns[str](len)
    assert not line
    with pytest.raises(StopIteration):
        line.next()
