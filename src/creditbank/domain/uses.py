"""Decisions about uses: convert credits, exempt from courses, reverse, review.

The ledger asks first whether a certificate may be used at all, then the rulebook decides, then the ledger
checks that the credits are still there. All three answer in one list of grants and refusals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, Literal
from uuid import UUID

from creditbank.domain import errors, rules
from creditbank.domain.account import Account, Use
from creditbank.domain.balance import consumed, is_expired
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.errors import Fault
from creditbank.domain.events import (
    ConversionReversed,
    CoursesExempted,
    CreditsConverted,
    Decision,
    ExemptionReversed,
    ExemptionReviewed,
    Grant,
    ProgrammePublished,
    RulebookVersionPublished,
    UseKind,
)
from creditbank.domain.rules import Refusal
from creditbank.domain.rules.clause import Measured
from creditbank.domain.situations import Wish, situation_of
from creditbank.domain.values import SCALE, credits_from_fraction, credits_text

OUTCOME_REVOKED = "OUTCOME_REVOKED"
OUTCOME_HELD = "OUTCOME_HELD"
OUTCOME_EXPIRED = "OUTCOME_EXPIRED"
CREDITS_USED = "CREDITS_USED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the bank and the rulebook say to all wishes, in their order, and what that rested on."""

    grants: tuple[Grant, ...]
    refusals: tuple[Refusal, ...]
    caps: tuple[dict[str, Any], ...]
    situation: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealing:
    """Everything that a decision rests on besides the wishes."""

    account: Account
    programme: ProgrammePublished
    catalogue: Catalogue
    compiled: rules.CompiledRules
    applied_on: date


def decide(dealing: Dealing, wishes: Sequence[Wish]) -> Outcome:
    """Decide all wishes. Raises Invalid where one names a certificate or course that is not there."""
    _check_names(dealing, wishes)
    refusals = {number: found for number, wish in enumerate(wishes) if (found := _unusable(dealing, number, wish))}
    taken = consumed(dealing.account.uses.values())
    left = {lot.certificate_id: lot.credits - taken[lot.certificate_id] for lot in dealing.account.lots.values()}
    while True:
        numbers = [number for number in range(len(wishes)) if number not in refusals]
        given = situation_of(
            dealing.account,
            dealing.programme,
            dealing.catalogue,
            dealing.applied_on,
            [wishes[number] for number in numbers],
        )
        decision = _evaluate(dealing.compiled, given)
        overdrawn = _overdrawn(decision, left)
        if overdrawn is None:
            return _outcome(decision, wishes, numbers, refusals)
        # Refused for want of credits: decided anew without it, so that it leaves no trace in any counter.
        grant, available = overdrawn
        refused = numbers[grant.request]
        refusals[refused] = _refusal(refused, wishes[refused], CREDITS_USED, grant.clause, grant.consumed, available)


def recorded(
    outcome: Outcome, kind: UseKind, use_id: UUID, dealing: Dealing, version: RulebookVersionPublished
) -> CreditsConverted | CoursesExempted:
    """The event for what was granted."""
    decision = Decision(
        rulebook=version.rulebook,
        rulebook_version=version.number,
        rules_sha256=version.rules_sha256,
        applied_on=dealing.applied_on,
        situation=outcome.situation,
        refused=tuple(refusal_document(refusal) for refusal in outcome.refusals),
        caps=outcome.caps,
    )
    programme = dealing.programme
    if kind == "conversion":
        return CreditsConverted(
            conversion_id=use_id,
            institution=programme.institution,
            programme=programme.code,
            grants=outcome.grants,
            decision=decision,
        )
    return CoursesExempted(
        exemption_id=use_id,
        institution=programme.institution,
        programme=programme.code,
        grants=outcome.grants,
        decision=decision,
    )


def reverse(account: Account, use_id: UUID, reason: str) -> ConversionReversed | ExemptionReversed:
    """Take a use back: what it took from certificates is free again."""
    use = account.uses[use_id]
    if use.status == "reversed":
        raise errors.WrongState(use.kind, use.status)
    if use.kind == "conversion":
        return ConversionReversed(conversion_id=use_id, reason=reason)
    return ExemptionReversed(exemption_id=use_id, reason=reason)


def review(account: Account, use_id: UUID, verdict: Literal["upheld", "withdrawn"], reason: str) -> ExemptionReviewed:
    """The institution's answer to a review that was opened."""
    use = account.uses[use_id]
    if use.status != "under_review":
        raise errors.WrongState(use.kind, use.status)
    return ExemptionReviewed(exemption_id=use_id, outcome=verdict, reason=reason)


def standing_use_of(account: Account, institution: str) -> Use | None:
    """A use that an institution has on this account: while it stands, the institution may deal with it."""
    for use in account.uses.values():
        if use.institution == institution and use.status != "reversed":
            return use
    return None


def _check_names(dealing: Dealing, wishes: Sequence[Wish]) -> None:
    courses = {course.code for course in dealing.programme.courses}
    faults = []
    for number, wish in enumerate(wishes):
        if any(one not in dealing.account.lots for one in wish.certificate_ids):
            detail = "This account holds no such certificate."
            faults.append(
                Fault(code="certificate_unknown", pointer=f"/requests/{number}/certificate_id", detail=detail)
            )
        if wish.target is not None and wish.target not in courses:
            detail = "The programme has no such course."
            faults.append(Fault(code="target_unknown", pointer=f"/requests/{number}/target", detail=detail))
    if faults:
        raise errors.Invalid(faults=faults)


def _unusable(dealing: Dealing, number: int, wish: Wish) -> Refusal | None:
    for certificate_id in wish.certificate_ids:
        lot = dealing.account.lots[certificate_id]
        if lot.status == "revoked":
            return _refusal(number, wish, OUTCOME_REVOKED, "")
        if lot.status == "held":
            return _refusal(number, wish, OUTCOME_HELD, "")
        if lot.expires_on is not None and is_expired(lot, dealing.applied_on):
            day, limit = dealing.applied_on.isoformat(), lot.expires_on.isoformat()
            return _refusal(number, wish, OUTCOME_EXPIRED, "", day, limit)
    return None


def _refusal(
    number: int, wish: Wish, reason: str, clause: str, measured: Measured = None, limit: Measured = None
) -> Refusal:
    return Refusal(
        outcomes=tuple(str(certificate_id) for certificate_id in wish.certificate_ids),
        target=wish.target,
        reason=reason,
        clause=clause,
        measured=measured,
        limit=limit,
        rule_version=None,
        request=number,
    )


def _evaluate(compiled: rules.CompiledRules, given: dict[str, Any]) -> rules.Decision:
    try:
        return rules.evaluate(compiled, given)
    except rules.InvalidSituation as error:
        faults = [Fault(code="situation_invalid", pointer=fault.pointer, detail=fault.detail) for fault in error.faults]
        raise errors.Invalid(faults=faults) from error


def _overdrawn(decision: rules.Decision, left: Mapping[UUID, int]) -> tuple[rules.Grant, Fraction] | None:
    """The first grant that takes more from a certificate than it still has, with what it has."""
    remaining = dict(left)
    for grant in decision.granted:
        for name, credits in grant.consumed_by:
            certificate_id = UUID(name)
            if credits_from_fraction(credits) > remaining[certificate_id]:
                return grant, Fraction(max(0, remaining[certificate_id]), SCALE)
            remaining[certificate_id] -= credits_from_fraction(credits)
    return None


def _outcome(
    decision: rules.Decision, wishes: Sequence[Wish], numbers: Sequence[int], refusals: dict[int, Refusal]
) -> Outcome:
    for refused in decision.refused:
        number = numbers[refused.request]
        refusals[number] = replace(refused, request=number)
    return Outcome(
        grants=tuple(_grant(grant, wishes[numbers[grant.request]]) for grant in decision.granted),
        refusals=tuple(refusal for _, refusal in sorted(refusals.items())),
        caps=tuple(_cap(state) for state in decision.caps),
        situation=dict(decision.inputs),
    )


def _grant(grant: rules.Grant, wish: Wish) -> Grant:
    return Grant(
        certificate_ids=wish.certificate_ids,
        target=grant.target,
        credits=credits_from_fraction(grant.credits),
        consumed={UUID(name): credits_from_fraction(credits) for name, credits in grant.consumed_by},
        clause=grant.clause,
        grade=grant.grade,
        purpose=grant.purpose,
        bucket=grant.bucket,
    )


def refusal_document(refusal: Refusal) -> dict[str, Any]:
    """A refusal as it is recorded and answered."""
    document: dict[str, Any] = {
        "certificate_id": refusal.outcomes[0],
        "target": refusal.target,
        "reason": refusal.reason,
        "clause": refusal.clause,
        "limit": amount_text(refusal.limit),
        "would_be": amount_text(refusal.measured),
    }
    return document | ({"certificate_ids": list(refusal.outcomes)} if len(refusal.outcomes) > 1 else {})


def _cap(state: rules.CapState) -> dict[str, Any]:
    return {
        "id": state.id,
        "key": [amount_text(part) for part in state.key],
        "limit": amount_text(state.limit),
        "before": amount_text(state.before),
        "after": amount_text(state.after),
    }


def amount_text(value: Measured) -> Any:
    """A measured value for people: numbers as decimal text of at most four places, the rest as it is."""
    if isinstance(value, tuple):
        return [amount_text(part) for part in value]
    if value is None or isinstance(value, bool | str):
        return value
    return credits_text(credits_from_fraction(Fraction(value)))
