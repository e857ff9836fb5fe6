"""Reference data that decisions rest on: organisations with their accreditations, standards, programmes, rulebooks.

Small, slowly changing and dated. Every decision names the version of what it relied on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, assert_never
from uuid import UUID

from creditbank.domain.events import (
    AccreditationGranted,
    AccreditationWithdrawn,
    OrganisationEvent,
    OrganisationRegistered,
    OrganisationReinstated,
    OrganisationSuspended,
    ProgrammePublished,
    ReferenceEvent,
    RetainedKind,
    RetentionRuleSet,
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
    is_suspended: bool = False
    retention: Mapping[RetainedKind, RetentionRuleSet] = field(default_factory=dict)
    """How long its records are kept, by their kind."""

    @property
    def status(self) -> Literal["active", "suspended"]:
        return "suspended" if self.is_suspended else "active"

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
        case (
            OrganisationRegistered()
            | OrganisationSuspended()
            | OrganisationReinstated()
            | AccreditationGranted()
            | AccreditationWithdrawn()
            | RetentionRuleSet()
        ):
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
    if isinstance(event, OrganisationSuspended | OrganisationReinstated):
        is_suspended = isinstance(event, OrganisationSuspended)
        return replace(organisation, is_suspended=is_suspended, version=organisation.version + 1)
    if isinstance(event, RetentionRuleSet):
        retention = {**organisation.retention, event.kind: event}
        return replace(organisation, retention=retention, version=organisation.version + 1)
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
