"""What a rulebook sees of an account: the situation, built from certificates, uses and a programme.

Fields of a certificate as `o.*` follow the HTTP contract's fine print; built-in fields cannot be overridden
by the open `fields` of an award or standard.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from creditbank.domain.account import Account
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.events import Grant, ProgrammePublished
from creditbank.domain.lot import Lot
from creditbank.domain.rules.numbers import NotANumber, from_text
from creditbank.domain.use import Use
from creditbank.domain.values import credits_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One wish: certificates (several where they are a set), a target course, and whatever the rulebook asks."""

    certificate_ids: tuple[UUID, ...]
    target: str | None
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a rulebook sees whatever is wished for: made once, and asked for one situation after the other.

    History is what this programme has granted and still grants, or has reserved: else two reservations, each of
    which fits alone, would be over a ceiling once both are confirmed. What other programmes made of the same
    certificates stands apart: it counts for what may happen once, and for no ceiling.
    """

    applied_on: date
    programme: Mapping[str, Any]
    outcomes: Mapping[UUID, Mapping[str, Any]]
    used: frozenset[UUID]
    history: Sequence[Mapping[str, Any]]
    elsewhere: Sequence[tuple[frozenset[UUID], Mapping[str, Any]]]

    def situation(self, wishes: Sequence[Wish]) -> dict[str, Any]:
        """`given` for the rulebook. The wishes name certificates for which this ground was made."""
        wished = {certificate_id for wish in wishes for certificate_id in wish.certificate_ids}
        seen = wished | self.used
        return {
            "applied_on": self.applied_on.isoformat(),
            "programme": self.programme,
            "outcomes": [fields for certificate_id, fields in self.outcomes.items() if certificate_id in seen],
            "requests": [_request(wish) for wish in wishes],
            "history": self.history,
            "elsewhere": [entry for named, entry in self.elsewhere if wished & named],
        }


def ground_of(
    account: Account,
    programme: ProgrammePublished,
    catalogue: Catalogue,
    applied_on: date,
    now: int,
    certificate_ids: Collection[UUID],
) -> Ground:
    """The ground, at a moment in microseconds, for wishes that name some of these certificates."""
    standing = [use for use in account.uses.values() if use.stands or use.holds(now)]
    own = (programme.institution, programme.code)
    uses = [use for use in standing if (use.institution, use.programme) == own]
    used = frozenset(one for use in uses for grant in use.grants for one in grant.certificate_ids)
    seen = used.union(certificate_ids)
    return Ground(
        applied_on=applied_on,
        programme=_programme(programme),
        outcomes={one: outcome_of(lot, catalogue) for one, lot in account.lots.items() if one in seen},
        used=used,
        history=[_entry(use, grant) for use in uses for grant in use.grants],
        elsewhere=[
            (frozenset(grant.certificate_ids), _entry(use, grant))
            for use in standing
            if (use.institution, use.programme) != own
            for grant in use.grants
        ],
    )


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


def completed(
    recorded: Mapping[str, Any], account: Account, programme: ProgrammePublished | None, catalogue: Catalogue
) -> dict[str, Any]:
    """The situation of a recorded decision with what its rules did not look at, so that others can be asked.

    What was recorded stands; the rest is as the bank knows it now. What a request said and nobody read is lost.
    """
    entries = {_place(entry): entry for use in account.uses.values() for entry in map(partial(_entry, use), use.grants)}
    return {
        **recorded,
        "programme": _completed_programme(recorded.get("programme", {}), programme),
        "outcomes": [_completed_outcome(one, account, catalogue) for one in recorded.get("outcomes", ())],
        **{
            name: [entries.get(_place(entry), {}) | entry for entry in recorded.get(name, ())]
            for name in ("history", "elsewhere")
        },
    }


def _completed_programme(recorded: Mapping[str, Any], programme: ProgrammePublished | None) -> dict[str, Any]:
    if programme is None:
        return dict(recorded)
    known = _programme(programme)
    courses = {
        code: {**fields, **recorded.get("courses", {}).get(code, {})} for code, fields in known["courses"].items()
    }
    return {**known, **recorded, "courses": courses}


def _completed_outcome(recorded: Mapping[str, Any], account: Account, catalogue: Catalogue) -> dict[str, Any]:
    lot = account.lots.get(UUID(recorded["id"]))
    return {**(outcome_of(lot, catalogue) if lot else {}), **recorded}


def _place(entry: Mapping[str, Any]) -> str:
    return repr((entry.get("outcome"), entry.get("target")))


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
