"""A learner shows a balance, a transcript or certificates to whoever has a secret, until it is over or taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuids
from sqlalchemy import Connection

from creditbank.commands import documents, hindsight
from creditbank.commands.accounts import IfMatch, check_version
from creditbank.commands.bank import Bank
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs, Unit
from creditbank.commands.hindsight import Then
from creditbank.domain import errors, shares
from creditbank.domain.balance import balance
from creditbank.domain.events import ShareKind
from creditbank.domain.identifiers import mask_name
from creditbank.domain.instants import instant_text
from creditbank.domain.rights import Share
from creditbank.domain.timeline import Moment
from creditbank.vault import shares as secrets
from creditbank.vault import texts

NOW = Moment()


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantShare:
    """Make a secret that shows something of the account. It stands in this answer only."""

    account_id: UUID
    what: ShareKind
    certificates: Sequence[UUID]
    purpose: str
    shows_name: bool
    expires_at: int
    if_match: IfMatch = None
    share_id: UUID = field(default_factory=uuids.uuid7)

    def needs(self) -> Needs:
        return Needs(accounts=[self.account_id])

    def run(self, draft: Draft) -> Answer:
        account, unit = draft.account(self.account_id), draft.unit
        check_version(account.head, self.if_match)
        event = shares.grant(
            account, self.share_id, self.what, self.certificates, self.shows_name, self.expires_at, unit.now
        )
        draft.append(self.account_id, event)
        secret = secrets.new_secret(self.share_id)
        draft.statements.append(lambda connection: self._keep(connection, unit, secret))
        granted = draft.account(self.account_id).rights.shares[self.share_id]
        body = documented(granted, self.account_id, None, unit.now)
        return Answer(status=201, body=body, once={"purpose": self.purpose, "secret": secret})

    def _keep(self, connection: Connection, unit: Unit, secret: str) -> None:
        vault = unit.bank.vault
        secrets.put(connection, vault.keys, self.account_id, self.share_id, secret, self.expires_at)
        texts.put(connection, vault, self.account_id, self.share_id, self.purpose)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeShare:
    """Let a secret open nothing any more."""

    account_id: UUID
    share_id: UUID
    if_match: IfMatch = None

    def needs(self) -> Needs:
        return Needs(accounts=[self.account_id])

    def run(self, draft: Draft) -> Answer:
        account = draft.account(self.account_id)
        check_version(account.head, self.if_match)
        draft.append(self.account_id, shares.revoke(account, self.share_id))
        draft.statements.append(lambda connection: secrets.let_go(connection, self.share_id))
        revoked = draft.account(self.account_id).rights.shares[self.share_id]
        return Answer(status=200, body=documented(revoked, self.account_id, None, draft.unit.now))


def documented(one: Share, account_id: UUID, purpose: str | None, now: int) -> dict[str, Any]:
    return {
        "share_id": str(one.share_id),
        "account_id": str(account_id),
        "what": one.what,
        "certificates": [str(certificate_id) for certificate_id in one.certificates],
        "holder_name": "clear" if one.shows_name else "masked",
        "status": one.status_at(now),
        "purpose": purpose,
        "granted_at": instant_text(one.granted_at),
        "expires_at": instant_text(one.expires_at),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a share shows, and of which account, which the document does not say."""

    account_id: UUID
    share_id: UUID
    what: ShareKind
    document: dict[str, Any]


def opened(bank: Bank, secret: str) -> Opened:
    """What a secret shows today. Unknown, over, revoked and no longer usable are all NotFound."""
    with bank.engine.connect() as connection, connection.begin():
        found = secrets.find(connection, bank.vault.keys, secret)
        if found is None:
            raise errors.NotFound()
        account_id, share_id = found
        then = hindsight.account_then(bank, connection, account_id, NOW)
        share = shares.opened(then.account, share_id, then.now)
        person = bank.vault.open(connection, [account_id])[account_id]
        purpose = texts.of_accounts(connection, bank.vault, [account_id]).get(share_id)
    document = {
        "what": share.what,
        "purpose": purpose,
        "expires_at": instant_text(share.expires_at),
        "holder": person.name if share.shows_name else mask_name(person.name),
        share.what: _shown(share, then),
    }
    return Opened(account_id=account_id, share_id=share_id, what=share.what, document=document)


def _shown(share: Share, then: Then) -> Any:
    """The document as the learner reads it, without what names the account."""
    account = then.account
    match share.what:
        case "balance":
            computed = balance(account.lots.values(), account.uses.values(), then.on, then.now)
            return _unnamed(documents.balance(computed, account.head, NOW))
        case "transcript":
            certificates = [(lot, then.times[lot.version]) for lot in account.lots.values()]
            uses = [(use, then.times[use.version]) for use in account.uses.values()]
            version = account.head.version
            return _unnamed(documents.transcript(account.head.account_id, version, certificates, uses, then.on, NOW))
        case "certificates":
            wanted = share.certificates or tuple(account.lots)
            lots = [account.lots[one] for one in wanted if one in account.lots]
            return [_unnamed(documents.certificate(lot, account.head.account_id, then.on)) for lot in lots]


def _unnamed(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("account_id", "version")}
