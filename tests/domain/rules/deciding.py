"""Asks a small rulebook about a small situation, and answers with a credit or a reason per request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from creditbank.domain import rules
from creditbank.domain.rules import Decision
from creditbank.domain.rules.numbers import shown

CARRY = {"sources": [{"value": {"carry": True}}]}
"""Every outcome counts with its own credits."""


def evaluate(
    rule_set: Mapping[str, Any],
    outcomes: Sequence[Mapping[str, Any]],
    requests: Sequence[Mapping[str, Any]] | None = None,
    **given: Any,
) -> Decision:
    """The decision; without requests, each outcome asks for itself."""
    if requests is None:
        requests = [{"outcome": outcome["id"]} for outcome in outcomes]
    return rules.evaluate(rules.compile(rule_set), {"outcomes": outcomes, "requests": requests, **given})


def answers(decision: Decision) -> list[Any]:
    """For every request in its order the credits granted, or the reason why not."""
    lines: dict[int, Any] = {grant.request: shown(grant.credits) for grant in decision.granted}
    lines |= {refusal.request: refusal.reason for refusal in decision.refused}
    return [lines[number] for number in sorted(lines)]


def decide(rule_set: Mapping[str, Any], outcomes: Sequence[Mapping[str, Any]], *more: Any, **given: Any) -> list[Any]:
    return answers(evaluate(rule_set, outcomes, *more, **given))


def faults(document: Any) -> dict[str, str]:
    """All faults of a document, by pointer."""
    return {fault.pointer: fault.detail for fault in rules.check(document).faults}


def warnings(document: Any) -> dict[str, str]:
    """All warnings about a document, by pointer."""
    report = rules.check(document)
    assert report.faults == ()
    return {warning.pointer: warning.detail for warning in report.warnings}
