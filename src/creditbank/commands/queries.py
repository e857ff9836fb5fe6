"""Questions about accounts, answered for one who asks: what is not visible to them is not found.

Balances are asked for most, so they are answered many at a time, by one query of each kind.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import Connection, Row
from sqlalchemy.exc import DBAPIError, TimeoutError

from creditbank.commands import documents, hindsight, sight
from creditbank.commands.bank import Bank
from creditbank.commands.hindsight import Then
from creditbank.commands.sight import Viewer
from creditbank.domain import errors
from creditbank.domain.balance import balance, certificate_status
from creditbank.domain.identifiers import mask_name, mask_number
from creditbank.domain.timeline import Moment
from creditbank.domain.use import ENTITLING
from creditbank.ledger import log
from creditbank.ledger.log import Recorded
from creditbank.projections import accounts, claims, consents, lots, usages
from creditbank.vault import formers

NOW = Moment()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which balance is asked for, by whom."""

    account_id: UUID
    viewer: Viewer


@dataclass(frozen=True, slots=True)
class VersionedBody:
    """An answer as JSON bytes, at a version of the account."""

    version: int
    body: bytes


class AccountReader:
    """Answers questions about accounts, in groups."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def balances(self, questions: Sequence[Question]) -> list[VersionedBody | BaseException]:
        """A balance for each question, or why there is none."""
        try:
            with self._bank.engine.connect() as connection, connection.begin():
                return self._balances(connection, questions)
        except (DBAPIError, TimeoutError):
            return [errors.Unavailable() for _ in questions]

    def _balances(self, connection: Connection, questions: Sequence[Question]) -> list[VersionedBody | BaseException]:
        today = self._bank.today()
        ids = {question.account_id for question in questions}
        heads = accounts.rows(connection, ids)
        used = usages.of_accounts(connection, ids)
        visible = _visible(connection, questions, heads, used, today)
        shown = {question.account_id for question, may_see in zip(questions, visible, strict=True) if may_see}
        held = lots.of_accounts(connection, shown) if shown else {}
        answers: list[VersionedBody | BaseException] = []
        for question, may_see in zip(questions, visible, strict=True):
            if not may_see:
                answers.append(errors.NotFound())
                continue
            head = accounts.head_of(heads[question.account_id])
            computed = balance(
                [lots.lot_from(row) for row in held[question.account_id]],
                [usages.use_from(row) for row in used[question.account_id]],
                today,
                self._bank.clock(),
            )
            answers.append(VersionedBody(head.version, to_json(documents.balance(computed, head, NOW))))
        return answers

    def balance_then(self, account_id: UUID, viewer: Viewer, moment: Moment) -> dict[str, Any]:
        """The balance of an account at another moment than now."""
        then = self._then(account_id, viewer, moment)
        account = then.account
        computed = balance(account.lots.values(), account.uses.values(), then.on, then.now)
        return documents.balance(computed, account.head, moment)

    def transcript(self, account_id: UUID, viewer: Viewer, moment: Moment) -> tuple[int, dict[str, Any]]:
        """Version and transcript: certificates, conversions and exemptions in order of record."""
        if moment.is_now:
            with self._bank.engine.connect() as connection, connection.begin():
                version = self.require(connection, account_id, viewer).version
                held, used = lots.of_accounts(connection, [account_id]), usages.of_accounts(connection, [account_id])
            certificates = [(lots.lot_from(row), row.recorded_at) for row in held[account_id]]
            uses = [(usages.use_from(row), row.recorded_at) for row in used[account_id]]
            return version, documents.transcript(account_id, version, certificates, uses, self._bank.today(), moment)
        then = self._then(account_id, viewer, moment)
        version, times = then.account.head.version, then.times
        certificates = [(lot, times[lot.version]) for lot in then.account.lots.values()]
        uses = [(use, times[use.version]) for use in then.account.uses.values()]
        return version, documents.transcript(account_id, version, certificates, uses, then.on, moment)

    def _then(self, account_id: UUID, viewer: Viewer, moment: Moment) -> Then:
        with self._bank.engine.connect() as connection, connection.begin():
            self.require(connection, account_id, viewer)
            return hindsight.account_then(self._bank, connection, account_id, moment)

    def account(self, account_id: UUID, viewer: Viewer) -> tuple[int, dict[str, Any]]:
        """Version and status of an account, with its holder masked."""
        with self._bank.engine.connect() as connection, connection.begin():
            row = self.require(connection, account_id, viewer)
            person = self._bank.vault.open(connection, [account_id]).get(account_id)
        document = documents.account(accounts.head_of(row), row.opened_at)
        document["holder"] = person and {
            "name": mask_name(person.name),
            "document": {"type": person.document_type, "number": mask_number(person.number)},
        }
        return row.version, document

    def existing(self, account_ids: Collection[UUID]) -> set[UUID]:
        """Those of these ids that are accounts."""
        with self._bank.engine.connect() as connection, connection.begin():
            return set(accounts.rows(connection, account_ids))

    def require(self, connection: Connection, account_id: UUID, viewer: Viewer) -> Row[Any]:
        """The stored head of an account. Raises NotFound where there is none or the viewer may not see it."""
        heads = accounts.rows(connection, [account_id])
        question = Question(account_id=account_id, viewer=viewer)
        used = usages.parties(connection, [account_id]) if viewer.institution is not None else {}
        if not _visible(connection, [question], heads, used, self._bank.today())[0]:
            raise errors.NotFound()
        return heads[account_id]

    def require_part(self, connection: Connection, account_id: UUID, viewer: Viewer) -> None:
        """Raise NotFound where the viewer sees nothing of an account: an issuer has to see a certificate of its own.

        Asked before the history is read, so that a long one that is foreign takes no longer than none at all.
        """
        if viewer.issuer is None:
            self.require(connection, account_id, viewer)
            return
        if not lots.is_issued(connection, accounts.line(connection, account_id)[-1], viewer.issuer):
            raise errors.NotFound()

    def history(self, account_id: UUID, viewer: Viewer) -> list[Recorded]:
        """The events of an account that the viewer sees, oldest first. An issuer has to see one of them."""
        with self._bank.engine.connect() as connection, connection.begin():
            self.require_part(connection, account_id, viewer)
            history = log.stream(connection, account_id)
            seen = sight.seen(connection, viewer, history)
        if viewer.issuer is not None and not any(seen):
            raise errors.NotFound()
        return [item for item, is_seen in zip(history, seen, strict=True) if is_seen]

    def event(self, partition_id: int, position: int, viewer: Viewer) -> Recorded:
        """One event of the log. Raises NotFound where there is none or the viewer does not see it."""
        with self._bank.engine.connect() as connection, connection.begin():
            found = log.partition(connection, partition_id, position - 1, limit=1, upto=position)
            if not found or not sight.seen(connection, viewer, found)[0]:
                raise errors.NotFound()
        return found[0]

    def certificate(self, certificate_id: UUID, viewer: Viewer) -> dict[str, Any]:
        """A certificate. An issuer sees its own, others those of accounts that they see."""
        with self._bank.engine.connect() as connection, connection.begin():
            account_id, row = _held(connection, certificate_id)
            if viewer.issuer is None:
                self.require(connection, account_id, viewer)
            elif accounts.restricted(connection, [account_id]):
                raise errors.NotFound()
        if row is None or viewer.issuer not in (None, row.issuer):
            raise errors.NotFound()
        return documents.certificate(lots.lot_from(row), row.account_id, self._bank.today())

    def verify(self, certificate_id: UUID) -> dict[str, Any]:
        """What the public may know of a certificate number; the same shape where it is unknown.

        A certificate that was recorded under another name of its holder says so.
        """
        with self._bank.engine.connect() as connection, connection.begin():
            account_id, row = _held(connection, certificate_id)
            is_restricted = bool(accounts.restricted(connection, [account_id]))
            person = self._bank.vault.open(connection, [account_id]).get(account_id)
            former = formers.of_accounts(connection, self._bank.vault, [account_id])[account_id]
        if row is None or is_restricted:
            return {"status": "unknown", "standard": None, "level": None, "issued_on": None, "holder_masked": None}
        verified = {
            "status": certificate_status(lots.lot_from(row), self._bank.today()),
            "standard": row.standard,
            "level": row.level,
            "issued_on": row.issued_on.isoformat(),
            "holder_masked": mask_name(person.name) if person else None,
        }
        names = [one.person.name for one in former if row.recorded_at <= one.replaced_at]
        if person and (others := [name for name in dict.fromkeys(names) if name != person.name]):
            verified |= {"holder_changed": True, "former_holders_masked": [mask_name(name) for name in others]}
        return verified

    def use(self, use_id: UUID, kind: str, viewer: Viewer) -> dict[str, Any]:
        """A conversion or exemption. An institution sees its own ones."""
        with self._bank.engine.connect() as connection, connection.begin():
            row = usages.by_id(connection, use_id)
            is_restricted = bool(accounts.restricted(connection, [row.account_id if row else use_id]))
        if row is None or usages.kind_of(row) != kind or viewer.institution not in (None, row.institution):
            raise errors.NotFound()
        if viewer.account_id not in (None, row.account_id):
            raise errors.NotFound()
        if viewer.institution is not None and is_restricted:
            raise errors.NotFound()
        return documents.use(usages.use_from(row), row.account_id, self._bank.clock())


def _held(connection: Connection, certificate_id: UUID) -> tuple[UUID, Row[Any] | None]:
    """The account that holds a certificate and how it stands there; without one an id that is no account's.

    Whoever asks goes on with that id, so that what is not there takes the same work as what is not to be seen.
    """
    account_id = claims.holders(connection, [certificate_id]).get(certificate_id, certificate_id)
    return account_id, lots.by_certificate(connection, account_id, certificate_id)


def _visible(
    connection: Connection,
    questions: Sequence[Question],
    heads: dict[UUID, Row[Any]],
    used: dict[UUID, list[Row[Any]]],
    today: date,
) -> list[bool]:
    institutions = {one.viewer.institution for one in questions} - {None}
    asked = {institution: _asked_by(questions, institution) for institution in institutions if institution}
    dealings = {one: accounts.dealings(connection, ids, one) for one, ids in asked.items()}
    consenting = {one: consents.consenting(connection, ids, one, today) for one, ids in asked.items()}

    def sees(question: Question) -> bool:
        viewer, account_id = question.viewer, question.account_id
        if account_id not in heads:
            return False
        if viewer.institution is None:
            return viewer.sees_all or viewer.is_holder_of(account_id)
        if heads[account_id].status == "restricted":
            return False
        dealing = dealings[viewer.institution].get(account_id)
        return (
            heads[account_id].opened_by == viewer.institution
            or (dealing is not None and dealing.stands_on(today))
            or account_id in consenting[viewer.institution]
            or any(use.institution == viewer.institution and use.status in ENTITLING for use in used[account_id])
        )

    return [sees(question) for question in questions]


def _asked_by(questions: Sequence[Question], institution: str) -> Collection[UUID]:
    return {question.account_id for question in questions if question.viewer.institution == institution}
