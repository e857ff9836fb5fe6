"""The export of an account: everything that the bank has about it, as one document that a reader can recompute.

All but the holder and the learner's own words follows from the events in the document itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from creditbank.commands import accesses, consents, documents, hindsight, learner_requests, shares, sight
from creditbank.commands.accesses import who_looked
from creditbank.commands.bank import Bank
from creditbank.commands.hindsight import Then
from creditbank.commands.queries import AccountReader
from creditbank.commands.sight import Viewer
from creditbank.domain import errors
from creditbank.domain.balance import balance
from creditbank.domain.identifiers import mask_name, mask_number
from creditbank.domain.instants import instant_text
from creditbank.domain.timeline import Moment
from creditbank.ledger import log
from creditbank.vault import formers, texts
from creditbank.vault.persons import Person

FORMAT = "creditbank-account-export/1"
NOW = Moment()


@dataclass(frozen=True, slots=True)
class Exporter:
    """Exports what each viewer may see: what only the learner and the authority may read is masked or left out."""

    bank: Bank
    accounts: AccountReader

    def export(self, account_id: UUID, viewer: Viewer, *, masked: bool) -> tuple[int, dict[str, Any]]:
        """Version of the account and the document. Raises NotFound."""
        is_organisation = viewer.issuer is not None or viewer.institution is not None
        masked = masked or is_organisation
        with self.bank.engine.connect() as connection, connection.begin():
            self.accounts.require_part(connection, account_id, viewer)
            history = log.stream(connection, account_id)
            seen = sight.seen(connection, viewer, history)
            if viewer.issuer is not None and not any(seen):
                raise errors.NotFound()
            holder = {} if viewer.issuer is not None else self._holder(connection, account_id, masked)
            words = {} if masked else texts.of_accounts(connection, self.bank.vault, [account_id])
            then = hindsight.then_of(self.bank, account_id, history, NOW)
            looked = [] if is_organisation else who_looked(connection, then.account, None, None)
            catalogue = self.bank.catalogue_in(connection)
        document = {
            "format": FORMAT,
            "exported_at": instant_text(then.now),
            "masked": masked,
            "account": _account(then, history[0].recorded_at, viewer),
            **holder,
            "events": [documents.event(item) for item, is_seen in zip(history, seen, strict=True) if is_seen],
            **_holdings(then, viewer),
        }
        if viewer.issuer is None:
            document |= _sums(then)
        if not is_organisation:
            document |= _rights(then, words)
            document["accesses"] = [accesses.documented(one, catalogue, masked=masked) for one in looked]
        return then.account.head.version, document

    def _holder(self, connection: Connection, account_id: UUID, masked: bool) -> dict[str, Any]:
        person = self.bank.vault.open(connection, [account_id]).get(account_id)
        found: dict[str, Any] = {"holder": person and _person(person, masked)}
        if not masked:
            former = formers.of_accounts(connection, self.bank.vault, [account_id])[account_id]
            found["former_holders"] = [
                {**_person(one.person, masked), "replaced_at": instant_text(one.replaced_at), "cause": one.cause}
                for one in former
            ]
        return found


def _person(one: Person, masked: bool) -> dict[str, Any]:
    if masked:
        document = {"type": one.document_type, "number": mask_number(one.number)}
        return {"name": mask_name(one.name), "document": document, "birth_date": None}
    return {
        "name": one.name,
        "document": {"type": one.document_type, "number": one.number},
        "birth_date": one.birth_date and one.birth_date.isoformat(),
    }


def _account(then: Then, opened_at: int, viewer: Viewer) -> dict[str, Any]:
    if viewer.issuer is not None:  # who sees certificates, not accounts
        return {"account_id": str(then.account.head.account_id)}
    merged_from = [str(one) for one in then.account.absorbed]
    return {**documents.account(then.account.head, opened_at), "merged_from": merged_from}


def _holdings(then: Then, viewer: Viewer) -> dict[str, Any]:
    """Certificates and uses: an issuer's own certificates, an institution's own uses."""
    account, account_id = then.account, then.account.head.account_id
    lots = [one for one in account.lots.values() if viewer.issuer in (None, one.issuer)]
    certificates = [documents.certificate(one, account_id, then.on) for one in lots]
    if viewer.issuer is not None:
        return {"certificates": certificates}
    uses = [one for one in account.uses.values() if viewer.institution in (None, one.institution)]
    return {"certificates": certificates, "uses": [documents.use(one, account_id, then.now) for one in uses]}


def _sums(then: Then) -> dict[str, Any]:
    account, times = then.account, then.times
    computed = balance(account.lots.values(), account.uses.values(), then.on, then.now)
    certificates = [(lot, times[lot.version]) for lot in account.lots.values()]
    uses = [(use, times[use.version]) for use in account.uses.values()]
    head = account.head
    return {
        "balance": documents.balance(computed, head, NOW),
        "transcript": documents.transcript(head.account_id, head.version, certificates, uses, then.on, NOW),
    }


def _rights(then: Then, words: dict[UUID, str]) -> dict[str, Any]:
    rights, account_id = then.account.rights, then.account.head.account_id
    return {
        "consents": [
            consents.documented(one, account_id, words.get(one.consent_id), then.on) for one in rights.consents.values()
        ],
        "shares": [
            shares.documented(one, account_id, words.get(one.share_id), then.now) for one in rights.shares.values()
        ],
        "requests": [
            learner_requests.documented(one, account_id, words.get(one.request_id)) for one in rights.requests.values()
        ],
    }
