"""The balance: an answer computed from certificates and uses, never a number that somebody edits.

For each certificate: `used + reserved` is what uses take from it; what is left of its credits is available,
or held, or expired; what is missing is shortfall. So always
`earned - used - reserved - expired - held + shortfall = available`, and nothing falls below zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from creditbank.domain.lot import Lot
from creditbank.domain.use import Use


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeCredits:
    """Credits that stand in one programme of an institution."""

    institution: str
    programme: str
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """All amounts in ten-thousandths of a credit."""

    earned: int
    used: int
    reserved: int
    available: int
    expired: int
    held: int
    shortfall: int
    under_review: int
    certificates: int
    converted: tuple[ProgrammeCredits, ...]
    exempted: tuple[ProgrammeCredits, ...]


def is_expired(lot: Lot, on: date) -> bool:
    """The last day of a certificate is inclusive."""
    return lot.expires_on is not None and lot.expires_on < on


def certificate_status(lot: Lot, on: date) -> str:
    """The word shown for a certificate on a day: active, held, revoked or expired."""
    return "expired" if lot.status == "active" and is_expired(lot, on) else lot.status


def consumed(uses: Iterable[Use]) -> Counter[UUID]:
    """What standing conversions and exemptions take from each certificate."""
    return _taken(use for use in uses if use.stands)


def reserved(uses: Iterable[Use], now: int) -> Counter[UUID]:
    """What open reservations keep of each certificate at a moment, in microseconds."""
    return _taken(use for use in uses if use.holds(now))


def _taken(uses: Iterable[Use]) -> Counter[UUID]:
    taken: Counter[UUID] = Counter()
    for use in uses:
        for grant in use.grants:
            taken.update(grant.consumed)
    return taken


def balance(lots: Collection[Lot], uses: Collection[Use], on: date, now: int) -> Balance:
    """The balance of an account with these certificates and uses on a day, at a moment in microseconds."""
    taken, kept = consumed(uses), reserved(uses, now)
    earned = held = expired = available = shortfall = 0
    for lot in lots:
        credits = 0 if lot.status == "revoked" else lot.credits
        earned += credits
        left = credits - taken[lot.certificate_id] - kept[lot.certificate_id]
        if left < 0:
            shortfall -= left
        elif lot.status == "held":
            held += left
        elif is_expired(lot, on):
            expired += left
        else:
            available += left
    standing = [use for use in uses if use.stands]
    return Balance(
        earned=earned,
        used=sum(taken.values()),
        reserved=sum(kept.values()),
        available=available,
        expired=expired,
        held=held,
        shortfall=shortfall,
        under_review=sum(consumed(use for use in standing if use.status == "under_review").values()),
        certificates=sum(lot.status != "revoked" for lot in lots),
        converted=_by_programme(use for use in standing if use.kind == "conversion"),
        exempted=_by_programme(use for use in standing if use.kind == "exemption"),
    )


def _by_programme(uses: Iterable[Use]) -> tuple[ProgrammeCredits, ...]:
    credits: Counter[tuple[str, str]] = Counter()
    for use in uses:
        credits[use.institution, use.programme] += use.credits
    return tuple(
        ProgrammeCredits(institution=institution, programme=programme, credits=total)
        for (institution, programme), total in sorted(credits.items())
    )
