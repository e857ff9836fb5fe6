"""What a rulebook sees of an account: the situation, built from certificates, uses and a programme.

Fields of a certificate as `o.*` follow the HTTP contract's fine print; built-in fields cannot be overridden
by the open `fields` of an award or standard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from creditbank.domain.account import Account, Lot, Use
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.events import Grant, ProgrammePublished
from creditbank.domain.rules.numbers import NotANumber, from_text
from creditbank.domain.values import credits_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One wish: certificates (several where they are a set), a target course, and whatever the rulebook asks."""

    certificate_ids: tuple[UUID, ...]
    target: str | None
    fields: Mapping[str, Any]


def situation_of(
    account: Account,
    programme: ProgrammePublished,
    catalogue: Catalogue,
    applied_on: date,
    wishes: Sequence[Wish],
) -> dict[str, Any]:
    """`given` for the rulebook.

    History is what this programme has granted and still grants. What other programmes made of the same
    certificates stands apart: it counts for what may happen once, and for no ceiling.
    """
    standing = [use for use in account.uses.values() if use.stands]
    wished = {certificate_id for wish in wishes for certificate_id in wish.certificate_ids}
    own = (programme.institution, programme.code)
    uses = [use for use in standing if (use.institution, use.programme) == own]
    used = {one for use in uses for grant in use.grants for one in grant.certificate_ids}
    return {
        "applied_on": applied_on.isoformat(),
        "programme": _programme(programme),
        "outcomes": [
            outcome_of(lot, catalogue) for lot in account.lots.values() if lot.certificate_id in wished | used
        ],
        "requests": [_request(wish) for wish in wishes],
        "history": [_entry(use, grant) for use in uses for grant in use.grants],
        "elsewhere": [
            _entry(use, grant)
            for use in standing
            if (use.institution, use.programme) != own
            for grant in use.grants
            if wished.intersection(grant.certificate_ids)
        ],
    }


def outcome_of(lot: Lot, catalogue: Catalogue) -> dict[str, Any]:
    particulars = lot.particulars
    standard = catalogue.standards.get(lot.standard)
    credits = number(credits_text(lot.credits))
    built_in = {
        "id": str(lot.certificate_id),
        "kind": lot.kind,
        "code": lot.standard,
        "scheme": lot.scheme,
        "level": lot.level,
        "rank": lot.rank,
        "credits": credits,
        "bank_credits": credits,
        "issued_on": lot.issued_on.isoformat(),
        "expires_on": lot.expires_on.isoformat() if lot.expires_on else None,
        "institution": lot.issuer,
        "issuer": lot.issuer,
        "hours": number(particulars.hours),
        "score": number(particulars.score.value) if particulars.score else None,
        "site": particulars.site,
    }
    return {**(standard.fields if standard else {}), **particulars.fields, **built_in}


def _programme(programme: ProgrammePublished) -> dict[str, Any]:
    courses = {
        course.code: {
            **course.fields,
            "name": course.name,
            "credits": number(credits_text(course.credits)),
            "type": course.type,
        }
        for course in programme.courses
    }
    return {
        **programme.fields,
        "id": programme.code,
        "institution": programme.institution,
        "credits": number(credits_text(programme.credits)),
        "courses": courses,
    }


def _request(wish: Wish) -> dict[str, Any]:
    names = [str(certificate_id) for certificate_id in wish.certificate_ids]
    request = {**wish.fields, "outcome": names[0] if len(names) == 1 else names}
    return request if wish.target is None else {**request, "target": wish.target}


def _entry(use: Use, grant: Grant) -> dict[str, Any]:
    names = [str(certificate_id) for certificate_id in grant.certificate_ids]
    return {
        "outcome": names[0] if len(names) == 1 else names,
        "target": grant.target,
        "purpose": grant.purpose,
        "on": use.decision.applied_on.isoformat(),
        "credits": number(credits_text(grant.credits)),
        "bucket": grant.bucket,
    }


def number(value: str | int | None) -> int | float | str | None:
    """Decimal text as the JSON number that it spells; other text as it is."""
    if not isinstance(value, str):
        return value
    try:
        exact = from_text(value)
    except NotANumber:
        return value
    return exact if isinstance(exact, int) else float(exact)
