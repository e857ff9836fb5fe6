"""A personal learning account: its state, and how each event changes it.

`evolve` never raises and never judges: whatever was once recorded can be replayed for ever, however the
rules have changed since. What may happen next is decided elsewhere (`certificates`, `uses`, `accounts`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal
from uuid import UUID

from creditbank.domain.events import (
    AccountClosed,
    AccountErased,
    AccountEvent,
    AccountMerged,
    AccountOpened,
    AccountReceived,
    AccountReinstated,
    AccountRestricted,
    AccountSuspended,
    CertificateAwarded,
    DealingOpened,
    Event,
    HolderCorrected,
    RestrictionLifted,
    RightsEvent,
)
from creditbank.domain.lot import Lot, LotEvent, evolve_lots
from creditbank.domain.rights import Rights, ended, evolve_rights
from creditbank.domain.use import Use, evolve_uses

AccountStatus = Literal["open", "suspended", "closed", "merged", "restricted", "erased"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealing:
    """Why an institution may see this account, and until when, that day included; None is without end."""

    institution: str
    until: date | None

    def stands_on(self, day: date) -> bool:
        return self.until is None or day <= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands on the cover of an account: enough to decide an award."""

    account_id: UUID
    status: AccountStatus = "open"
    version: int = 0
    merged_into: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with everything in it, at `head.version`. Version 0 is an account that was never opened."""

    head: Head
    lots: dict[UUID, Lot] = field(default_factory=dict)
    uses: dict[UUID, Use] = field(default_factory=dict)
    dealings: dict[str, Dealing] = field(default_factory=dict)
    rights: Rights = field(default_factory=Rights)
    absorbed: tuple[UUID, ...] = ()
    """Accounts of the same person that were merged into this one."""
    restricted_from: AccountStatus | None = None
    """What it was before it was last restricted."""


_NO_RIGHTS = Rights()


def empty(account_id: UUID) -> Account:
    return Account(head=Head(account_id=account_id), rights=_NO_RIGHTS)


def account_events(events: Iterable[Event]) -> list[AccountEvent]:
    """Those that happened to an account, as all in the stream of one are."""
    return [event for event in events if isinstance(event, AccountEvent)]


def replay(account: Account, events: Iterable[AccountEvent]) -> Account:
    for event in events:
        account = evolve(account, event)
    return account


_STATUS_AFTER: dict[type, AccountStatus] = {
    AccountOpened: "open",
    AccountReinstated: "open",
    AccountSuspended: "suspended",
    AccountClosed: "closed",
    AccountRestricted: "restricted",
    AccountErased: "erased",
    AccountMerged: "merged",
}


def status_after(event: AccountEvent) -> AccountStatus | None:
    """The status that an event gives an account; None where it leaves the status alone."""
    return event.status if isinstance(event, RestrictionLifted) else _STATUS_AFTER.get(type(event))


def evolve_head(head: Head, event: AccountEvent) -> Head:
    """The cover after `event`. An event that leaves the status alone still counts as a version."""
    return Head(
        account_id=head.account_id,
        version=head.version + 1,
        status=status_after(event) or head.status,
        merged_into=event.survivor if isinstance(event, AccountMerged) else head.merged_into,
    )


def evolve(account: Account, event: AccountEvent) -> Account:
    """The account after `event`."""
    head = evolve_head(account.head, event)
    match event:  # what most histories consist of comes first
        case AccountOpened():
            return _grown(account, head, account.lots, _dealings(account, event.opened_by, None))
        case CertificateAwarded():
            return _grown(account, head, evolve_lots(account.lots, event, head.version), account.dealings)
        case DealingOpened():
            return replace(account, head=head, dealings=_dealings(account, event.institution, event.until))
        case AccountMerged():
            # Everything in it continues on the survivor, so that no credit is counted twice.
            return replace(account, head=head, lots={}, uses={}, rights=Rights())
        case AccountReceived():
            return replace(account, head=head, absorbed=(*account.absorbed, event.merged_from))
        case AccountRestricted():
            return replace(account, head=head, restricted_from=account.head.status)
        case AccountErased():
            return replace(account, head=head, rights=ended(account.rights))
        case AccountSuspended() | AccountReinstated() | AccountClosed() | RestrictionLifted() | HolderCorrected():
            return replace(account, head=head)
        case _ if isinstance(event, LotEvent):
            return replace(account, head=head, lots=evolve_lots(account.lots, event, head.version))
        case _ if isinstance(event, RightsEvent):
            return replace(account, head=head, rights=evolve_rights(account.rights, event))
        case _:
            return replace(account, head=head, uses=evolve_uses(account.uses, event, head.version))


def _grown(account: Account, head: Head, lots: dict[UUID, Lot], dealings: dict[str, Dealing]) -> Account:
    """What `replace` makes, in half the time."""
    return Account(
        head=head,
        lots=lots,
        uses=account.uses,
        dealings=dealings,
        rights=account.rights,
        absorbed=account.absorbed,
        restricted_from=account.restricted_from,
    )


def _dealings(account: Account, institution: str, until: date | None) -> dict[str, Dealing]:
    return {**account.dealings, institution: Dealing(institution=institution, until=until)}
