"""Bodies about persons and their accounts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from creditbank.api.body import Body
from creditbank.api.fields import CivilDate, Reason, Text, Uuid
from creditbank.domain import errors, identifiers
from creditbank.vault.persons import Person

DocumentType = Literal["CN-RIC", "CN-HKM", "CN-TW", "CN-FPR", "PASSPORT", "LOCAL"]


class Document(Body):
    """An identity document: its type and its number, which is normalised and checked."""

    type: DocumentType
    number: Annotated[str, StringConstraints(min_length=1, max_length=64)]

    def normalised(self) -> str:
        """Raises IdentityNumberInvalid."""
        try:
            return identifiers.normalise(self.type, self.number)
        except identifiers.InvalidIdentifier as error:
            raise errors.IdentityNumberInvalid(facts={"type": self.type}) from error

    def unnamed_person(self) -> Person:
        """The person behind the document, for a look-up. Raises IdentityNumberInvalid."""
        return Person(name="", document_type=self.type, number=self.normalised())


class HolderBody(Body):
    """A person: name as issued and identity document."""

    name: Text
    document: Document
    birth_date: CivilDate | None = None

    def person(self) -> Person:
        return Person(
            name=self.name,
            document_type=self.document.type,
            number=self.document.normalised(),
            birth_date=self.birth_date,
        )


class AccountHolder(Body):
    """A holder named by the account."""

    account_id: Uuid


class OpenAccountBody(Body):
    holder: HolderBody


class LookUpBody(Body):
    document: Document


class AccountsBatchBody(Body):
    items: Annotated[list[Any], Field(min_length=1, max_length=5000)]
    dry_run: bool = False


class ReasonBody(Body):
    reason: Reason


class MergeBody(Body):
    merged: Uuid
    reason: Reason
