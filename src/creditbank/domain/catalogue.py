"""Reference data that decisions rest on: organisations with their accreditations, standards, programmes, rulebooks.

Small, slowly changing and dated. Every decision names the version of what it relied on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import assert_never
from uuid import UUID

from creditbank.domain.events import (
    AccreditationGranted,
    AccreditationWithdrawn,
    OrganisationEvent,
    OrganisationRegistered,
    ProgrammePublished,
    ReferenceEvent,
    RulebookVersionPublished,
    StandardPublished,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accreditation:
    """The right of an issuer to award levels of a standard, for certificates issued in these days."""

    granted: AccreditationGranted
    withdrawn_from: date | None = None

    def covers(self, standard: str, level: str, on: date) -> bool:
        """Both ends of the term are inclusive; a withdrawal counts from its day on."""
        granted = self.granted
        return (
            granted.standard == standard
            and level in granted.levels
            and granted.valid_from <= on
            and (granted.valid_until is None or on <= granted.valid_until)
            and (self.withdrawn_from is None or on < self.withdrawn_from)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    registered: OrganisationRegistered
    accreditations: Mapping[UUID, Accreditation] = field(default_factory=dict)
    version: int = 1

    def accreditation(self, standard: str, level: str, on: date) -> Accreditation | None:
        """An accreditation under which a certificate issued on that day may be awarded."""
        for accreditation in self.accreditations.values():
            if accreditation.covers(standard, level, on):
                return accreditation
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All reference data as it stands at `epoch`, which grows with every change of it."""

    epoch: int = 0
    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    standards: Mapping[str, StandardPublished] = field(default_factory=dict)
    programmes: Mapping[tuple[str, str], ProgrammePublished] = field(default_factory=dict)
    rulebooks: Mapping[str, tuple[RulebookVersionPublished, ...]] = field(default_factory=dict)


def evolve(catalogue: Catalogue, event: ReferenceEvent) -> Catalogue:
    """The catalogue after `event`; the epoch is the caller's to count."""
    match event:
        case OrganisationRegistered() | AccreditationGranted() | AccreditationWithdrawn():
            organisation = _evolve_organisation(catalogue.organisations, event)
            code = organisation.registered.code
            return replace(catalogue, organisations={**catalogue.organisations, code: organisation})
        case StandardPublished():
            return replace(catalogue, standards={**catalogue.standards, event.code: event})
        case ProgrammePublished():
            key = (event.institution, event.code)
            return replace(catalogue, programmes={**catalogue.programmes, key: event})
        case RulebookVersionPublished():
            versions = (*catalogue.rulebooks.get(event.rulebook, ()), event)
            return replace(catalogue, rulebooks={**catalogue.rulebooks, event.rulebook: versions})
        case _:
            assert_never(event)


def _evolve_organisation(organisations: Mapping[str, Organisation], event: OrganisationEvent) -> Organisation:
    if isinstance(event, OrganisationRegistered):
        return Organisation(registered=event)
    organisation = organisations[event.organisation]
    match event:
        case AccreditationGranted():
            accreditation = Accreditation(granted=event)
        case AccreditationWithdrawn():
            accreditation = replace(
                organisation.accreditations[event.accreditation_id], withdrawn_from=event.effective_from
            )
        case _:
            assert_never(event)
    return replace(
        organisation,
        accreditations={**organisation.accreditations, event.accreditation_id: accreditation},
        version=organisation.version + 1,
    )
