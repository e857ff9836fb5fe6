"""Laws that hold for any rulebook and any situation, tried on many small ones."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from creditbank.domain import rules
from creditbank.domain.rules import Decision

FEW = settings(max_examples=40, deadline=None)
KINDS = some.sampled_from(["x", "y", "z"])
NUMBERS = some.sampled_from([1, 2, 5, 0.5, "10/3", 7.25])
MATCHES = some.sampled_from([{}, {"o.kind": "x"}, {"o.kind": ["x", "y"]}, {"t.type": "core"}, {"o.credits": {"ge": 2}}])


@some.composite
def caps(draw: some.DrawFn) -> list[dict[str, Any]]:
    drawn = draw(
        some.lists(
            some.fixed_dictionaries(
                {
                    "match": MATCHES,
                    "measure": some.sampled_from(["credits", "count"]),
                    "limit": some.sampled_from(
                        [1, 3, "20/3", 12, {"field": "p.most"}, {"share": 0.25, "of": "p.credits"}]
                    ),
                    "per": some.sampled_from([[], ["outcome"], ["o.kind"], ["calendar_year"]]),
                    "over": some.sampled_from(["drop", "truncate"]),
                    "inclusive": some.booleans(),
                    "reason": some.just("CAP"),
                }
            ),
            max_size=4,
        )
    )
    return [{"id": f"cap-{number}", **cap} for number, cap in enumerate(drawn)]


@some.composite
def rule_sets(draw: some.DrawFn) -> dict[str, Any]:
    rule_set: dict[str, Any] = {
        "exclude": draw(some.sampled_from([[], [{"match": {"o.kind": "z"}, "reason": "NO"}]])),
        "once": draw(some.sampled_from([[], [{"scope": "target", "reason": "TWICE"}]])),
        "sources": [
            {"match": {"t.type": "core"}, "value": {"target": True}, "family": "kind", "rank": "rank"},
            {"value": draw(some.sampled_from([{"carry": True}, {"ratio": [2, 3]}, {"fixed": 3}]))},
        ],
        "caps": draw(caps()),
    }
    if draw(some.booleans()):
        rule_set["exclusive"] = draw(some.sampled_from([{"others": "refuse"}, {"factor": 0.75}]))
    if draw(some.booleans()):
        rule_set["pool_round"] = {"quantum": draw(some.sampled_from([1, 5, "1/2"])), "mode": "down"}
    return rule_set


OUTCOMES = some.lists(
    some.fixed_dictionaries({"kind": KINDS, "credits": NUMBERS, "rank": some.integers(1, 3)}), min_size=1, max_size=5
)
HISTORY = some.lists(
    some.fixed_dictionaries(
        {"outcome": some.sampled_from(["0", "h"]), "kind": KINDS, "credits": NUMBERS, "on": some.just("2024-02-01")}
    ),
    max_size=2,
)


@some.composite
def situations(draw: some.DrawFn) -> dict[str, Any]:
    outcomes = [{"id": str(number), **outcome} for number, outcome in enumerate(draw(OUTCOMES))]
    names = some.sampled_from([outcome["id"] for outcome in outcomes])
    targets = some.sampled_from([None, "C", "D", "E"])
    requests = draw(some.lists(some.fixed_dictionaries({"outcome": names, "target": targets}), max_size=6))
    courses = {"C": {"credits": 4, "type": "core"}, "D": {"credits": "5/2", "type": "core"}, "E": {"credits": 3}}
    programme = {"credits": 40, "most": 6, "courses": courses}
    history = draw(HISTORY)
    return {
        "applied_on": "2024-05-01",
        "programme": programme,
        "outcomes": outcomes,
        "requests": requests,
        "history": history,
    }


def evaluate(rule_set: dict[str, Any], situation: dict[str, Any]) -> Decision:
    return rules.evaluate(rules.compile(rule_set), situation)


@FEW
@given(rule_sets(), situations())
def test_no_ceiling_is_ever_exceeded(rule_set: dict[str, Any], situation: dict[str, Any]) -> None:
    for state in evaluate(rule_set, situation).caps:
        inclusive = rule_set["caps"][int(state.id[-1])]["inclusive"]
        assert state.after == state.before or state.after < state.limit or (inclusive and state.after == state.limit)


@FEW
@given(rule_sets(), situations())
def test_every_request_is_answered_once_and_totals_are_exact(
    rule_set: dict[str, Any], situation: dict[str, Any]
) -> None:
    decision = evaluate(rule_set, situation)
    answered = sorted([*(grant.request for grant in decision.granted), *(line.request for line in decision.refused)])
    assert answered == list(range(len(situation["requests"])))
    assert decision.granted_total == sum((grant.credits for grant in decision.granted), start=Fraction(0))


@FEW
@given(rule_sets(), situations())
def test_the_same_question_gets_the_same_answer_also_from_its_inputs(
    rule_set: dict[str, Any], situation: dict[str, Any]
) -> None:
    decision = evaluate(rule_set, situation)
    assert evaluate(rule_set, situation) == decision
    again = evaluate(rule_set, dict(decision.inputs)).as_dict()
    assert again == decision.as_dict()


@FEW
@given(rule_sets(), situations())
def test_leaving_out_a_request_refused_by_its_own_faults_changes_nothing_else(
    rule_set: dict[str, Any], situation: dict[str, Any]
) -> None:
    decision = evaluate(rule_set, situation)
    out = {line.request for line in decision.refused if line.reason in ("NO", "TWICE", "CAP", "NO_RULE")}
    if "exclusive" in rule_set or "pool_round" in rule_set:
        out = {line.request for line in decision.refused if line.reason in ("NO", "NO_RULE")}
    kept = [request for number, request in enumerate(situation["requests"]) if number not in out]
    fewer = evaluate(rule_set, {**situation, "requests": kept})
    assert [grant.as_dict() for grant in fewer.granted] == [grant.as_dict() for grant in decision.granted]


@FEW
@given(rule_sets(), rule_sets(), situations())
def test_a_later_version_changes_no_earlier_decision(
    old: dict[str, Any], new: dict[str, Any], situation: dict[str, Any]
) -> None:
    first = {"id": "v1", "effective_from": "2020-01-01", "effective_to": "2025-01-01", "rules": old}
    second = {"id": "v2", "effective_from": "2025-01-01", "effective_to": None, "rules": new}
    alone = evaluate({"version_clock": "applied_on", "versions": [first]}, situation)
    assert evaluate({"version_clock": "applied_on", "versions": [first, second]}, situation) == alone


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = some.sampled_from([*rules.PRIMITIVES, "version_clock", "versions", "rules", "format", "id"])


@FEW
@given(some.dictionaries(KEYS, JSON, max_size=4))
def test_any_document_is_read_or_refused_with_places(document: dict[str, Any]) -> None:
    report = rules.check(document)
    assert all(fault.pointer == "" or fault.pointer.startswith("/") for fault in report.faults)
    assert all(fault.detail.endswith(".") for fault in report.faults), report.faults


@FEW
@given(some.dictionaries(some.sampled_from(["applied_on", "programme", "outcomes", "requests", "history"]), JSON))
def test_any_situation_is_decided_or_refused(situation: dict[str, Any]) -> None:
    try:
        evaluate({"sources": [{"value": {"carry": True}}]}, situation)
    except rules.InvalidSituation as refused:
        assert refused.faults
