"""Requirements hold where their `when` is about the request."""

from __future__ import annotations

import pytest

from tests.domain.rules.deciding import CARRY, decide, evaluate

RULES = {
    **CARRY,
    "require": [
        {"when": {"o.kind": "course"}, "match": {"r.overlap": {"ge": 0.8}}, "reason": "OVERLAP_TOO_LOW"},
        {"match": {"o.depositor": ["school", "bank"]}, "reason": "NOT_AUTHORISED_DEPOSITOR"},
    ],
}


@pytest.mark.parametrize(
    ("kind", "overlap", "depositor", "answer"),
    [
        ("course", 0.8, "school", 3),
        ("course", 0.79, "school", "OVERLAP_TOO_LOW"),
        ("course", None, "school", "OVERLAP_TOO_LOW"),
        ("exam", None, "bank", 3),
        ("exam", None, "nobody", "NOT_AUTHORISED_DEPOSITOR"),
        ("course", 0.1, "nobody", "OVERLAP_TOO_LOW"),
    ],
)
def test_what_does_not_meet_a_requirement_is_refused(kind: str, overlap: float, depositor: str, answer: object) -> None:
    outcome = {"id": "a", "credits": 3, "kind": kind, "depositor": depositor}
    assert decide(RULES, [outcome], [{"outcome": "a", "overlap": overlap}]) == [answer]


def test_the_refusal_tells_what_was_found_and_wanted() -> None:
    outcome = {"id": "a", "credits": 3, "kind": "course", "depositor": "school"}
    (refusal,) = evaluate(RULES, [outcome], [{"outcome": "a", "overlap": 0.5}]).refused
    assert refusal.as_dict() == {
        "outcome": "a",
        "target": None,
        "reason": "OVERLAP_TOO_LOW",
        "clause": "/require/0",
        "measured": 0.5,
        "limit": 0.8,
    }


def test_every_joined_outcome_has_to_meet_it() -> None:
    outcomes = [{"id": "a", "credits": 3, "depositor": "bank"}, {"id": "b", "credits": 3}]
    assert decide(RULES, outcomes, [{"outcome": ["a", "b"]}]) == ["NOT_AUTHORISED_DEPOSITOR"]
