"""Decisions about uses: convert credits, exempt from courses, reverse, review.

The ledger asks first whether a certificate may be used at all, then the rulebook decides, then the ledger
checks that the credits are still there. All three answer in one list of grants and refusals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, Literal
from uuid import UUID

from creditbank.domain import errors, rules
from creditbank.domain.account import Account
from creditbank.domain.balance import is_expired
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.errors import Fault
from creditbank.domain.events import (
    ApprovalStep,
    ConversionReversed,
    CoursesExempted,
    CreditsConverted,
    Decision,
    ExemptionReversed,
    ExemptionReviewed,
    Grant,
    ProgrammePublished,
    RulebookVersionPublished,
    UseApproved,
    UseKind,
)
from creditbank.domain.funds import OUTCOME_RESERVED, Funds, Till, funds
from creditbank.domain.rules import Refusal
from creditbank.domain.rules.clause import Measured
from creditbank.domain.situations import Ground, Wish, ground_of
from creditbank.domain.use import Use
from creditbank.domain.values import credits_from_fraction, credits_text

OUTCOME_REVOKED = "OUTCOME_REVOKED"
OUTCOME_HELD = "OUTCOME_HELD"
OUTCOME_EXPIRED = "OUTCOME_EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the bank and the rulebook say to all wishes, in their order, and what that rested on."""

    grants: tuple[Grant, ...]
    refusals: tuple[Refusal, ...]
    caps: tuple[dict[str, Any], ...]
    situation: dict[str, Any]
    workflow: tuple[ApprovalStep, ...] = ()
    reserved_until: int | None = None
    """When the first of the reservations lapses that were in the way, in microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Everything that a decision rests on besides the wishes. `now` is in microseconds since 1970 UTC."""

    account: Account
    programme: ProgrammePublished
    catalogue: Catalogue
    compiled: rules.CompiledRules
    applied_on: date
    now: int


def decide(application: Application, wishes: Sequence[Wish], ground: Ground | None = None) -> Outcome:
    """Decide all wishes. Raises Invalid where one names a certificate or course that is not there.

    `ground` is that of the application and these certificates, for who asks often and made it already.
    """
    _check_names(application, wishes)
    left = funds(application.account, application.now)
    refusals = {
        number: found for number, wish in enumerate(wishes) if (found := unusable(application, left, number, wish))
    }
    ground = ground or ground_of(
        application.account,
        application.programme,
        application.catalogue,
        application.applied_on,
        application.now,
        {certificate_id for wish in wishes for certificate_id in wish.certificate_ids},
    )
    while True:
        numbers = [number for number in range(len(wishes)) if number not in refusals]
        given = ground.situation([wishes[number] for number in numbers])
        till = Till(left)
        decision = _evaluate(application.compiled, given, numbers, till)
        if not till.overdrafts:
            return _outcome(application, decision, numbers, refusals)
        # Refused for want of credits: decided anew without it, so that it leaves no trace in any counter, nor in
        # what is recorded. Where rules compare requests, what is overdrawn next may depend on the first one.
        for overdraft in till.overdrafts if application.compiled.is_sequential else till.overdrafts[:1]:
            refused, why = numbers[overdraft.request], overdraft.objection
            refusals[refused] = _refusal(refused, wishes[refused], why.reason, why.clause, why.measured, why.limit)


def decision_of(outcome: Outcome, application: Application, version: RulebookVersionPublished) -> Decision:
    """What is kept of a decision, enough for anyone to evaluate it again."""
    return Decision(
        rulebook=version.rulebook,
        rulebook_version=version.number,
        rules_sha256=version.rules_sha256,
        applied_on=application.applied_on,
        situation=outcome.situation,
        refused=tuple(refusal_document(refusal) for refusal in outcome.refusals),
        caps=outcome.caps,
        workflow=outcome.workflow,
    )


def use_event(
    kind: UseKind, use_id: UUID, programme: tuple[str, str], grants: tuple[Grant, ...], decision: Decision
) -> CreditsConverted | CoursesExempted:
    """The event for what was granted in a programme, named by institution and code."""
    institution, code = programme
    if kind == "conversion":
        return CreditsConverted(
            conversion_id=use_id, institution=institution, programme=code, grants=grants, decision=decision
        )
    return CoursesExempted(
        exemption_id=use_id, institution=institution, programme=code, grants=grants, decision=decision
    )


def reverse(account: Account, use_id: UUID, reason: str) -> ConversionReversed | ExemptionReversed:
    """Take a use back: what it took from certificates is free again."""
    use = standing_use(account, use_id)
    if not use.stands:
        raise errors.WrongState(use.kind, use.status)
    if use.kind == "conversion":
        return ConversionReversed(conversion_id=use_id, reason=reason)
    return ExemptionReversed(exemption_id=use_id, reason=reason)


def review(account: Account, use_id: UUID, verdict: Literal["upheld", "withdrawn"], reason: str) -> ExemptionReviewed:
    """The institution's answer to a review that was opened."""
    use = standing_use(account, use_id)
    if use.status != "under_review":
        raise errors.WrongState(use.kind, use.status)
    return ExemptionReviewed(exemption_id=use_id, outcome=verdict, reason=reason)


def approve(account: Account, use_id: UUID, role: str) -> UseApproved:
    """The next of the roles that the rulebook asks for approves."""
    use = standing_use(account, use_id)
    if not use.stands:
        raise errors.WrongState(use.kind, use.status)
    if use.awaits is None:
        raise errors.WrongState(use.kind, "final")
    if role != use.awaits:
        fault = Fault(code="step_out_of_order", pointer="/role", detail=f"The next to approve is: {use.awaits}.")
        raise errors.Invalid(faults=[fault])
    return UseApproved(kind=use.kind, use_id=use_id, role=role)


def standing_use(account: Account, use_id: UUID) -> Use:
    """A use of this account. Raises AccountMerged or NotFound."""
    if account.head.merged_into is not None:
        raise errors.AccountMerged(account.head.merged_into)
    if use_id not in account.uses:
        raise errors.NotFound()
    return account.uses[use_id]


def _check_names(application: Application, wishes: Sequence[Wish]) -> None:
    courses = {course.code for course in application.programme.courses}
    faults = []
    for number, wish in enumerate(wishes):
        if any(one not in application.account.lots for one in wish.certificate_ids):
            detail = "This account holds no such certificate."
            member = "certificate_id" if len(wish.certificate_ids) == 1 else "certificate_ids"
            faults.append(Fault(code="certificate_unknown", pointer=f"/requests/{number}/{member}", detail=detail))
        if wish.target is not None and wish.target not in courses:
            detail = "The programme has no such course."
            faults.append(Fault(code="target_unknown", pointer=f"/requests/{number}/target", detail=detail))
    if faults:
        raise errors.Invalid(faults=faults)


def unusable(application: Application, left: Funds, number: int, wish: Wish) -> Refusal | None:
    """Why the ledger does not even ask the rules about a wish, None where it does."""
    for certificate_id in wish.certificate_ids:
        lot = application.account.lots[certificate_id]
        if lot.status == "revoked":
            return _refusal(number, wish, OUTCOME_REVOKED, "")
        if lot.status == "held":
            return _refusal(number, wish, OUTCOME_HELD, "")
        if lot.expires_on is not None and is_expired(lot, application.applied_on):
            day, limit = application.applied_on.isoformat(), lot.expires_on.isoformat()
            return _refusal(number, wish, OUTCOME_EXPIRED, "", day, limit)
        if left.free[certificate_id] <= 0 < left.free[certificate_id] + left.kept[certificate_id]:
            return _refusal(number, wish, OUTCOME_RESERVED, "")
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


def _evaluate(
    compiled: rules.CompiledRules, given: dict[str, Any], numbers: Sequence[int], till: Till
) -> rules.Decision:
    try:
        return rules.evaluate(compiled, given, till)
    except rules.InvalidSituation as error:
        faults = [
            Fault(code="situation_invalid", pointer=_as_asked(fault.pointer, numbers), detail=fault.detail)
            for fault in error.faults
        ]
        raise errors.Invalid(faults=faults) from error


def _as_asked(pointer: str, numbers: Sequence[int]) -> str:
    # The rules saw only the wishes that the ledger let pass; the caller counts all of them.
    parts = pointer.split("/")
    if parts[:2] == ["", "requests"] and len(parts) > 2:
        parts[2] = str(numbers[int(parts[2])])
    return "/".join(parts)


def _outcome(
    application: Application,
    decision: rules.Decision,
    numbers: Sequence[int],
    refusals: dict[int, Refusal],
) -> Outcome:
    for refused in decision.refused:
        number = numbers[refused.request]
        refusals[number] = replace(refused, request=number)
    return Outcome(
        grants=tuple(grant_of(grant) for grant in decision.granted),
        refusals=tuple(refusal for _, refusal in sorted(refusals.items())),
        caps=tuple(cap_document(state) for state in decision.caps),
        situation=dict(decision.inputs),
        workflow=tuple(ApprovalStep(role=one.role, within_days=one.within_days) for one in decision.workflow),
        reserved_until=_reserved_until(application, refusals.values()),
    )


def _reserved_until(application: Application, refusals: Iterable[Refusal]) -> int | None:
    wanted = {UUID(one) for refusal in refusals if refusal.reason == OUTCOME_RESERVED for one in refusal.outcomes}
    lapses = [
        use.expires_at
        for use in application.account.uses.values()
        if use.holds(application.now) and use.expires_at and any(use.rests_on(one) for one in wanted)
    ]
    return min(lapses, default=None)


def grant_of(grant: rules.Grant) -> Grant:
    """A grant of the rules as it is recorded."""
    return Grant(
        certificate_ids=tuple(map(UUID, grant.outcomes)),
        target=grant.target,
        credits=credits_from_fraction(grant.credits),
        consumed={UUID(name): credits_from_fraction(credits) for name, credits in grant.consumed_by},
        clause=grant.clause,
        grade=grant.grade,
        purpose=grant.purpose,
        bucket=grant.bucket,
        needs_approval=grant.needs_approval,
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


def cap_document(state: rules.CapState) -> dict[str, Any]:
    """The counter of a ceiling as it is recorded and answered."""
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
