"""Register organisations, accredit them, publish standards, programmes and rulebooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from creditbank.commands import documents, jobs
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import organisations, retention
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.events import (
    AccreditationGranted,
    OrganisationRegistered,
    OrganisationReinstated,
    OrganisationSuspended,
    ProgrammePublished,
    ReferenceEvent,
    RetentionRuleSet,
    RulebookVersionPublished,
    StandardPublished,
)
from creditbank.domain.values import organisation_id, programme_id, rulebook_id, standard_id
from creditbank.projections import lots


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Publish something under a code: 201 where it is new, 200 where the same stands already."""

    stream_id: UUID
    decide: Callable[[Draft], ReferenceEvent | None]
    document: Callable[[Catalogue], dict[str, Any]]

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        event = self.decide(draft)
        if event is not None:
            draft.append_reference(self.stream_id, event)
        return Answer(status=201 if event is not None else 200, body=self.document(draft.catalogue))


def register(wanted: OrganisationRegistered) -> Publish:
    return Publish(
        stream_id=organisation_id(wanted.code),
        decide=lambda draft: organisations.register(draft.catalogue, wanted),
        document=lambda catalogue: documents.organisation(catalogue.organisations[wanted.code]),
    )


Change = Callable[[Catalogue, str, str], OrganisationSuspended | OrganisationReinstated]
"""What suspends or reinstates: decides about an organisation's code, for a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrganisation:
    """Suspend an organisation or reinstate it, by the decision that is handed over."""

    organisation: str
    decide: Change
    reason: str

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        event = self.decide(draft.catalogue, self.organisation, self.reason)
        draft.append_reference(organisation_id(self.organisation), event)
        return Answer(status=200, body=documents.organisation(draft.catalogue.organisations[self.organisation]))


def publish_standard(wanted: StandardPublished) -> Publish:
    return Publish(
        stream_id=standard_id(wanted.code),
        decide=lambda draft: organisations.publish_standard(draft.catalogue, wanted),
        document=lambda _: documents.standard(wanted),
    )


def publish_programme(wanted: ProgrammePublished) -> Publish:
    return Publish(
        stream_id=programme_id(wanted.institution, wanted.code),
        decide=lambda draft: organisations.publish_programme(draft.catalogue, wanted),
        document=lambda _: documents.programme(wanted),
    )


def set_retention(wanted: RetentionRuleSet) -> Publish:
    """How long an organisation's records of a kind are kept; a later rule replaces it."""
    return Publish(
        stream_id=organisation_id(wanted.organisation),
        decide=lambda draft: retention.set_rule(draft.catalogue, wanted),
        document=lambda _: documents.retention_rule(wanted),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRulebook:
    """Publish the next version of a rulebook, whose rules have been checked."""

    rulebook: str
    owner: str
    title: str | None
    rules: dict[str, Any]
    cases: tuple[dict[str, Any], ...]
    effective_from: date | None

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        wanted = RulebookVersionPublished(
            rulebook=self.rulebook,
            owner=self.owner,
            number=len(draft.catalogue.rulebooks.get(self.rulebook, ())) + 1,
            effective_from=self.effective_from or draft.unit.today,
            rules=self.rules,
            rules_sha256=sha256(to_json(self.rules)).hexdigest(),
            title=self.title,
            cases=self.cases,
        )
        event = organisations.publish_rulebook(draft.catalogue, self.owner, wanted)
        draft.append_reference(rulebook_id(self.rulebook), event)
        return Answer(status=201, body=documents.rulebook_version(event))


@dataclass(frozen=True, slots=True, kw_only=True)
class Accredit:
    organisation: str
    standard: str
    levels: tuple[str, ...]
    valid_from: date
    valid_until: date | None

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        wanted = AccreditationGranted(
            organisation=self.organisation,
            accreditation_id=draft.unit.bank.new_id(),
            standard=self.standard,
            levels=self.levels,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )
        event = organisations.accredit(draft.catalogue, wanted)
        draft.append_reference(organisation_id(self.organisation), event)
        standing = draft.catalogue.organisations[self.organisation].accreditations[event.accreditation_id]
        return Answer(status=201, body=documents.accreditation(standing))


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Withdraw an accreditation. The certificates that this affects go on hold in a job of their own."""

    organisation: str
    accreditation_id: UUID
    effective_from: date
    reason: str

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        event = organisations.withdraw(
            draft.catalogue, self.organisation, self.accreditation_id, self.effective_from, self.reason
        )
        draft.append_reference(organisation_id(self.organisation), event)
        affected = lots.count_awarded_under(draft.unit.connection, self.accreditation_id, self.effective_from)
        job_id = jobs.start_holding(draft, event, affected)
        standing = draft.catalogue.organisations[self.organisation].accreditations[self.accreditation_id]
        body = {**documents.accreditation(standing), "affected": affected, "job_id": str(job_id)}
        return Answer(status=200, body=body)
