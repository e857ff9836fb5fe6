"""Decisions about reference data: organisations, accreditations, standards, programmes, rulebooks.

Publishing the same thing again changes nothing (None); other content under a taken code is refused.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from creditbank.domain import errors
from creditbank.domain.catalogue import Catalogue, Organisation
from creditbank.domain.events import (
    AccreditationGranted,
    AccreditationWithdrawn,
    OrganisationRegistered,
    OrganisationReinstated,
    OrganisationSuspended,
    ProgrammePublished,
    RulebookVersionPublished,
    StandardPublished,
)


def organisation(catalogue: Catalogue, code: str) -> Organisation:
    """The organisation with this code. Raises NotFound."""
    if code not in catalogue.organisations:
        raise errors.NotFound()
    return catalogue.organisations[code]


def register(catalogue: Catalogue, wanted: OrganisationRegistered) -> OrganisationRegistered | None:
    standing = catalogue.organisations.get(wanted.code)
    if standing is None:
        return wanted
    if standing.registered != wanted:
        raise errors.OrganisationExists()
    return None


def suspend(catalogue: Catalogue, code: str, reason: str) -> OrganisationSuspended:
    standing = organisation(catalogue, code)
    if standing.is_suspended:
        raise errors.WrongState("organisation", standing.status)
    return OrganisationSuspended(organisation=code, reason=reason)


def reinstate(catalogue: Catalogue, code: str, reason: str) -> OrganisationReinstated:
    standing = organisation(catalogue, code)
    if not standing.is_suspended:
        raise errors.WrongState("organisation", standing.status)
    return OrganisationReinstated(organisation=code, reason=reason)


def publish_standard(catalogue: Catalogue, wanted: StandardPublished) -> StandardPublished | None:
    standing = catalogue.standards.get(wanted.code)
    if standing is None:
        return wanted
    if standing != wanted:
        raise errors.StandardExists()
    return None


def publish_programme(catalogue: Catalogue, wanted: ProgrammePublished) -> ProgrammePublished | None:
    """The institution must be one; the rulebook may be published later than the programme that names it."""
    institution = catalogue.organisations.get(wanted.institution)
    if institution is None or "institution" not in institution.registered.roles:
        raise errors.OrganisationUnknown(facts={"organisation": wanted.institution})
    standing = catalogue.programmes.get((wanted.institution, wanted.code))
    if standing is None:
        return wanted
    if standing != wanted:
        raise errors.ProgrammeExists()
    return None


def accredit(catalogue: Catalogue, wanted: AccreditationGranted) -> AccreditationGranted:
    if "issuer" not in organisation(catalogue, wanted.organisation).registered.roles:
        raise errors.WrongState("organisation", "not an issuer")
    standard = catalogue.standards.get(wanted.standard)
    if standard is None:
        raise errors.StandardUnknown(facts={"standard": wanted.standard})
    known = {level.level for level in standard.levels}
    for level in wanted.levels:
        if level not in known:
            raise errors.LevelUnknown(facts={"level": level, "standard": wanted.standard})
    return wanted


def withdraw(
    catalogue: Catalogue, code: str, accreditation_id: UUID, effective_from: date, reason: str
) -> AccreditationWithdrawn:
    """Withdraw an accreditation from a day on. A second withdrawal may only reach further back."""
    accreditation = organisation(catalogue, code).accreditations.get(accreditation_id)
    if accreditation is None:
        raise errors.NotFound()
    if accreditation.withdrawn_from is not None and accreditation.withdrawn_from <= effective_from:
        raise errors.WrongState("accreditation", "withdrawn")
    return AccreditationWithdrawn(
        organisation=code, accreditation_id=accreditation_id, effective_from=effective_from, reason=reason
    )


def publish_rulebook(catalogue: Catalogue, owner: str, wanted: RulebookVersionPublished) -> RulebookVersionPublished:
    """The first publisher owns a rulebook id. Versions count from 1 and take effect in their order."""
    versions = catalogue.rulebooks.get(wanted.rulebook, ())
    if versions and versions[0].owner != owner:
        raise errors.Forbidden()
    if versions and wanted.effective_from < versions[-1].effective_from:
        fault = errors.Fault(
            code="out_of_range",
            pointer="/effective_from",
            detail="A later version cannot take effect before an earlier one.",
        )
        raise errors.Invalid(faults=[fault])
    return wanted


def rulebook_on(catalogue: Catalogue, name: str, day: date) -> RulebookVersionPublished:
    """The version of a rulebook that decides on a day. Raises RulebookUnknown where there is none."""
    in_effect = [one for one in catalogue.rulebooks.get(name, ()) if one.effective_from <= day]
    if not in_effect:
        raise errors.RulebookUnknown(facts={"rulebook": name})
    return in_effect[-1]
