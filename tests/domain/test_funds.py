"""What a certificate cannot pay for is refused as if the wishes had been decided anew after each such refusal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as some

from creditbank.domain import rules, uses
from creditbank.domain.events import ReservationMade
from creditbank.domain.funds import funds
from creditbank.domain.rules.clause import Line
from creditbank.domain.situations import Wish, ground_of
from creditbank.domain.uses import Application
from creditbank.domain.values import credits_from_fraction
from tests.domain.facts import (
    CATALOGUE,
    DECISION,
    NOW,
    PROGRAMME,
    TODAY,
    awarded,
    converted,
    dealing,
    given,
    grant,
    wish,
)

FEW = settings(max_examples=80, deadline=None)
TARGETS = ["CAD", "BIM1", "WORK", None]


@dataclass
class OneByOne:
    """The same question, decided the plain way: the first that is overdrawn is taken out, and all is decided anew."""

    application: Application
    wishes: list[Wish]

    def refused(self) -> tuple[dict[int, str], set[int]]:
        """The wishes that were taken out and why, and those that are granted in the end."""
        taken_out: dict[int, str] = {}
        while True:
            numbers = [number for number in range(len(self.wishes)) if number not in taken_out]
            wishes = [self.wishes[number] for number in numbers]
            named = {one for wished in wishes for one in wished.certificate_ids}
            ground = ground_of(self.application.account, PROGRAMME, CATALOGUE, TODAY, NOW, named)
            decision = rules.evaluate(self.application.compiled, ground.situation(wishes))
            overdrawn = self._first_overdrawn(decision)
            if overdrawn is None:
                return taken_out, {numbers[one.request] for one in decision.granted}
            request, reason = overdrawn
            taken_out[numbers[request]] = reason

    def _first_overdrawn(self, decision: rules.Decision) -> tuple[int, str] | None:
        left = funds(self.application.account, NOW)
        free = dict(left.free)
        for granted in decision.granted:
            for name, credits in granted.consumed_by:
                wanted, one = credits_from_fraction(credits), UUID(name)
                if wanted > free[one]:
                    reserved = wanted <= free[one] + left.kept[one]
                    return granted.request, "OUTCOME_RESERVED" if reserved else "CREDITS_USED"
                free[one] -= wanted
        return None


@some.composite
def applications(draw: some.DrawFn) -> Application:
    account = given(
        *(awarded(f"N{number}", credits=draw(some.sampled_from(["3", "4", "7"])), rank=number) for number in range(3)),
        ReservationMade(
            reservation_id=UUID(int=1),
            kind="conversion",
            institution="other college",
            programme="other",
            grants=(grant("N0", "0.5"), grant("N1", "2")),
            decision=DECISION,
            expires_at=NOW + 1,
        ),
    )
    rule_set: dict[str, Any] = {
        "sources": [
            {"match": {"r.target": {"absent": True}}, "value": {"ratio": [2, 3]}, "family": "code", "rank": "rank"},
            {"value": {"target": True}},
        ],
        "caps": [
            {
                "id": "all",
                "measure": draw(some.sampled_from(["credits", "count"])),
                "limit": draw(some.sampled_from([2, 5, 9])),
                "per": draw(some.sampled_from([[], ["outcome"]])),
                "over": draw(some.sampled_from(["drop", "truncate"])),
                "reason": "CAP",
            }
        ],
        "once": draw(some.sampled_from([[], [{"scope": "target", "reason": "TWICE"}]])),
        "consume": {"amount": draw(some.sampled_from(["granted", "all"]))},
        "exclusive": draw(some.sampled_from([None, {"others": "refuse"}, {"factor": 0.5}])),
        "pool_round": draw(some.sampled_from([None, {"quantum": 1, "mode": "down"}])),
    }
    return dealing(account, {name: value for name, value in rule_set.items() if value is not None})


WISHES = some.lists(
    some.builds(
        lambda numbers, target: wish(*numbers, target=target),
        some.lists(some.sampled_from(["N0", "N1", "N2"]), min_size=1, max_size=2, unique=True),
        some.sampled_from(TARGETS),
    ),
    max_size=6,
)


@FEW
@for_all(applications(), WISHES)
def test_refusing_all_that_is_overdrawn_at_once_is_refusing_it_one_by_one(
    application: Application, wishes: list[Wish]
) -> None:
    outcome = uses.decide(application, wishes)
    for_want_of_credits, granted = OneByOne(application, wishes).refused()
    found = {one.request: one.reason for one in outcome.refusals if one.reason in ("CREDITS_USED", "OUTCOME_RESERVED")}
    assert found == for_want_of_credits
    assert set(range(len(wishes))) - {one.request for one in outcome.refusals} == granted


@FEW
@for_all(applications(), WISHES)
def test_grants_never_take_more_than_a_certificate_has(application: Application, wishes: list[Wish]) -> None:
    free = dict(funds(application.account, NOW).free)
    for one in uses.decide(application, wishes).grants:
        for certificate_id, credits in one.consumed.items():
            free[certificate_id] -= credits
    assert min(free.values()) >= 0


@FEW
@for_all(applications(), WISHES)
def test_what_is_recorded_names_nothing_that_was_refused_for_want_of_credits(
    application: Application, wishes: list[Wish]
) -> None:
    """So that the rules alone, on what is recorded, grant the same."""
    outcome = uses.decide(application, wishes)
    again = rules.evaluate(application.compiled, outcome.situation)
    assert [credits_from_fraction(one.credits) for one in again.granted] == [one.credits for one in outcome.grants]
    assert [one.clause for one in again.granted] == [one.clause for one in outcome.grants]


def test_many_wishes_for_one_certificate_take_two_evaluations() -> None:
    """The first finds what cannot be paid, the second decides without it."""
    asked: list[Line] = []
    application = dealing(given(awarded("N1", credits="6")), {"sources": [{"value": {"fixed": 1}}]})
    (version,) = application.compiled.versions
    counting = replace(version, steps=(asked.append, *version.steps))
    application = replace(application, compiled=replace(application.compiled, versions=(counting,)))
    outcome = uses.decide(application, [wish("N1")] * 200)
    assert (len(outcome.grants), len(outcome.refusals)) == (6, 194)
    assert len(asked) == 200 + 6


def test_where_wishes_are_rounded_together_what_is_left_is_looked_at_anew() -> None:
    """Of 4 and 4, rounded down to 5, the second would give 1 and lacks 0.5; alone it is rounded to nothing."""
    rule_set = {"sources": [{"value": {"carry": True}}], "pool_round": {"quantum": 5, "mode": "down"}}
    elsewhere = converted(1, grant("N1", "4"), grant("N2", "3.5"), institution="other college")
    account = given(awarded("N1", credits="4"), awarded("N2", credits="4"), elsewhere)
    outcome = uses.decide(dealing(account, rule_set), [wish("N1"), wish("N2")])
    assert [one.reason for one in outcome.refusals] == ["CREDITS_USED", "ROUNDED_TO_ZERO"]
