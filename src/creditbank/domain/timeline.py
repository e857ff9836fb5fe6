"""Two time lines: what was in force on a day, and what the bank knew at a moment. Alone or together.

Certificates stand by their effect dates: from the day of issue, until the day that a revocation takes effect.
Holds, uses and everything about the account stand by the day of their record, as they have no other day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from creditbank.domain import account as accounts
from creditbank.domain.account import Account
from creditbank.domain.events import AccountEvent, CertificateAmended, CertificateAwarded, CertificateRevoked


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """An event with its version, the moment of its record in microseconds, and the civil day of that moment."""

    event: AccountEvent
    version: int
    recorded_at: int
    recorded_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Which answer is wanted: in force on a day, as known at a moment. Both are inclusive; None is now."""

    as_of: date | None = None
    known_at: int | None = None

    @property
    def is_now(self) -> bool:
        return self.as_of is None and self.known_at is None


def account_at(empty: Account, history: Sequence[Dated], moment: Moment) -> Account:
    """The account as it was in force on a day, by what the bank knew at a moment."""
    known = [one for one in history if moment.known_at is None or one.recorded_at <= moment.known_at]
    as_of = moment.as_of
    if as_of is None:
        return accounts.replay(empty, (one.event for one in known))
    account = empty
    for one in known:
        if _in_force(account, one, as_of):
            before = replace(account.head, version=one.version - 1)
            account = accounts.evolve(replace(account, head=before), one.event)
    lots = {certificate_id: lot for certificate_id, lot in account.lots.items() if lot.issued_on <= as_of}
    # The version counts every event that was known: it names the state of knowledge, not the day.
    return replace(account, head=replace(account.head, version=len(known)), lots=lots)


def _in_force(account: Account, one: Dated, as_of: date) -> bool:
    # What came with a merge is here from the day of the merge on, and so is what happened to it since.
    match one.event:
        case CertificateAwarded():
            return True  # judged by the day of issue, which an amendment may have corrected
        case CertificateAmended():
            return one.event.certificate_id in account.lots
        case CertificateRevoked():
            return one.event.certificate_id in account.lots and one.event.effective_from <= as_of
        case _:
            return one.recorded_on <= as_of
