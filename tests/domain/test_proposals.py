"""The best set of exemptions: compared with every set there is, and grown where there are too many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as some

from creditbank.domain import proposals, uses
from creditbank.domain.events import CertificateHeld, CertificateRevoked, Course, ProgrammePublished
from creditbank.domain.proposals import MOST_EFFORT_GROWN, MOST_PAIRS, Proposal
from creditbank.domain.rules.clause import Line
from creditbank.domain.situations import Wish
from creditbank.domain.uses import Application
from tests.domain.facts import NOW, PROGRAMME, TODAY, awarded, certificate, dealing, exempted, given, grant, wish

FEW = settings(max_examples=60, deadline=None)
WHOLE_COURSES: dict[str, Any] = {"sources": [{"value": {"target": True}}]}


def cap(limit: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": "all",
        "measure": "credits",
        "limit": limit,
        "over": "drop",
        "reason": "CAP_PROGRAMME_TOTAL",
    } | changes


def courses(*credits: int, **changes: Any) -> ProgrammePublished:
    """A programme of courses C0, C1, … of so many credits."""
    made = [Course(code=f"C{number}", name="-", credits=each * 10_000) for number, each in enumerate(credits)]
    return replace(PROGRAMME, courses=tuple(made), **changes)


def pairs(proposal: Proposal) -> list[tuple[str | None, str]]:
    """Course and number of the certificate."""
    numbers = {certificate(f"N{number}"): f"N{number}" for number in range(50)}
    return [(one.target, numbers[one.certificate_ids[0]]) for one in proposal.wishes]


def worth(application: Application, wishes: Sequence[Wish]) -> tuple[int, int] | None:
    """Credits and certificates of a set; None where not all of it is granted."""
    outcome = uses.decide(application, wishes)
    certificates = {one for wished in wishes for one in wished.certificate_ids}
    return None if outcome.refusals else (sum(one.credits for one in outcome.grants), -len(certificates))


def in_order(application: Application) -> list[list[Wish]]:
    """The pairs of each course with each certificate, larger courses first."""
    ordered = sorted(application.programme.courses, key=lambda course: -course.credits)
    return [
        [Wish(certificate_ids=(one,), target=course.code, fields={}) for one in application.account.lots]
        for course in ordered
    ]


def every_set(blocks: Sequence[Sequence[Wish]], chosen: tuple[Wish, ...] = ()) -> Iterator[tuple[Wish, ...]]:
    """Every set with each course once at most, as in a dictionary whose letters are the pairs."""
    yield chosen
    for place, block in enumerate(blocks):
        for wished in block:
            yield from every_set(blocks[place + 1 :], (*chosen, wished))


def best_of_all(application: Application) -> tuple[Wish, ...]:
    best: tuple[Wish, ...] = ()
    for wishes in every_set(in_order(application)):
        found = worth(application, wishes)
        if found is not None and found > (worth(application, best) or (0, 0)):
            best = wishes
    return best


def greedy(application: Application) -> list[Wish]:
    """Pair by pair in their order, whatever is granted in full beside what was taken before."""
    taken: list[Wish] = []
    for wished in (one for block in in_order(application) for one in block):
        fresh = wished.target not in {one.target for one in taken}
        if fresh and worth(application, [*taken, wished]) is not None:
            taken.append(wished)
    return taken


CAPS = some.lists(
    some.builds(
        cap,
        some.sampled_from([1, 3, 4, 6, 9]),
        measure=some.sampled_from(["credits", "count"]),
        per=some.sampled_from([[], ["outcome"], ["o.level"], ["t.type"]]),
        match=some.sampled_from([{}, {"o.rank": {"ge": 2}}, {"t.credits": {"ge": 3}}]),
        inclusive=some.booleans(),
    ),
    max_size=2,
)
SOURCES = some.sampled_from(
    [
        [{"value": {"target": True}}],
        [{"match": {"o.rank": {"ge": 2}}, "value": {"target": True}}],
        [
            {"match": {"t.credits": {"ge": 3}}, "value": {"target": True}},
            {"match": {"o.rank": 1}, "value": {"fixed": 2}},
        ],
        [{"value": {"fixed": 2}, "family": "code", "rank": "rank"}],
    ]
)


@some.composite
def rulebooks(draw: some.DrawFn) -> dict[str, Any]:
    drawn = draw(CAPS)
    optional = {
        "once": [{"scope": "target", "reason": "COURSE_ALREADY_SATISFIED"}],
        "exclusive": draw(some.sampled_from([{"others": "refuse"}, {"factor": 0.5}])),
        "consume": draw(some.sampled_from([{"amount": "none"}, {"amount": "all"}])),
        "exclude": [{"match": {"o.rank": 1, "t.credits": 4}, "reason": "LEVEL_NOT_ALLOWED_FOR_COURSE_TYPE"}],
    }
    chosen = draw(some.sets(some.sampled_from(sorted(optional))))
    return {
        "sources": draw(SOURCES),
        "caps": [{**one, "id": str(number)} for number, one in enumerate(drawn)],
        **{name: optional[name] for name in sorted(chosen)},
    }


@some.composite
def applications(draw: some.DrawFn, most: int) -> Application:
    """Up to so many courses, certificates, and course already replaced."""
    sizes = draw(some.lists(some.sampled_from([1, 2, 3, 4]), min_size=1, max_size=most))
    held = draw(some.lists(some.sampled_from(["1", "3", "4.5", "6"]), min_size=1, max_size=most))
    ranks = draw(some.lists(some.sampled_from([1, 2, 3]), min_size=len(held), max_size=len(held)))
    certificates = [
        awarded(f"N{number}", credits=each, rank=rank, level=f"level {rank}")
        for number, (each, rank) in enumerate(zip(held, ranks, strict=True))
    ]
    earlier = [exempted(1, grant("N0", "1", "C0"))] if draw(some.booleans()) else []
    return dealing(given(*certificates, *earlier), draw(rulebooks()), programme=courses(*sizes))


@FEW
@for_all(applications(most=3))
def test_what_is_proven_is_the_best_of_all_sets_and_the_first_of_equals(application: Application) -> None:
    proposal = proposals.propose(application)
    best = best_of_all(application)
    if proposal.is_proven:
        assert proposal.wishes == best
    else:  # proven only where no wish is worth less beside others
        assert "factor" in repr(application.compiled.versions[0].rules.exclusive)


@FEW
@for_all(applications(most=5))
def test_a_proposal_is_granted_in_full_never_worse_than_greedy_and_always_the_same(application: Application) -> None:
    proposal = proposals.propose(application)
    found = worth(application, proposal.wishes)
    assert found is not None
    assert found[0] >= (worth(application, greedy(application)) or (0, 0))[0]
    assert proposals.propose(application) == proposal


def test_what_was_worth_less_beside_a_refused_wish_is_not_proposed_at_its_full_worth() -> None:
    """Of one family, so that it counts half beside the other certificate, which is spent; alone it breaks the limit."""
    rules = {
        "sources": [{"value": {"fixed": 2}, "family": "code", "rank": "rank"}],
        "caps": [cap(1)],
        "exclusive": {"factor": 0.5},
        "consume": {"amount": "all"},
    }
    held = [awarded(f"N{number}", credits="1", rank=1, level="level 1") for number in range(2)]
    assert proposals.propose(dealing(given(*held), rules, programme=courses(1, 1))).wishes == ()


def test_more_credits_are_better_than_the_largest_course() -> None:
    """The course of 5 leaves no room under the ceiling of 7; those of 4 and 3 fill it."""
    rules = {**WHOLE_COURSES, "caps": [cap(7)]}
    proposal = proposals.propose(dealing(given(awarded("N0", credits="9")), rules, programme=courses(5, 4, 3)))
    assert pairs(proposal) == [("C1", "N0"), ("C2", "N0")]
    assert proposal.is_proven


def test_at_equal_credits_fewer_certificates_are_better_and_then_the_earlier_one() -> None:
    account = given(awarded("N0", credits="4"), awarded("N1", credits="7"), awarded("N2", credits="7"))
    proposal = proposals.propose(dealing(account, WHOLE_COURSES, programme=courses(4, 3)))
    assert pairs(proposal) == [("C0", "N1"), ("C1", "N1")]


def test_certificates_that_may_not_be_used_are_not_proposed() -> None:
    account = given(
        awarded("N0"),
        awarded("N1"),
        awarded("N2", expires_on=TODAY - timedelta(days=1)),
        CertificateHeld(certificate_id=certificate("N0"), reason="-"),
        CertificateRevoked(certificate_id=certificate("N1"), reason="-", effective_from=TODAY),
    )
    assert proposals.propose(dealing(account, WHOLE_COURSES, programme=courses(4))).wishes == ()


def test_a_certificate_that_is_used_up_is_proposed_where_the_rules_take_nothing_of_it() -> None:
    account = given(awarded("N0"), exempted(1, grant("N0", "6", "C9")))
    programme = courses(4)
    assert proposals.propose(dealing(account, WHOLE_COURSES, programme=programme)).wishes == ()
    free = {**WHOLE_COURSES, "consume": {"amount": "none"}}
    assert pairs(proposals.propose(dealing(account, free, programme=programme))) == [("C0", "N0")]


@pytest.mark.parametrize("account", [given(), given(awarded("N0"))])
def test_nothing_is_proposed_where_nothing_can_be_granted(account: Any) -> None:
    proposal = proposals.propose(dealing(account, {"sources": [], "caps": []}, now=NOW))
    assert (proposal.wishes, proposal.outcome.grants, proposal.is_proven) == ((), (), True)
    assert proposals.propose(dealing(account, WHOLE_COURSES, programme=courses())).is_proven


# Where there are too many sets


def large(certificates: int, number_of_courses: int, rules: dict[str, Any]) -> Application:
    held = [awarded(f"N{number}", credits=str(3 + number % 6)) for number in range(certificates)]
    sizes = [1 + number % 5 for number in range(number_of_courses)]
    return dealing(given(*held), rules, programme=courses(*sizes))


def counted(application: Application) -> tuple[Application, list[Line]]:
    """The same application, with a list that gets every wish that is put to the rules."""
    asked: list[Line] = []
    (version,) = application.compiled.versions
    counting = replace(version, steps=(asked.append, *version.steps))
    return replace(application, compiled=replace(application.compiled, versions=(counting,))), asked


@pytest.mark.parametrize(
    ("rules", "credits"),
    [
        (WHOLE_COURSES, 180),
        ({**WHOLE_COURSES, "caps": [cap(40)]}, 40),
        ({**WHOLE_COURSES, "caps": [cap(5, per=["outcome"])]}, 165),
        ({**WHOLE_COURSES, "consume": {"amount": "none"}}, 180),
        ({**WHOLE_COURSES, "once": [{"scope": "target", "reason": "COURSE_ALREADY_SATISFIED"}]}, 180),
    ],
)
def test_a_large_case_is_answered_well_with_bounded_effort(rules: dict[str, Any], credits: int) -> None:
    """60 courses of 180 credits, 50 certificates of 272: 10^102 sets."""
    application, asked = counted(large(50, 60, rules))
    proposal = proposals.propose(application)
    assert sum(one.credits for one in proposal.outcome.grants) >= credits * 10_000
    assert proposal.outcome.refusals == ()
    assert not proposal.is_proven
    assert len(asked) <= MOST_PAIRS + MOST_EFFORT_GROWN + 2 * 60
    assert proposals.propose(application) == proposal


def test_under_a_long_rulebook_fewer_questions_are_asked() -> None:
    short, asked_usually = counted(large(50, 60, {**WHOLE_COURSES, "caps": [cap(40)]}))
    long, asked = counted(large(50, 60, {**WHOLE_COURSES, "caps": [cap(40, id=str(each)) for each in range(200)]}))
    proposals.propose(short)
    assert proposals.propose(long).outcome.grants
    assert len(asked) < len(asked_usually) / 2


def test_a_wish_is_in_the_form_in_which_it_can_be_asked_for() -> None:
    proposal = proposals.propose(dealing(given(awarded("N1")), WHOLE_COURSES, programme=courses(4)))
    assert proposal.wishes == (wish("N1", target="C0"),)
