"""Whether records of an account must still be kept, so that its holder cannot be erased yet."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from creditbank.commands.draft import Draft
from creditbank.domain import retention
from creditbank.domain.account import Account
from creditbank.domain.events import CoursesExempted, CreditsConverted
from creditbank.domain.use import use_of
from creditbank.ledger import log


def check(draft: Draft, account: Account) -> None:
    """Raise RetentionApplies while records of the account must be kept."""
    if retention.has_rules(draft.catalogue):
        retention.require_none(account, _recorded_on(draft, account), draft.catalogue, draft.unit.today)


def _recorded_on(draft: Draft, account: Account) -> dict[UUID, date]:
    """The day of record of each use: also of one that came with a merge, on the account on which it was made."""
    unit = draft.unit
    days = dict.fromkeys(account.uses, unit.today)
    for history in log.streams(unit.connection, [account.head.account_id, *account.absorbed]).values():
        for item in history:
            if isinstance(item.event, CoursesExempted | CreditsConverted):
                days[use_of(item.event, item.version).use_id] = unit.bank.day_of(item.recorded_at)
    return days
