"""Decisions about certificates: award, amend, hold, release, revoke. Each returns events or refuses.

Refusals come in a fixed order, so that the answer is certain when two apply: unknown standard, unknown
level, reversed dates, future date, contradicting number, missing accreditation, merged account, claimed number,
state of the account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from creditbank.domain import errors
from creditbank.domain.account import Account, Head
from creditbank.domain.balance import consumed
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.events import (
    AccountEvent,
    CertificateAmended,
    CertificateAwarded,
    CertificateHeld,
    CertificateHoldReleased,
    CertificateRevoked,
    ConversionReversed,
    ExemptionReviewOpened,
    Level,
    Particulars,
    ReservationReleased,
    StandardPublished,
)
from creditbank.domain.identifiers import contradictions
from creditbank.domain.lot import Lot


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """What an issuer posts about one certificate, the holder apart."""

    certificate_id: UUID
    issuer: str
    number: str
    standard: str
    level: str
    issued_on: date
    expires_on: date | None = None
    particulars: Particulars | None = None


def award(head: Head, posted: Award, claimed_by: UUID | None, catalogue: Catalogue, today: date) -> CertificateAwarded:
    """Award a certificate to an account. `claimed_by` is the account that holds this number already."""
    awarded = recognise(posted, catalogue, today)
    admit(head, posted.certificate_id, claimed_by)
    return awarded


def admit(head: Head, certificate_id: UUID, claimed_by: UUID | None) -> None:
    """Refuse a certificate that is fit by itself, where the account or whoever holds the number stands against it."""
    if head.merged_into is not None:
        # Its numbers went over to the survivor: the pointer says more than that they are taken.
        raise errors.AccountMerged(head.merged_into)
    if claimed_by is not None:
        if claimed_by == head.account_id:
            raise errors.CertificateDuplicate(certificate_id)
        raise errors.CertificateNumberTaken()
    require_open(head)


def recognise(posted: Award, catalogue: Catalogue, today: date) -> CertificateAwarded:
    """What is awarded, whoever gets it: all that can be said before the account is looked at."""
    standard, level = _level(catalogue, posted.standard, posted.level)
    _check(posted, catalogue, today)
    accreditation = _accreditation_for(posted, catalogue)
    return CertificateAwarded(
        certificate_id=posted.certificate_id,
        issuer=posted.issuer,
        number=posted.number,
        standard=standard.code,
        standard_version=1,
        level=level.level,
        rank=level.rank,
        credits=level.credits,
        issued_on=posted.issued_on,
        expires_on=posted.expires_on,
        accreditation_id=accreditation,
        kind=standard.kind,
        scheme=standard.scheme,
        particulars=posted.particulars,
    )


def objections(
    catalogue: Catalogue,
    today: date,
    *,
    issuer: str,
    number: str | None,
    standard: str | None,
    level: str | None,
    issued_on: date | None,
    expires_on: date | None,
) -> list[errors.BankError]:
    """Everything that speaks against an award before its account is looked at, where `award` names the first only.

    What is None could not be read, and is not judged.
    """
    checks: list[Callable[[], object]] = []
    if standard is not None:
        checks.append(partial(_standard, catalogue, standard))
    if standard in catalogue.standards and standard is not None and level is not None:
        checks.append(partial(_level, catalogue, standard, level))
    if issued_on is not None:
        checks.append(partial(_check_order, issued_on, expires_on))
        checks.append(partial(_check_day, issued_on, today))
    if number is not None:
        checks.append(partial(_check_number, catalogue, issuer, number, level, issued_on))
    found = [refusal for check in checks if (refusal := _refusal_of(check)) is not None]
    if standard is not None and level is not None and issued_on is not None and not found:
        refusal = _refusal_of(partial(_accreditation, catalogue, issuer, standard, level, issued_on))
        found += [refusal] if refusal is not None else []
    return found


def _refusal_of(check: Callable[[], object]) -> errors.BankError | None:
    try:
        check()
    except errors.BankError as refusal:
        return refusal
    return None


def amend(
    account: Account,
    certificate_id: UUID,
    changes: Mapping[str, Any],
    reason: str,
    catalogue: Catalogue,
    today: date,
) -> list[AccountEvent]:
    """Correct level, dates or particulars. Where credits in use are lost, dependants follow as with revocation."""
    lot = _lot(account, certificate_id, "active", "held")
    dates = {name: changes[name] for name in ("issued_on", "expires_on") if name in changes}
    posted = Award(
        certificate_id=certificate_id,
        issuer=lot.issuer,
        number=lot.number,
        standard=lot.standard,
        level=changes.get("level", lot.level),
        issued_on=lot.issued_on,
        expires_on=lot.expires_on,
        particulars=_amended_particulars(lot.particulars, changes),
    )
    posted = replace(posted, **dates)
    _, level = _level(catalogue, posted.standard, posted.level)
    _check(posted, catalogue, today, within="/changes")
    # What an accreditation is about stands as it was: other corrections are taken after its end too.
    untouched = (posted.level, posted.issued_on) == (lot.level, lot.issued_on)
    accreditation = (
        lot.accreditation_id
        if untouched
        else _accreditation(catalogue, posted.issuer, posted.standard, posted.level, posted.issued_on)
    )
    # Credits follow the level; an amendment that keeps the level keeps what was once recognised.
    credits = lot.credits if level.level == lot.level else level.credits
    amended = CertificateAmended(
        certificate_id=certificate_id,
        reason=reason,
        level=level.level,
        rank=level.rank,
        credits=credits,
        issued_on=posted.issued_on,
        expires_on=posted.expires_on,
        accreditation_id=accreditation,
        particulars=posted.particulars,
    )
    in_use = consumed(account.uses.values())[certificate_id]
    kept = sum(use.takes_from(certificate_id) for use in account.uses.values() if use.status == "open")
    if credits < min(in_use, lot.credits):
        return [amended, *_dependants(account, certificate_id, reason)]
    if credits < min(in_use + kept, lot.credits):
        return [amended, *_released(account, certificate_id, reason)]
    return [amended]


def hold(account: Account, certificate_id: UUID, reason: str, *, by_issuer: bool) -> list[AccountEvent]:
    lot = _lot(account, certificate_id, "active")
    return [CertificateHeld(certificate_id=lot.certificate_id, reason=reason, by_authority=not by_issuer)]


def hold_for_withdrawal(
    account: Account, certificate_id: UUID, accreditation_id: UUID, reason: str
) -> list[AccountEvent]:
    """Hold because the accreditation behind it was withdrawn. Nothing to do where it is held, revoked or gone."""
    lot = account.lots.get(certificate_id)
    if lot is None or lot.status != "active":
        return []
    return [CertificateHeld(certificate_id=certificate_id, reason=reason, accreditation_id=accreditation_id)]


def release(account: Account, certificate_id: UUID, reason: str, *, by_issuer: bool) -> list[AccountEvent]:
    """Lift a hold. What the authority placed, by hand or by a withdrawal, is its to lift: Forbidden for the issuer."""
    lot = _lot(account, certificate_id, "held")
    if by_issuer and (lot.withdrawn or lot.imposed):
        raise errors.Forbidden()
    return [CertificateHoldReleased(certificate_id=lot.certificate_id, reason=reason)]


def revoke(
    account: Account, certificate_id: UUID, reason: str, effective_from: date, today: date
) -> list[AccountEvent]:
    """Revoke, and in the same append reverse the conversions and put the exemptions under review.

    It takes effect between the day of issue and today: nothing is revoked in advance.
    """
    lot = _lot(account, certificate_id, "active", "held")
    if not lot.issued_on <= effective_from <= today:
        detail = "A revocation takes effect between the day of issue and today."
        raise errors.Invalid(faults=[errors.Fault(code="out_of_range", pointer="/effective_from", detail=detail)])
    revoked = CertificateRevoked(certificate_id=certificate_id, reason=reason, effective_from=effective_from)
    return [revoked, *_dependants(account, certificate_id, reason)]


def is_in_use(account: Account, certificate_id: UUID) -> bool:
    """Whether a conversion, an exemption or an open reservation rests on it."""
    return any(use.rests_on(certificate_id) and (use.stands or use.status == "open") for use in account.uses.values())


def require_open(head: Head) -> None:
    """Raise AccountMerged, AccountNotOpen or NotFound unless the account takes commands."""
    if head.merged_into is not None:
        raise errors.AccountMerged(head.merged_into)
    if head.version == 0:
        raise errors.NotFound()
    if head.status != "open":
        raise errors.AccountNotOpen(head.status)


def _dependants(account: Account, certificate_id: UUID, reason: str) -> list[AccountEvent]:
    # A conversion is the bank's own valuation and falls at once; an exemption belongs to the institution.
    events: list[AccountEvent] = []
    for use in account.uses.values():
        if not use.rests_on(certificate_id) or not use.stands:
            continue
        if use.kind == "conversion":
            events.append(ConversionReversed(conversion_id=use.use_id, reason=reason, certificate_id=certificate_id))
        elif use.status == "active":
            events.append(ExemptionReviewOpened(exemption_id=use.use_id, reason=reason, certificate_id=certificate_id))
    return [*events, *_released(account, certificate_id, reason)]


def _released(account: Account, certificate_id: UUID, reason: str) -> list[AccountEvent]:
    return [
        ReservationReleased(reservation_id=use.use_id, reason=reason, certificate_id=certificate_id)
        for use in account.uses.values()
        if use.status == "open" and use.rests_on(certificate_id)
    ]


def _standard(catalogue: Catalogue, code: str) -> StandardPublished:
    standard = catalogue.standards.get(code)
    if standard is None:
        raise errors.StandardUnknown(facts={"standard": code})
    return standard


def _level(catalogue: Catalogue, standard_code: str, level_word: str) -> tuple[StandardPublished, Level]:
    standard = _standard(catalogue, standard_code)
    for level in standard.levels:
        if level.level == level_word:
            return standard, level
    raise errors.LevelUnknown(facts={"level": level_word, "standard": standard_code})


def _check(posted: Award, catalogue: Catalogue, today: date, within: str = "") -> None:
    """Refuse what contradicts itself or the calendar. `within` is where the fields stand in the body."""
    _check_order(posted.issued_on, posted.expires_on, within)
    _check_day(posted.issued_on, today)
    _check_number(catalogue, posted.issuer, posted.number, posted.level, posted.issued_on, within)


def _check_order(issued_on: date, expires_on: date | None, within: str = "") -> None:
    if expires_on is not None and expires_on < issued_on:
        detail = "A certificate cannot expire before it is issued."
        raise errors.Invalid(faults=[errors.Fault(code="dates_reversed", pointer=within, detail=detail)])


def _check_day(issued_on: date, today: date) -> None:
    if issued_on > today:
        raise errors.IssuedInFuture(facts={"today": today.isoformat()})


def _check_number(
    catalogue: Catalogue, issuer: str, number: str, level: str | None, issued_on: date | None, within: str = ""
) -> None:
    organisation = catalogue.organisations.get(issuer)
    kind = organisation.registered.assessor_kind if organisation else None
    if found := contradictions(number, level, issued_on, kind):
        faults = [
            errors.Fault(
                code="number_contradicts",
                pointer=f"{within}/{one.field}",
                detail=f"The number says {one.in_number}.",
            )
            for one in found
        ]
        fields = ", ".join(one.field for one in found)
        raise errors.NumberContradictsRecord(facts={"fields": fields}, faults=faults)


def _accreditation_for(posted: Award, catalogue: Catalogue) -> UUID:
    return _accreditation(catalogue, posted.issuer, posted.standard, posted.level, posted.issued_on)


def _accreditation(catalogue: Catalogue, issuer: str, standard: str, level: str, issued_on: date) -> UUID:
    """The accreditation under which a certificate is awarded."""
    organisation = catalogue.organisations.get(issuer)
    accreditation = organisation.accreditation(standard, level, issued_on) if organisation else None
    if accreditation is None:
        raise errors.OrganisationNotAccredited(
            facts={"standard": standard, "level": level, "day": issued_on.isoformat()}
        )
    return accreditation.granted.accreditation_id


def _lot(account: Account, certificate_id: UUID, *allowed: str) -> Lot:
    require_open_for_correction(account.head)
    lot = account.lots.get(certificate_id)
    if lot is None:
        raise errors.NotFound()
    if lot.status not in allowed:
        raise errors.WrongState("certificate", lot.status)
    return lot


def require_open_for_correction(head: Head) -> None:
    """A correction of facts is taken on any account but one that was merged away: the truth does not wait."""
    if head.merged_into is not None:
        raise errors.AccountMerged(head.merged_into)


def _amended_particulars(particulars: Particulars, changes: Mapping[str, Any]) -> Particulars:
    named = {name: changes[name] for name in ("hours", "score", "evidence", "fields") if name in changes}
    return replace(particulars, **named)
