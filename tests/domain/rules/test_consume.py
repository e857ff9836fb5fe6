"""What a recorded grant takes from the outcomes' own credits, and for which purpose; and who approves it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.domain.rules.deciding import evaluate, faults


def grant(consume: dict[str, Any] | None, value: dict[str, Any], request: dict[str, Any], *credits: object) -> Any:
    rules: dict[str, Any] = {"sources": [{"value": value}]}
    if consume is not None:
        rules["consume"] = consume
    outcomes = [{"id": f"o{number}", "credits": amount} for number, amount in enumerate(credits)]
    programme = {"courses": {"C": {"credits": 4}}}
    (granted,) = evaluate(rules, outcomes, [request], programme=programme).granted
    return granted


COURSE = {"outcome": "o0", "target": "C"}


@pytest.mark.parametrize(
    ("amount", "value", "credits", "consumed"),
    [
        (None, {"target": True}, 10, 4),
        ("granted", {"target": True}, 10, 4),
        ("none", {"target": True}, 10, 0),
        ("all", {"target": True}, 10, 10),
        ("all", {"target": True}, None, 4),
        ("granted", {"ratio": [2, 3]}, 10, 10),
        ("granted", {"ratio": [2, 1]}, 45, 45),
        ("granted", {"fixed": 20}, 10, 20),
    ],
)
def test_a_grant_takes_nothing_its_amount_or_all(
    amount: str | None, value: Any, credits: object, consumed: object
) -> None:
    consume = None if amount is None else {"amount": amount}
    assert grant(consume, value, COURSE, credits).consumed == consumed


def test_it_is_taken_in_the_outcomes_unit_before_the_ratio_also_when_it_was_cut() -> None:
    cap = {"id": "c", "measure": "credits", "limit": 30, "over": "truncate", "reason": "CAP"}
    rules = {"sources": [{"value": {"ratio": [2, 1]}}], "caps": [cap]}
    (granted,) = evaluate(rules, [{"id": "a", "credits": 45}]).granted
    assert (granted.credits, granted.consumed) == (30, 15)
    rules["sources"] = [{"value": {"ratio": [3, 7]}}]
    (granted,) = evaluate(rules, [{"id": "a", "credits": 1}]).granted
    assert (granted.credits, granted.consumed) == (Fraction(3, 7), 1)


@pytest.mark.parametrize(
    ("credits", "parts"),
    [
        ((3, 3), [("o0", 3), ("o1", 1)]),
        ((5, 3), [("o0", 4)]),
        ((1, 1), [("o0", 3), ("o1", 1)]),
        ((None, 3), [("o0", 4)]),
    ],
)
def test_joined_outcomes_are_used_up_in_their_order(credits: tuple[object, ...], parts: list[tuple[str, int]]) -> None:
    granted = grant(None, {"target": True}, {"outcome": ["o0", "o1"], "target": "C"}, *credits)
    assert list(granted.consumed_by) == parts


@pytest.mark.parametrize(
    ("consume", "request_", "purpose"),
    [
        (None, COURSE, "exemption"),
        (None, {"outcome": "o0"}, "conversion"),
        (None, {"outcome": "o0", "purpose": "subsidy"}, "subsidy"),
        ({"purpose": "redemption"}, {"outcome": "o0", "purpose": "subsidy"}, "redemption"),
    ],
)
def test_the_purpose_is_the_rulebooks_else_the_requests(consume: Any, request_: dict[str, Any], purpose: str) -> None:
    assert grant(consume, {"fixed": 1}, request_, 10).purpose == purpose


def test_a_grant_tells_whether_it_can_be_returned() -> None:
    assert grant({"returnable": True}, {"fixed": 1}, COURSE, 10).returnable
    assert not grant(None, {"fixed": 1}, COURSE, 10).returnable


def test_a_decision_names_the_roles_that_must_approve() -> None:
    workflow = [{"role": "faculty", "within_days": 10}, {"role": "registry"}]
    decision = evaluate({"sources": [{"value": {"fixed": 1}}], "workflow": workflow}, [{"id": "a"}])
    assert [(approval.role, approval.within_days) for approval in decision.workflow] == [
        ("faculty", 10),
        ("registry", None),
    ]


@pytest.mark.parametrize(
    ("rules", "pointer"),
    [
        ({"consume": {"amount": "half"}}, "/consume/amount"),
        ({"consume": {"returnable": 1}}, "/consume/returnable"),
        ({"workflow": [{"role": ""}]}, "/workflow/0/role"),
        ({"workflow": [{"role": "x", "within_days": 0}]}, "/workflow/0/within_days"),
        ({"workflow": [{"role": "x", "within_days": "10"}]}, "/workflow/0/within_days"),
    ],
)
def test_what_cannot_be_meant_is_a_fault(rules: dict[str, Any], pointer: str) -> None:
    assert list(faults({"sources": [{"value": {"fixed": 1}}], **rules})) == [pointer]
