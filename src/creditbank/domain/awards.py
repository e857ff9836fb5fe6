"""Award checks on a live account: what is missing for an award, and which certificates would close the gap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any
from uuid import UUID

from creditbank.domain import errors, rules
from creditbank.domain.errors import Fault
from creditbank.domain.events import Grant
from creditbank.domain.funds import funds
from creditbank.domain.rules.awards import AwardDecision
from creditbank.domain.situations import Wish, ground_of, number, outcome_of
from creditbank.domain.uses import Application, decide, unusable
from creditbank.domain.values import credits_text

MOST_SETS = 300
MOST_CERTIFICATES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardCheck:
    """What the rulebook says of an award, and the smallest set of certificates that, converted, would do.

    `is_proven` tells whether all smaller sets were tried, or all there are where none is named.
    """

    decision: AwardDecision
    smallest_set: tuple[UUID, ...] | None
    is_proven: bool


def check(application: Application, award: str) -> AwardCheck:
    """Check an award on what stands in the programme. Raises Invalid for an award that the rulebook lacks."""
    institution, code = application.programme.institution, application.programme.code
    standing = [
        grant
        for use in application.account.uses.values()
        if use.stands and (use.institution, use.programme) == (institution, code)
        for grant in use.grants
    ]
    decision = _decide(application, award, standing)
    if decision.awardable:
        return AwardCheck(decision=decision, smallest_set=(), is_proven=True)
    closes = _question(application, award, standing)
    usable = _usable(application)
    sets = (chosen for size in range(1, len(usable) + 1) for chosen in combinations(usable, size))
    for chosen in islice(sets, MOST_SETS):
        if closes(chosen):
            return AwardCheck(decision=decision, smallest_set=chosen, is_proven=True)
    if next(sets, None) is None:
        return AwardCheck(decision=decision, smallest_set=None, is_proven=True)
    return AwardCheck(decision=decision, smallest_set=_shrunk(application, usable, closes), is_proven=False)


def _usable(application: Application) -> list[UUID]:
    left = funds(application.account, application.now)
    alone = [_conversion(one) for one in application.account.lots]
    return [wish.certificate_ids[0] for wish in alone if unusable(application, left, 0, wish) is None]


def _conversion(certificate_id: UUID) -> Wish:
    return Wish(certificate_ids=(certificate_id,), target=None, fields={})


def _question(application: Application, award: str, standing: Sequence[Grant]) -> Callable[[Sequence[UUID]], bool]:
    """Whether these certificates, converted beside what stands, would do for the award."""
    ground = ground_of(
        application.account,
        application.programme,
        application.catalogue,
        application.applied_on,
        application.now,
        application.account.lots,
    )

    def closes(chosen: Sequence[UUID]) -> bool:
        granted = decide(application, [_conversion(one) for one in chosen], ground).grants
        return _decide(application, award, [*standing, *granted]).awardable

    return closes


def _shrunk(
    application: Application, usable: Sequence[UUID], closes: Callable[[Sequence[UUID]], bool]
) -> tuple[UUID, ...] | None:
    """A set that does and of which none can be left out, of the largest certificates; None where those do not do."""
    largest_first = sorted(usable, key=lambda one: -application.account.lots[one].credits)[:MOST_CERTIFICATES]
    chosen = largest_first
    if not closes(chosen):
        return None
    for given_up in reversed(largest_first):
        rest = [one for one in chosen if one != given_up]
        if closes(rest):
            chosen = rest
    return tuple(chosen)


def _decide(application: Application, award: str, grants: Sequence[Grant]) -> AwardDecision:
    given = {
        "award": award,
        "applied_on": application.applied_on.isoformat(),
        "held": [_entry(application, grant) for grant in grants],
    }
    try:
        return rules.check_award(application.compiled, given)
    except rules.InvalidSituation as error:
        raise errors.Invalid(
            faults=[Fault(code="situation_invalid", pointer=one.pointer, detail=one.detail) for one in error.faults]
        ) from error


def _entry(application: Application, grant: Grant) -> dict[str, Any]:
    """A grant as award checks see it: the certificate's fields, its credits being those that were granted."""
    lot = application.account.lots[grant.certificate_ids[0]]
    return {
        **outcome_of(lot, application.catalogue),
        "source": lot.kind,
        "target": grant.target,
        "bucket": grant.bucket,
        "credits": number(credits_text(grant.credits)),
    }
