"""Who looked: every look at personal data is on record before it is answered, and a learner can list them.

The same look again within the hour is the same look: its first record stands for it, and it costs nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, TimeoutError

from creditbank.commands import hindsight
from creditbank.commands.bank import Bank
from creditbank.commands.queries import AccountReader
from creditbank.commands.sight import Viewer
from creditbank.domain import errors
from creditbank.domain.account import Account
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.identifiers import mask_number
from creditbank.domain.instants import instant_text
from creditbank.domain.timeline import Moment
from creditbank.ledger import accesses
from creditbank.ledger.accesses import Access, Accessed, Look, Place
from creditbank.ledger.database import writing
from creditbank.ledger.gather import Gatherer

HOUR = 3_600_000_000
"""In microseconds: for so long a record stands for the same look by the same one."""

REMEMBERED = 50_000
"""Looks that a process remembers; what is forgotten is recorded again."""

GROUP_LIMIT = 64


class AccessBook:
    """One per process: puts looks on record, many at a time, in one thread."""

    def __init__(self, bank: Bank, remembered: int = REMEMBERED) -> None:
        self._bank = bank
        self._remembered = remembered
        self._recorded: OrderedDict[tuple[int, Look], int] = OrderedDict()
        """When each look at each account was recorded, in that order; accounts as numbers, which compare faster.
        Only the gatherer's thread writes to it."""
        self._gatherer = Gatherer[Collection[Access], None]("accesses", self._record, GROUP_LIMIT)

    def stands(self, look: Look, account_id: UUID) -> bool:
        """Whether a record stands for this look at this account. Every read asks."""
        recorded_at = self._recorded.get((account_id.int, look), 0)
        # A clock that was set back would make one record stand for hours: none stands that lies ahead.
        return 0 <= self._bank.clock() - recorded_at < HOUR

    async def record(self, new: Collection[Access]) -> None:
        """Returns when they are on record. Raises Unavailable where they cannot be."""
        await self._gatherer.ask(new)

    def record_from_thread(self, new: Collection[Access]) -> None:
        """The same for callers without an event loop."""
        self._gatherer.submit(new).result()

    def close(self) -> None:
        self._gatherer.close()

    def _record(self, asked: Sequence[Collection[Access]]) -> list[BaseException | None]:
        now = self._bank.clock()
        gathered = dict.fromkeys(one for each in asked for one in each)
        new = [one for one in gathered if not self.stands(one.look, one.account_id)]
        try:
            if new:
                with writing(self._bank.engine) as connection:
                    accesses.append(connection, new, now)
        except DataError:
            raise  # the fault of one look, which must not become that of the others
        except (DBAPIError, TimeoutError):
            return [errors.Unavailable() for _ in asked]
        for one in new:
            self._remember(one, now)
        return [None for _ in asked]

    def _remember(self, access: Access, now: int) -> None:
        known = access.account_id.int, access.look
        self._recorded[known] = now
        self._recorded.move_to_end(known)
        if len(self._recorded) > self._remembered:
            self._recorded.popitem(last=False)


@dataclass(frozen=True, slots=True)
class AccessReader:
    """Tells who looked at an account, and at those that were merged into it."""

    bank: Bank
    accounts: AccountReader

    def listed(self, account_id: UUID, viewer: Viewer, before: Place | None, limit: int) -> list[Accessed]:
        """The newest first, before a place in that order. Raises NotFound where the viewer may not see the account."""
        with self.bank.engine.connect() as connection, connection.begin():
            self.accounts.require(connection, account_id, viewer)
            account = hindsight.account_then(self.bank, connection, account_id, Moment()).account
            return who_looked(connection, account, before, limit)


def who_looked(connection: Connection, account: Account, before: Place | None, limit: int | None) -> list[Accessed]:
    """The looks at an account and at those that were merged into it, the newest first; all where there is no limit."""
    return accesses.of_accounts(connection, [account.head.account_id, *account.absorbed], before, limit)


def documented(one: Accessed, catalogue: Catalogue, *, masked: bool) -> dict[str, Any]:
    """A record as JSON. Masked, it does not tell on whose behalf, who is a person."""
    look, organisations = one.access.look, catalogue.organisations
    known = None if look.organisation is None else organisations.get(look.organisation)
    behalf = look.on_behalf_of
    return {
        "accessed_at": instant_text(one.accessed_at),
        "account_id": str(one.access.account_id),
        "actor": {
            "role": look.role,
            "organisation": look.organisation,
            "name": known and known.registered.name,
            "credential": look.credential,
        },
        "operation": look.operation,
        "fields": look.fields.split(),
        "purpose": look.purpose,
        "on_behalf_of": mask_number(behalf) if masked and behalf else behalf,
    }
