"""Requests and postings come in time, or late with approval, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.rules.deciding import CARRY, decide, evaluate, faults

SPRING = {"for": "request", "from": "2024-03-01", "before": "2024-04-01"}
AUTUMN = {"for": "request", "from": "2024-09-01", "before": "2024-10-01"}


def asked(on: str | None, *windows: dict[str, Any], **fields: Any) -> list[Any]:
    return decide({**CARRY, "window": list(windows)}, [{"id": "a", "credits": 1, **fields}], applied_on=on)


@pytest.mark.parametrize(
    ("on", "answer"),
    [
        ("2024-03-01", 1),
        ("2024-03-31", 1),
        ("2024-04-01", "WINDOW_CLOSED"),
        ("2024-02-29", "WINDOW_CLOSED"),
        ("2024-09-15", 1),
        (None, "MISSING_INPUT"),
    ],
)
def test_one_of_the_windows_has_to_be_open(on: str | None, answer: object) -> None:
    assert asked(on, SPRING, AUTUMN) == [answer]


def test_who_is_late_may_need_approval() -> None:
    rules = {**CARRY, "window": [{**SPRING, "late": "approve"}]}
    decision = evaluate(rules, [{"id": "a", "credits": 1}], applied_on="2024-06-01")
    assert decision.granted[0].needs_approval
    assert decision.as_dict()["granted"][0]["needs_approval"] is True
    in_time = evaluate(rules, [{"id": "a", "credits": 1}], applied_on="2024-03-02").as_dict()["granted"][0]
    assert "needs_approval" not in in_time


@pytest.mark.parametrize(("posted_on", "answer"), [("2024-06-30", 1), ("2024-07-01", "WINDOW_CLOSED"), (None, 1)])
def test_postings_have_windows_of_their_own(posted_on: str | None, answer: object) -> None:
    posting = {"for": "posting", "from": None, "before": "2024-07-01"}
    assert asked("2024-03-05", SPRING, posting, posted_on=posted_on) == [answer]


def test_the_refusal_names_the_bound() -> None:
    (refusal,) = evaluate({**CARRY, "window": [SPRING]}, [{"id": "a", "credits": 1}], applied_on="2024-05-01").refused
    assert (refusal.clause, refusal.measured, refusal.limit) == ("/window/0", "2024-05-01", "2024-04-01")


@pytest.mark.parametrize(
    ("keys", "pointer"),
    [
        ({"from": "2024-05-01"}, ""),
        ({"before": "2024-02-30"}, "/before"),
        ({"for": "x"}, "/for"),
        ({"late": "ok"}, "/late"),
    ],
)
def test_a_window_that_never_opens_is_a_fault(keys: dict[str, Any], pointer: str) -> None:
    assert list(faults({**CARRY, "window": [{**SPRING, **keys}]})) == [f"/window/0{pointer}"]
