"""Decisions about consents: a learner lets an institution deal with the account until a day, and takes it back."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from creditbank.domain import errors
from creditbank.domain.account import Account
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.certificates import require_open
from creditbank.domain.events import ConsentGiven, ConsentWithdrawn, ProgrammePublished
from creditbank.domain.rights import Consent


def give(
    account: Account, consent_id: UUID, institution: str, until: date, catalogue: Catalogue, today: date, now: int
) -> ConsentGiven:
    """Consent to an institution that the bank knows, until today or a later day."""
    require_open(account.head)
    organisation = catalogue.organisations.get(institution)
    if organisation is None or "institution" not in organisation.registered.roles:
        raise errors.OrganisationUnknown(facts={"organisation": institution})
    if until < today:
        detail = "A consent ends today or later."
        raise errors.Invalid(faults=[errors.Fault(code="out_of_range", pointer="/until", detail=detail)])
    return ConsentGiven(consent_id=consent_id, institution=institution, until=until, given_at=now)


def withdraw(account: Account, consent_id: UUID) -> ConsentWithdrawn:
    """Take a consent back, in whatever state the account is. What has expired may be taken back too."""
    if account.head.merged_into is not None:
        raise errors.AccountMerged(account.head.merged_into)
    consent = account.rights.consents.get(consent_id)
    if consent is None:
        raise errors.NotFound()
    if consent.withdrawn:
        raise errors.WrongState("consent", "withdrawn")
    return ConsentWithdrawn(consent_id=consent_id, institution=consent.institution)


def standing(account: Account, institution: str, today: date) -> Consent | None:
    """A consent under which the institution may deal with the account today."""
    consents = account.rights.consents.values()
    return next((one for one in consents if one.institution == institution and one.stands_on(today)), None)


def require_consent(account: Account, programme: ProgrammePublished, today: date, *, everywhere: bool) -> None:
    """Raise ConsentRequired where the programme, or the bank `everywhere`, asks for a consent that is not there."""
    is_needed = everywhere or programme.consent == "required"
    if is_needed and standing(account, programme.institution, today) is None:
        raise errors.ConsentRequired()
