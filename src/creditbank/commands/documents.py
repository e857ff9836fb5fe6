"""What the bank says about a thing, as JSON: the same document whether it answers a command or a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python

from creditbank.domain.account import Head
from creditbank.domain.awards import AwardCheck
from creditbank.domain.balance import Balance, ProgrammeCredits, certificate_status
from creditbank.domain.catalogue import Accreditation, Organisation
from creditbank.domain.events import (
    AccreditationGranted,
    AccreditationWithdrawn,
    Course,
    Grant,
    OrganisationRegistered,
    OrganisationReinstated,
    OrganisationSuspended,
    ProgrammePublished,
    RetentionRuleSet,
    RulebookVersionPublished,
    StandardPublished,
)
from creditbank.domain.identifiers import mask_number
from creditbank.domain.instants import instant_text
from creditbank.domain.lot import Lot
from creditbank.domain.reservations import status_at
from creditbank.domain.rules import Refusal
from creditbank.domain.situations import Wish
from creditbank.domain.timeline import Moment
from creditbank.domain.use import Use
from creditbank.domain.uses import Outcome, refusal_document
from creditbank.domain.values import credits_text
from creditbank.ledger import codec
from creditbank.ledger.feed import Step
from creditbank.ledger.log import Recorded


def certificate(lot: Lot, account_id: UUID, today: date) -> dict[str, Any]:
    particulars = lot.particulars
    return {
        "certificate_id": str(lot.certificate_id),
        "account_id": str(account_id),
        "status": certificate_status(lot, today),
        "credits": credits_text(lot.credits),
        "issuer": lot.issuer,
        "number": lot.number,
        "standard": lot.standard,
        "level": lot.level,
        "issued_on": lot.issued_on.isoformat(),
        "expires_on": _day(lot.expires_on),
        "hours": particulars.hours,
        "score": asdict(particulars.score) if particulars.score else None,
        "evidence": [asdict(one) for one in particulars.evidence],
        "site": particulars.site,
        "assessment_mode": particulars.assessment_mode,
        "learner_group": particulars.learner_group,
        "subsidised": particulars.subsidised,
        "external_id": particulars.external_id,
        "fields": particulars.fields,
        "revoked_from": _day(lot.revoked_from),
    }


def account(head: Head, opened_at: int) -> dict[str, Any]:
    document: dict[str, Any] = {
        "account_id": str(head.account_id),
        "status": head.status,
        "version": head.version,
        "opened_at": instant_text(opened_at),
    }
    if head.merged_into is not None:
        document["merged_into"] = str(head.merged_into)
    return document


def use(one: Use, account_id: UUID, now: int) -> dict[str, Any]:
    """A conversion, exemption or reservation with the decision that it rests on, at a moment in microseconds."""
    decision = one.decision
    document: dict[str, Any] = {
        f"{'reservation' if one.is_reservation else one.kind}_id": str(one.use_id),
        "account_id": str(account_id),
        "status": status_at(one, now),
        "institution": one.institution,
        "programme": one.programme,
        "credits": credits_text(one.credits),
        "granted": [grant(item) for item in one.grants],
        "refused": list(decision.refused),
        "caps": list(decision.caps),
        "granted_total": credits_text(one.credits),
        "rulebook": decision.rulebook,
        "version": decision.rulebook_version,
        "applied_on": decision.applied_on.isoformat(),
        "approvals": list(one.approvals),
        "awaits": one.awaits,
    }
    if one.expires_at is not None:
        document |= {"kind": one.kind, "expires_at": instant_text(one.expires_at)}
    return document


def decision(
    outcome: Outcome, version: RulebookVersionPublished, account_version: int, explain: Callable[[Refusal], str]
) -> dict[str, Any]:
    """What the bank and the rulebook say to all requests, each refusal with its sentence."""
    return {
        "granted": [grant(item) for item in outcome.grants],
        "refused": [{**refusal_document(refusal), "text": explain(refusal)} for refusal in outcome.refusals],
        "caps": list(outcome.caps),
        "granted_total": credits_text(sum(item.credits for item in outcome.grants)),
        "rulebook": version.rulebook,
        "version": version.number,
        "version_of_account": account_version,
    }


def wish(one: Wish) -> dict[str, Any]:
    """A wish in the form in which it can be asked for."""
    names = [str(certificate_id) for certificate_id in one.certificate_ids]
    named = {"certificate_id": names[0]} if len(names) == 1 else {"certificate_ids": names}
    return {**named, "target": one.target, **one.fields}


def award_check(award: str, check: AwardCheck, version: RulebookVersionPublished) -> dict[str, Any]:
    decision = check.decision.as_dict()
    return {
        "award": award,
        **decision,
        "smallest_set": None if check.smallest_set is None else [str(one) for one in check.smallest_set],
        "is_proven": check.is_proven,
        "rulebook": version.rulebook,
        "version": version.number,
    }


def grant(one: Grant) -> dict[str, Any]:
    document: dict[str, Any] = {
        "certificate_id": str(one.certificate_ids[0]),
        "target": one.target,
        "credits": credits_text(one.credits),
        "consumed": credits_text(sum(one.consumed.values())),
        "clause": one.clause,
        "grade": one.grade,
    }
    if len(one.certificate_ids) > 1:
        document["certificate_ids"] = [str(certificate_id) for certificate_id in one.certificate_ids]
    return document


def balance(one: Balance, head: Head, moment: Moment) -> dict[str, Any]:
    return {
        "account_id": str(head.account_id),
        "version": head.version,
        "earned": credits_text(one.earned),
        "used": credits_text(one.used),
        "reserved": credits_text(one.reserved),
        "available": credits_text(one.available),
        "expired": credits_text(one.expired),
        "held": credits_text(one.held),
        "certificates": one.certificates,
        "shortfall": credits_text(one.shortfall),
        "under_review": credits_text(one.under_review),
        "converted": [_programme_credits(item) for item in one.converted],
        "exempted": [_programme_credits(item) for item in one.exempted],
        **_moment(moment),
    }


def transcript(
    account_id: UUID,
    version: int,
    certificates: Iterable[tuple[Lot, int]],
    uses: Iterable[tuple[Use, int]],
    on: date,
    moment: Moment,
) -> dict[str, Any]:
    """Certificates and uses, each with the moment of its record in microseconds, in the order of their record."""
    entries = [(lot.version, _certificate_entry(lot, recorded_at, on)) for lot, recorded_at in certificates]
    entries += [(use.version, _use_entry(use, recorded_at)) for use, recorded_at in uses if not use.is_reservation]
    ordered = [
        {**entry, "recorded_version": recorded_version}
        for recorded_version, entry in sorted(entries, key=lambda pair: pair[0])
    ]
    return {"account_id": str(account_id), "version": version, "entries": ordered, **_moment(moment)}


def _certificate_entry(lot: Lot, recorded_at: int, on: date) -> dict[str, Any]:
    return {
        "kind": "certificate",
        "status": certificate_status(lot, on),
        "credits": credits_text(lot.credits),
        "recorded_at": instant_text(recorded_at),
        "certificate_id": str(lot.certificate_id),
        "issuer": lot.issuer,
        "number": lot.number,
        "standard": lot.standard,
        "level": lot.level,
        "issued_on": lot.issued_on.isoformat(),
        "expires_on": _day(lot.expires_on),
    }


def _use_entry(one: Use, recorded_at: int) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "status": one.status,
        "credits": credits_text(one.credits),
        "recorded_at": instant_text(recorded_at),
        f"{one.kind}_id": str(one.use_id),
        "institution": one.institution,
        "programme": one.programme,
        "granted": [grant(item) for item in one.grants],
        "rulebook": one.decision.rulebook,
        "version": one.decision.rulebook_version,
    }


def _moment(moment: Moment) -> dict[str, str | None]:
    known_at = moment.known_at
    return {"as_of": _day(moment.as_of), "known_at": None if known_at is None else instant_text(known_at)}


def organisation(one: Organisation) -> dict[str, Any]:
    registered = one.registered
    return {
        "code": registered.code,
        "name": registered.name,
        "roles": list(registered.roles),
        "uscc": registered.uscc,
        "region": registered.region,
        "aliases": list(registered.aliases),
        "assessor_kind": registered.assessor_kind,
        "status": one.status,
    }


def accreditation(one: Accreditation) -> dict[str, Any]:
    granted = one.granted
    return {
        "accreditation_id": str(granted.accreditation_id),
        "organisation": granted.organisation,
        "standard": granted.standard,
        "levels": list(granted.levels),
        "valid_from": granted.valid_from.isoformat(),
        "valid_until": _day(granted.valid_until),
        "withdrawn_from": _day(one.withdrawn_from),
    }


def retention_rule(one: RetentionRuleSet) -> dict[str, Any]:
    return {"organisation": one.organisation, "kind": one.kind, "years": one.years, "basis": one.basis}


def standard(one: StandardPublished) -> dict[str, Any]:
    return {
        "code": one.code,
        "title": one.title,
        "scheme": one.scheme,
        "kind": one.kind,
        "aliases": list(one.aliases),
        "levels": [
            {"level": level.level, "rank": level.rank, "credits": credits_text(level.credits)} for level in one.levels
        ],
        "fields": one.fields,
    }


def programme(one: ProgrammePublished) -> dict[str, Any]:
    return {
        "institution": one.institution,
        "code": one.code,
        "name": one.name,
        "credits": credits_text(one.credits),
        "fields": one.fields,
        "rulebook": one.rulebook,
        "consent": one.consent,
        "courses": [_course(course) for course in one.courses],
    }


def rulebook_version(one: RulebookVersionPublished) -> dict[str, Any]:
    return {
        "id": one.rulebook,
        "version": one.number,
        "owner": one.owner,
        "title": one.title,
        "effective_from": one.effective_from.isoformat(),
        "sha256": one.rules_sha256,
        "rules": one.rules,
    }


def event(one: Recorded) -> dict[str, Any]:
    """One event of a history, as it stands in the log."""
    return {
        "position": one.at,
        "version": one.version,
        "type": one.type,
        "recorded_at": instant_text(one.recorded_at),
        "actor": one.actor,
        "approved_by": one.approved_by,
        "causation": str(one.causation),
        "data": to_jsonable_python(one.event),
    }


def masked(document: Any) -> Any:
    """A document without what an issuer calls a person by."""
    match document:
        case dict():
            return {
                name: mask_number(value) if name == "external_id" and isinstance(value, str) else masked(value)
                for name, value in document.items()
            }
        case list():
            return [masked(item) for item in document]
        case _:
            return document


def feed_event(step: Step) -> dict[str, Any]:
    """One event of the feed, with the cursor behind it and the stream that it belongs to."""
    recorded = step.recorded
    stream = {"kind": codec.stream_kind(recorded.type), "id": _stream_name(recorded)}
    return {**event(recorded), "cursor": step.cursor.text(), "stream": stream}


def _stream_name(recorded: Recorded) -> str:
    match recorded.event:
        case OrganisationRegistered() | StandardPublished():
            return recorded.event.code
        case (
            OrganisationSuspended()
            | OrganisationReinstated()
            | AccreditationGranted()
            | AccreditationWithdrawn()
            | RetentionRuleSet()
        ):
            return recorded.event.organisation
        case ProgrammePublished():
            return f"{recorded.event.institution}/{recorded.event.code}"
        case RulebookVersionPublished():
            return recorded.event.rulebook
        case _:
            return str(recorded.stream_id)


def _course(one: Course) -> dict[str, Any]:
    return {
        "code": one.code,
        "name": one.name,
        "credits": credits_text(one.credits),
        "type": one.type,
        "fields": one.fields,
    }


def _programme_credits(one: ProgrammeCredits) -> dict[str, Any]:
    return {"institution": one.institution, "programme": one.programme, "credits": credits_text(one.credits)}


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
