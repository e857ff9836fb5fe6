"""Draws by lot: anybody can repeat them with the program in the documentation, and nobody is favoured."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbank.domain import draws
from creditbank.domain.draws import TooFew

PAGE = (Path(__file__).parents[2] / "docs" / "inspections.md").read_text("utf-8")
PUBLIC, ANNOUNCED = "ab" * 32, "湖北 2026 第四季度"
RELEASED = ["A93", "A64", "A92", "A10", "A46"]


def test_the_program_in_the_documentation_draws_the_same() -> None:
    [program] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    population = [f"机构{number}" for number in range(1_000)]

    for label, count in (("accounts", 25), ("accounts/HBVTC", 1_000)):
        ran = subprocess.run(
            [sys.executable, "-c", program, PUBLIC, ANNOUNCED, label, str(count)],
            input="".join(f"{one}\n" for one in population), capture_output=True, encoding="utf-8", check=True,
            env={"PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
        )  # fmt: skip

        assert ran.stdout.split() == draws.draw(draws.seed(PUBLIC, ANNOUNCED), label, population, count)


def test_a_draw_is_what_it_was_when_it_was_released() -> None:
    """Written down once: no later version may draw anything else."""
    seed = draws.seed(PUBLIC, ANNOUNCED)

    assert draws.draw(seed, "accounts", [f"A{number}" for number in range(100)], 5) == RELEASED


@given(st.sets(st.text(min_size=1)), st.data())
def test_a_draw_takes_nobody_twice_and_does_not_depend_on_the_order(population: set[str], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(population)))
    drawn = draws.draw(b"seed", "label", population, count)

    assert len(set(drawn)) == len(drawn) == count
    assert set(drawn) <= population
    assert draws.draw(b"seed", "label", sorted(population, reverse=True), count) == drawn
    assert draws.draw(b"seed", "label", population, len(population))[:count] == drawn, "more begins with the same"


def test_seed_and_label_each_make_another_draw() -> None:
    population = [str(number) for number in range(1_000)]
    first = draws.draw(draws.seed(PUBLIC, ANNOUNCED), "accounts", population, 10)

    assert draws.draw(draws.seed(PUBLIC, ANNOUNCED), "decisions", population, 10) != first
    assert draws.draw(draws.seed(PUBLIC, ANNOUNCED + "!"), "accounts", population, 10) != first
    assert draws.draw(draws.seed("cd" * 32, ANNOUNCED), "accounts", population, 10) != first


def test_nobody_is_drawn_more_often_than_others() -> None:
    drawn = Counter(draws.draw(b"seed", f"label {number}", "abcdefghij", 1)[0] for number in range(10_000))

    assert set(drawn) == set("abcdefghij")
    assert all(880 < times < 1_120 for times in drawn.values()), "four standard deviations about 1,000"


def test_more_than_there_are_cannot_be_drawn() -> None:
    with pytest.raises(TooFew, match="2 are to be drawn, and there are 1"):
        draws.draw(b"seed", "label", ["a", "a"], 2)


@pytest.mark.parametrize(
    ("text", "population", "count"),
    [("20", 100, 20), ("20", 7, 7), ("0", 7, 0), ("2.5%", 1_000, 25), ("2.5%", 10, 1), ("0%", 10, 0), ("100%", 3, 3)],
)
def test_an_amount_is_a_number_or_a_share(text: str, population: int, count: int) -> None:
    assert draws.amount(text).of(population) == count


@pytest.mark.parametrize("text", ["", "-1", "1.5", "101%", "-1%", "x%", "1/0%", "²"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"share|amount"):
        draws.amount(text)
