"""What must be true, in plain Python: dicts of lots and uses, and the few rules that this small bank has.

Written from the documentation, not from the product: it imports none of the product's decisions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from tests.simulation.installation import COURSES, FIRST_DAY, LIMITS, WANTS_CONSENT

ProgrammeKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is decided: in microseconds, and the day that it is then."""

    now: int
    today: date


@dataclass(slots=True, kw_only=True)
class Lot:
    issuer: str
    credits: int
    level: str
    issued_on: date
    expires_on: date | None
    status: str = "active"
    held_by: str | None = None
    """The issuer, the authority, or an accreditation that was withdrawn."""
    is_short: bool = False
    """It was corrected to less than is used of it: the one way to be overdrawn."""

    def is_expired(self, today: date) -> bool:
        return self.expires_on is not None and self.expires_on < today


@dataclass(frozen=True, slots=True)
class Grant:
    certificate_id: UUID
    target: str | None
    credits: int


@dataclass(slots=True, kw_only=True)
class Use:
    kind: str
    programme: ProgrammeKey
    grants: tuple[Grant, ...]
    status: str
    expires_at: int | None = None

    @property
    def stands(self) -> bool:
        return self.status in ("active", "under_review")

    def keeps(self, now: int) -> bool:
        return self.status == "open" and self.expires_at is not None and now < self.expires_at

    def rests_on(self, certificate_id: UUID) -> bool:
        return any(grant.certificate_id == certificate_id for grant in self.grants)

    @property
    def credits(self) -> int:
        return sum(grant.credits for grant in self.grants)


@dataclass(slots=True, kw_only=True)
class Consent:
    institution: str
    until: date
    is_withdrawn: bool = False


@dataclass(slots=True, kw_only=True)
class Account:
    document: str
    """By which the holder is known now; earlier ones may find the account too."""
    status: str = "open"
    before_restriction: str = "open"
    merged_into: UUID | None = None
    lots: dict[UUID, Lot] = field(default_factory=dict)
    uses: dict[UUID, Use] = field(default_factory=dict)
    dealings: dict[str, date | None] = field(default_factory=dict)
    consents: dict[UUID, Consent] = field(default_factory=dict)
    requests: dict[UUID, str] = field(default_factory=dict)
    absorbed: list[UUID] = field(default_factory=list)

    def taken(self, certificate_id: UUID) -> int:
        return _of(certificate_id, (use for use in self.uses.values() if use.stands))

    def kept(self, certificate_id: UUID, now: int) -> int:
        return _of(certificate_id, (use for use in self.uses.values() if use.keeps(now)))

    def has_consent(self, institution: str, today: date) -> bool:
        given = self.consents.values()
        return any(one.institution == institution and not one.is_withdrawn and today <= one.until for one in given)

    def may_be_dealt_with(self, institution: str, today: date) -> bool:
        if self.status == "restricted":
            return False
        if institution in self.dealings:
            until = self.dealings[institution]
            if until is None or today <= until:
                return True
        entitling = (
            use.programme[0] == institution and (use.stands or use.status == "open") for use in self.uses.values()
        )
        return self.has_consent(institution, today) or any(entitling)

    def deal(self, institution: str, until: date) -> None:
        """A look-up lets an institution deal with the account for a while, where it may not for longer already."""
        if institution not in self.dealings or (
            (standing := self.dealings[institution]) is not None and standing < until
        ):
            self.dealings[institution] = until

    def wanted(
        self, programme: ProgrammeKey, wishes: Sequence[tuple[UUID, str | None]], limit: int, at: Moment
    ) -> list[Grant]:
        """What is granted of these wishes, each a certificate and a course or None: the others are refused."""
        relevant = [
            use for use in self.uses.values() if use.programme == programme and (use.stands or use.keeps(at.now))
        ]
        satisfied = {grant.target for use in relevant for grant in use.grants if grant.target is not None}
        total = sum(use.credits for use in relevant)
        free = {one: lot.credits - self.taken(one) - self.kept(one, at.now) for one, lot in self.lots.items()}
        grants = []
        for certificate_id, target in wishes:
            lot = self.lots[certificate_id]
            credits = lot.credits if target is None else COURSES[programme][target]
            if lot.status != "active" or lot.is_expired(at.today) or target in satisfied:
                continue
            if credits > free[certificate_id] or total + credits > limit:
                continue
            free[certificate_id] -= credits
            total += credits
            satisfied |= {target} if target is not None else set()
            grants.append(Grant(certificate_id, target, credits))
        return grants

    def lacks_consent(self, programme: ProgrammeKey, today: date) -> bool:
        return programme in WANTS_CONSENT and not self.has_consent(programme[0], today)

    def give_up(self, certificate_id: UUID) -> None:
        """Conversions that rest on a certificate fall, exemptions are looked at again, reservations end."""
        for use in self.uses.values():
            if use.rests_on(certificate_id) and use.stands:
                use.status = "reversed" if use.kind == "conversion" else "under_review"
        self.end_reservations(certificate_id)

    def end_reservations(self, certificate_id: UUID) -> None:
        for use in self.uses.values():
            if use.rests_on(certificate_id) and use.status == "open":
                use.status = "released"

    def lapse(self, now: int) -> int:
        """What is over is over, whatever a clock says later."""
        over = [use for use in self.uses.values() if use.status == "open" and not use.keeps(now)]
        for use in over:
            use.status = "lapsed"
        return len(over)

    def balance(self, at: Moment) -> dict[str, int]:
        parts: Counter[str] = Counter()
        for certificate_id, lot in self.lots.items():
            credits = 0 if lot.status == "revoked" else lot.credits
            taken, kept = self.taken(certificate_id), self.kept(certificate_id, at.now)
            left = credits - taken - kept
            name = "held" if lot.status == "held" else "expired" if lot.is_expired(at.today) else "available"
            parts.update({"earned": credits, "used": taken, "reserved": kept})
            parts.update({"shortfall": -left} if left < 0 else {name: left})
        return {
            name: parts[name] for name in ("earned", "used", "reserved", "available", "expired", "held", "shortfall")
        }

    def overdrawn(self, now: int) -> Iterator[UUID]:
        for certificate_id, lot in self.lots.items():
            if lot.status == "revoked" or lot.is_short:
                continue
            if self.taken(certificate_id) + self.kept(certificate_id, now) > lot.credits:
                yield certificate_id


def _of(certificate_id: UUID, uses: Iterator[Use]) -> int:
    return sum(grant.credits for use in uses for grant in use.grants if grant.certificate_id == certificate_id)


@dataclass(slots=True)
class Model:
    """The whole bank."""

    accounts: dict[UUID, Account] = field(default_factory=dict)
    documents: dict[str, UUID] = field(default_factory=dict)
    holders: dict[UUID, UUID] = field(default_factory=dict)
    """The account that holds each certificate number, revoked or not."""
    withdrawn: dict[str, date] = field(default_factory=dict)
    """From when on each issuer's first accreditation is withdrawn; what is issued then has none."""
    limits: dict[ProgrammeKey, list[tuple[date, int]]] = field(
        default_factory=lambda: {one: [(FIRST_DAY, limit)] for one, limit in LIMITS.items()}
    )
    """What each programme takes in at most, and from which day on."""
    jobs: dict[UUID, tuple[str, date]] = field(default_factory=dict)
    """What is to be held because of a withdrawal: by which issuer, and issued since when."""
    answers: dict[str, bytes] = field(default_factory=dict)
    """The answer to every idempotency key that had an effect."""
    bodies: dict[str, bytes] = field(default_factory=dict)
    """What was asked when that was answered."""

    def account_with(self, use_id: UUID) -> Account | None:
        return next((one for one in self.accounts.values() if use_id in one.uses), None)

    def uses(self) -> Iterator[tuple[UUID, Use]]:
        for account in self.accounts.values():
            yield from account.uses.items()

    def limit(self, programme: ProgrammeKey, today: date) -> int:
        return [limit for day, limit in self.limits[programme] if day <= today][-1]

    def is_accredited(self, issuer: str, issued_on: date) -> bool:
        return issued_on >= FIRST_DAY and (issuer not in self.withdrawn or issued_on < self.withdrawn[issuer])

    def merge(self, survivor_id: UUID, merged_id: UUID) -> None:
        survivor, merged = self.accounts[survivor_id], self.accounts[merged_id]
        survivor.absorbed += [merged_id, *merged.absorbed]
        survivor.lots |= merged.lots
        survivor.uses |= merged.uses
        for institution, until in merged.dealings.items():
            if until is None:
                survivor.dealings[institution] = None
            else:
                survivor.deal(institution, until)
        survivor.consents |= {one: consent for one, consent in merged.consents.items() if not consent.is_withdrawn}
        survivor.requests |= {one: status for one, status in merged.requests.items() if status == "open"}
        self.documents = {one: survivor_id if to == merged_id else to for one, to in self.documents.items()}
        self.holders = {one: survivor_id if to == merged_id else to for one, to in self.holders.items()}
        merged.status, merged.merged_into = "merged", survivor_id
        merged.lots, merged.uses, merged.consents, merged.requests = {}, {}, {}, {}

    def erase(self, account_id: UUID) -> None:
        account = self.accounts[account_id]
        account.status = "erased"
        self.documents = {one: to for one, to in self.documents.items() if to != account_id}
        for consent in account.consents.values():
            consent.is_withdrawn = True


def amount(text: Any) -> int:
    """Credits as the bank writes them, in ten-thousandths."""
    whole, _, rest = str(text).partition(".")
    return int(whole) * 10_000 + int(rest.ljust(4, "0") or 0)
