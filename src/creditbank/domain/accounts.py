"""Decisions about an account as a whole: open, suspend, restrict, close, correct, merge, erase, deal with it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Literal
from uuid import UUID

from creditbank.domain import consents, errors
from creditbank.domain.account import Account, Dealing, Head
from creditbank.domain.certificates import require_open
from creditbank.domain.events import (
    AccountClosed,
    AccountErased,
    AccountEvent,
    AccountMerged,
    AccountOpened,
    AccountReceived,
    AccountReinstated,
    AccountRestricted,
    AccountSuspended,
    CertificateAwarded,
    CertificateHeld,
    CertificateReceived,
    CoursesExempted,
    CreditsConverted,
    DealingOpened,
    HolderCorrected,
    HolderField,
    ReservationMade,
    RestrictionLifted,
    UseReceived,
)
from creditbank.domain.lot import Lot
from creditbank.domain.rights import carried
from creditbank.domain.use import ENTITLING, Use
from creditbank.domain.uses import use_event

LOOKUP_DAYS = 180


def open_account(opened_by: str, *, guardian_consent: bool = False) -> AccountOpened:
    return AccountOpened(opened_by=opened_by, guardian_consent=guardian_consent)


def suspend(head: Head, reason: str) -> AccountSuspended:
    _require(head, "open")
    return AccountSuspended(reason=reason)


def reinstate(head: Head, reason: str) -> AccountReinstated:
    _require(head, "suspended")
    return AccountReinstated(reason=reason)


def close(head: Head, reason: str) -> AccountClosed:
    _require(head, "open", "suspended")
    return AccountClosed(reason=reason)


def restrict(account: Account, reason: str) -> AccountRestricted:
    _require(account.head, "open", "suspended", "closed")
    return AccountRestricted(reason=reason)


def lift_restriction(account: Account, reason: str) -> RestrictionLifted:
    """What was suspended or closed before is so again."""
    _require(account.head, "restricted")
    before = account.restricted_from
    return RestrictionLifted(reason=reason, status=before if before in ("suspended", "closed") else "open")


def correct(
    head: Head, fields: Collection[HolderField], cause: Literal["error", "change"], reason: str
) -> HolderCorrected | None:
    """Put the holder's particulars right, in whatever state the account is; None where nothing changes.

    An erased holder has none left.
    """
    _require(head, "open", "suspended", "closed", "restricted")
    return HolderCorrected(fields=tuple(fields), cause=cause, reason=reason) if fields else None


def erase(head: Head, reason: str, receipt: UUID) -> AccountErased:
    """Whatever state it is in, a person may be erased once."""
    _require(head, "open", "suspended", "closed", "restricted")
    return AccountErased(reason=reason, receipt=receipt)


def merge(survivor: Account, merged: Account, reason: str) -> tuple[list[AccountEvent], AccountMerged]:
    """Events on the survivor, and the one that ends the other account.

    Each certificate goes over once, with its state; a certificate that both hold cannot exist, since a
    number is claimed bank-wide. Uses go over too, so that nothing used becomes free by merging; and so does what
    the learner allows and waits for. A restriction is lifted first: merging is a use of both accounts' data.
    """
    require_open(survivor.head)
    if merged.head.account_id == survivor.head.account_id:
        fault = errors.Fault(code="same_account", pointer="/merged", detail="An account cannot be merged into itself.")
        raise errors.Invalid(faults=[fault])
    _require(merged.head, "open", "suspended")
    source = merged.head.account_id
    # Those that were merged into the other one before are the same person's too.
    received: list[AccountEvent] = [
        AccountReceived(merged_from=one, reason=reason) for one in (source, *merged.absorbed)
    ]
    for lot in merged.lots.values():
        received += _received(lot, source, reason)
    received += [
        UseReceived(merged_from=source, use=_recorded(use), status=use.status, approvals=use.approvals)
        for use in merged.uses.values()
    ]
    received += [
        DealingOpened(institution=dealing.institution, basis="lookup", until=dealing.until)
        for dealing in merged.dealings.values()
        if _reaches_further(dealing, survivor.dealings.get(dealing.institution))
    ]
    received += carried(merged.rights, source)
    return received, AccountMerged(survivor=survivor.head.account_id, reason=reason)


def _received(lot: Lot, source: UUID, reason: str) -> list[AccountEvent]:
    # One that was revoked while it was on hold stays revoked.
    is_held_anew = lot.status == "held" and (lot.withdrawn or lot.imposed)
    status = "active" if is_held_anew else lot.status
    arrived = CertificateReceived(
        merged_from=source, awarded=_award_of(lot), status=status, effective_from=lot.revoked_from
    )
    if not is_held_anew:
        return [arrived]
    # Held anew for the same cause, so that the hold stays the authority's to lift.
    held = CertificateHeld(
        certificate_id=lot.certificate_id,
        reason=reason,
        accreditation_id=lot.accreditation_id if lot.withdrawn else None,
        by_authority=lot.imposed,
    )
    return [arrived, held]


def _reaches_further(dealing: Dealing, standing: Dealing | None) -> bool:
    if standing is None or standing.until is None:
        return standing is None
    return dealing.until is None or dealing.until > standing.until


def open_dealing(standing: Dealing | None, institution: str, today: date) -> DealingOpened | None:
    """A look-up by the full document number lets an institution deal with the account for 180 days.

    None where a dealing of that length stands already, so that repeated look-ups write nothing.
    """
    until = today + timedelta(days=LOOKUP_DAYS)
    if not _reaches_further(Dealing(institution=institution, until=until), standing):
        return None
    return DealingOpened(institution=institution, basis="lookup", until=until)


def require_dealing(account: Account, institution: str, today: date) -> None:
    """Raise NotFound unless the institution opened the account, looked it up, has a use on it, or a consent.

    With a restricted account nobody deals.
    """
    standing = account.dealings.get(institution)
    may_deal = standing is not None and standing.stands_on(today)
    may_deal = may_deal or consents.standing(account, institution, today) is not None
    has_use = any(use.institution == institution and use.status in ENTITLING for use in account.uses.values())
    if account.head.version == 0 or account.head.status == "restricted" or not (may_deal or has_use):
        raise errors.NotFound()


def _require(head: Head, *allowed: str) -> None:
    if head.merged_into is not None:
        raise errors.AccountMerged(head.merged_into)
    if head.version == 0:
        raise errors.NotFound()
    if head.status not in allowed:
        raise errors.WrongState("account", head.status)


def _award_of(lot: Lot) -> CertificateAwarded:
    return CertificateAwarded(
        certificate_id=lot.certificate_id,
        issuer=lot.issuer,
        number=lot.number,
        standard=lot.standard,
        standard_version=lot.standard_version,
        level=lot.level,
        rank=lot.rank,
        credits=lot.credits,
        issued_on=lot.issued_on,
        expires_on=lot.expires_on,
        accreditation_id=lot.accreditation_id,
        kind=lot.kind,
        scheme=lot.scheme,
        particulars=lot.particulars,
    )


def _recorded(use: Use) -> CreditsConverted | CoursesExempted | ReservationMade:
    if use.expires_at is None:
        return use_event(use.kind, use.use_id, (use.institution, use.programme), use.grants, use.decision)
    return ReservationMade(
        reservation_id=use.use_id,
        kind=use.kind,
        institution=use.institution,
        programme=use.programme,
        grants=use.grants,
        decision=use.decision,
        expires_at=use.expires_at,
    )
