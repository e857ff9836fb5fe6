"""Bodies about persons and their accounts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from creditbank.api.body import Body
from creditbank.api.fields import CivilDate, Reason, Text, Uuid
from creditbank.api.messages import FAULTS
from creditbank.commands.corrections import Particulars
from creditbank.domain import errors, identifiers
from creditbank.vault.persons import Holder, IdentityDocument, Person

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
    guardian_consent: bool = False

    def person(self) -> Person:
        return Person(
            name=self.name,
            document_type=self.document.type,
            number=self.document.normalised(),
            birth_date=self.birth_date,
        )

    def holder(self) -> Holder:
        """The person as a holder to be. Raises IdentityNumberInvalid."""
        return Holder(person=self.person(), guardian_consent=self.guardian_consent)


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


class CorrectedHolder(Body):
    """What is right from now on; what is not named stays."""

    name: Text | None = None
    document: Document | None = None
    birth_date: CivilDate | None = None

    @model_validator(mode="after")
    def _says_something(self) -> CorrectedHolder:
        if self.name is None and self.document is None and self.birth_date is None:
            raise PydanticCustomError("too_few", FAULTS["too_few"].en)
        return self

    def particulars(self) -> Particulars:
        """Raises IdentityNumberInvalid."""
        named = self.document
        document = None if named is None else IdentityDocument(named.type, named.normalised())
        return Particulars(name=self.name, document=document, birth_date=self.birth_date)


class CorrectionBody(Body):
    """`error`: what stood there was never true. `change`: it was true until now."""

    holder: CorrectedHolder
    cause: Literal["error", "change"]
    reason: Reason


class MergeBody(Body):
    merged: Uuid
    reason: Reason
