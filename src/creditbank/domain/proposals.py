"""The best set of wishes for an account and a programme: what the bank proposes where nobody asks for anything.

Best is, in this order: most credits, fewest certificates, and then the earlier pairs of course and certificate,
larger courses first. Where few pairs can be granted, every set is tried and the answer is proven best. Beyond
that a bounded number of wishes is tried: greedily, and then again without each of the wishes found. The bound
is a number of wishes, never a time, so the same question always gets the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from uuid import UUID

from creditbank.domain import rules
from creditbank.domain.situations import Wish, situation_of
from creditbank.domain.uses import Application, Outcome, decide, funds
from creditbank.domain.values import credits_from_fraction

MOST_PAIRS_TRIED_ALONE = 60
MOST_PAIRS_TRIED_IN_EVERY_SET = 8
MOST_WISHES = 1_000
MOST_OTHERS = 40


@dataclass(frozen=True, slots=True)
class Proposal:
    """The wishes, what comes of them, and whether it is proven that no set is better."""

    wishes: tuple[Wish, ...]
    outcome: Outcome
    is_proven: bool


def propose(application: Application) -> Proposal:
    """The best set of exemptions for this account in this programme."""
    pairs = _pairs(application)
    if len(pairs) <= MOST_PAIRS_TRIED_ALONE:
        pairs = [pair for pair in pairs if decide(application, [pair]).grants]
        if len(pairs) <= MOST_PAIRS_TRIED_IN_EVERY_SET:
            every = (chosen for size in range(len(pairs) + 1) for chosen in combinations(pairs, size))
            return _best(application, every, is_proven=True)
    return _best(application, _promising(application, pairs), is_proven=False)


def _pairs(application: Application) -> list[Wish]:
    """Every usable certificate with every course, larger courses first."""
    left = funds(application.account, application.now)
    usable = [one for one, lot in application.account.lots.items() if lot.status == "active" and left.free[one] > 0]
    courses = sorted(application.programme.courses, key=lambda course: -course.credits)
    pairs = [
        Wish(certificate_ids=(certificate_id,), target=course.code, fields={})
        for course in courses
        for certificate_id in usable
    ]
    return pairs[:MOST_WISHES]


def _promising(application: Application, pairs: Sequence[Wish]) -> Iterator[Sequence[Wish]]:
    """Sets worth trying: the greedy one, and what it becomes when one of its wishes is given up for others."""
    yield ()
    found = _greedy(application, pairs)
    yield found
    spent = len(pairs)
    for given_up in found:
        others = [pair for pair in pairs if pair not in found][:MOST_OTHERS]
        order = [*(wish for wish in found if wish is not given_up), *others, given_up]
        spent += len(order)
        if spent > 2 * MOST_WISHES:
            return
        yield _greedy(application, order)


def _greedy(application: Application, order: Sequence[Wish]) -> list[Wish]:
    """What of these the rules grant in this order, each course once, as far as the certificates' credits go."""
    given = situation_of(
        application.account, application.programme, application.catalogue, application.applied_on, order
    )
    free = dict(funds(application.account, application.now).free)
    found: list[Wish] = []
    for grant in rules.evaluate(application.compiled, given).granted:
        wish = order[grant.request]
        taken = {UUID(name): credits_from_fraction(credits) for name, credits in grant.consumed_by}
        if all(free[one] >= credits for one, credits in taken.items()) and _is_new(found, wish):
            for one, credits in taken.items():
                free[one] -= credits
            found.append(wish)
    return found


def _is_new(found: Sequence[Wish], wish: Wish) -> bool:
    return all(wish.target != other.target for other in found)


def _best(application: Application, sets: Iterable[Sequence[Wish]], *, is_proven: bool) -> Proposal:
    best: tuple[tuple[int, int], Proposal] | None = None
    for wishes in sets:
        if len({wish.target for wish in wishes}) < len(wishes):
            continue
        outcome = decide(application, wishes)
        if outcome.refusals:
            continue
        certificates = {one for wish in wishes for one in wish.certificate_ids}
        worth = (sum(grant.credits for grant in outcome.grants), -len(certificates))
        if best is None or worth > best[0]:
            best = (worth, Proposal(tuple(wishes), outcome, is_proven))
    assert best is not None  # the empty set is always among them
    return best[1]
