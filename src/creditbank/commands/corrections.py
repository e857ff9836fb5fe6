"""Put a holder's name, document or day of birth right. What stood there before stays sealed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from creditbank.commands.accounts import IfMatch, changed, check_version
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import accounts, errors
from creditbank.domain.events import HolderField
from creditbank.vault import formers, sessions
from creditbank.vault.persons import IdentityDocument, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """What is said to be right, where anything is: name, document, day of birth."""

    name: str | None = None
    document: IdentityDocument | None = None
    birth_date: date | None = None

    def over(self, one: Person) -> Person:
        """The person with these particulars."""
        document = self.document or one.document
        return Person(
            name=self.name or one.name,
            document_type=document.type,
            number=document.number,
            birth_date=self.birth_date or one.birth_date,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectHolder:
    """Correct the holder of an account.

    A changed document still finds the account beside the new one; one that was wrong is let go.
    """

    account_id: UUID
    particulars: Particulars
    cause: Literal["error", "change"]
    reason: str
    if_match: IfMatch = None

    def needs(self) -> Needs:
        document = self.particulars.document
        return Needs(accounts=[self.account_id], documents=[document] if document else [])

    def run(self, draft: Draft) -> Answer:
        head, unit = draft.head(self.account_id), draft.unit
        check_version(head, self.if_match)
        before = draft.person(self.account_id)
        after = self.particulars.over(before) if before else None
        fields = list(_differences(before, after)) if before and after else []
        event = accounts.correct(head, fields, self.cause, self.reason)
        if event is None or before is None or after is None:
            return changed(draft, self.account_id)
        if "document" in fields:
            self._claim(draft, before)
        draft.append(self.account_id, event)
        draft.corrected[self.account_id] = after
        draft.statements.append(
            lambda connection: formers.correct(
                connection, unit.bank.vault, self.account_id, after, self.cause, unit.now
            )
        )
        return changed(draft, self.account_id)

    def _claim(self, draft: Draft, before: Person) -> None:
        document, vault = self.particulars.document, draft.unit.bank.vault
        assert document is not None
        owner = draft.account_of(document)
        if owner not in (None, self.account_id):
            raise errors.DocumentTaken()
        if owner is None:
            draft.person_claims += vault.claims(document, self.account_id)
            draft.persons[document] = self.account_id
        if self.cause == "error":
            draft.persons[before.document] = None
            draft.statements.append(lambda connection: vault.let_go(connection, before.document))
            # Whoever signed in by that document may be somebody else.
            draft.statements.append(lambda connection: sessions.end_of_account(connection, self.account_id))


def _differences(before: Person, after: Person) -> Iterator[HolderField]:
    if before.name != after.name:
        yield "name"
    if before.document != after.document:
        yield "document"
    if before.birth_date != after.birth_date:
        yield "birth_date"
