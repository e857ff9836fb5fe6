"""Award checks on a live account: what is missing for an award, and which certificates would close the gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any
from uuid import UUID

from creditbank.domain import errors, rules
from creditbank.domain.errors import Fault
from creditbank.domain.events import Grant
from creditbank.domain.funds import funds
from creditbank.domain.rules.awards import AwardDecision
from creditbank.domain.situations import Wish, number, outcome_of
from creditbank.domain.uses import Application, decide
from creditbank.domain.values import credits_text

MOST_SETS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardCheck:
    """What the rulebook says of an award, and the smallest set of certificates that would do, if one was found.

    `is_proven` tells whether all smaller sets were tried.
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
    left = funds(application.account, application.now).free
    usable = [one for one, lot in application.account.lots.items() if lot.status == "active" and left[one] > 0]
    sets = (chosen for size in range(1, len(usable) + 1) for chosen in combinations(usable, size))
    for chosen in islice(sets, MOST_SETS):
        granted = decide(application, [Wish(certificate_ids=(one,), target=None, fields={}) for one in chosen]).grants
        if _decide(application, award, [*standing, *granted]).awardable:
            return AwardCheck(decision=decision, smallest_set=chosen, is_proven=True)
    return AwardCheck(decision=decision, smallest_set=None, is_proven=2 ** len(usable) - 1 <= MOST_SETS)


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
