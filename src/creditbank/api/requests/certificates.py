"""Bodies about certificates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from creditbank.api.body import Body
from creditbank.api.fields import CivilDate, Code, Reason, Text
from creditbank.api.requests.persons import AccountHolder, HolderBody
from creditbank.commands.awards import AwardLine
from creditbank.domain import errors, identifiers
from creditbank.domain.certificates import Award
from creditbank.domain.events import (
    Evidence,
    Particulars,
    Score,
)
from creditbank.domain.values import MOST_NUMBER, certificate_id

FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


_BOUND = Field(ge=-MOST_NUMBER, le=MOST_NUMBER)
FieldValue = str | Annotated[int, _BOUND] | Annotated[float, _BOUND] | bool | None
Fields = Annotated[dict[FieldName, FieldValue], Field(max_length=64)]
"""Open fields that rulebooks may read: names of their own, scalar values."""


class ScoreBody(Body):
    value: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    scale: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class EvidenceBody(Body):
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    media_type: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$", max_length=100)]


Hours = (
    Annotated[int, Field(ge=0, le=100_000)] | Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(\.[0-9]{1,4})?$")]
)


class ParticularsBody(Body):
    """What may be said about a certificate beyond the required fields."""

    hours: Hours | None = None
    score: ScoreBody | None = None
    evidence: Annotated[list[EvidenceBody], Field(max_length=20)] = []
    fields: Fields = {}

    def domain_values(self) -> dict[str, Any]:
        """The stated values, as the domain has them."""
        stated = {name: getattr(self, name) for name in self.model_fields_set & {"hours", "fields"}}
        if "score" in self.model_fields_set:
            stated["score"] = self.score and Score(value=self.score.value, scale=self.score.scale)
        if "evidence" in self.model_fields_set:
            stated["evidence"] = tuple(Evidence(sha256=one.sha256, media_type=one.media_type) for one in self.evidence)
        return stated


class CertificateBody(ParticularsBody):
    """A certificate as its issuer posts it."""

    issuer: Code
    number: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1F\x7F-\x9F]*$")]
    standard: Code
    level: Text
    issued_on: CivilDate
    expires_on: CivilDate | None = None
    holder: HolderBody | AccountHolder
    site: Text | None = None
    assessment_mode: Literal["on_site", "online"] | None = None
    learner_group: Literal["student", "graduate", "rural", "unemployed", "veteran", "employee", "other"] | None = None
    subsidised: bool | None = None
    external_id: Text | None = None

    @field_validator("holder", mode="before")
    @classmethod
    def _one_kind_of_holder(cls, value: Any) -> Any:
        # Chosen by what is there, so that faults speak of the kind that was meant.
        if isinstance(value, dict):
            return (AccountHolder if "account_id" in value else HolderBody).model_validate(value)
        return value

    @model_validator(mode="after")
    def _in_order(self) -> CertificateBody:
        if self.expires_on is not None and self.expires_on < self.issued_on:
            raise PydanticCustomError("dates_reversed", "A certificate cannot expire before it is issued.")
        return self

    def line(self) -> AwardLine:
        """What the command takes. Raises IdentityNumberInvalid."""
        named = self.holder
        holder = named.account_id if isinstance(named, AccountHolder) else named.holder()
        number = identifiers.normalise_certificate_number(self.number)
        if not number:
            fault = errors.Fault(code="too_short", pointer="/number", detail="Holds no visible sign.")
            raise errors.Invalid(faults=[fault])
        award = Award(
            certificate_id=certificate_id(self.issuer, number),
            issuer=self.issuer,
            number=self.number.strip(),
            standard=self.standard,
            level=self.level,
            issued_on=self.issued_on,
            expires_on=self.expires_on,
            particulars=self._particulars(),
        )
        return AwardLine(award=award, holder=holder)

    def _particulars(self) -> Particulars | None:
        names = {"site", "assessment_mode", "learner_group", "subsidised", "external_id"}
        stated = self.domain_values() | {name: getattr(self, name) for name in self.model_fields_set & names}
        return Particulars(**stated) if stated else None


class BatchBody(Body):
    """Up to 5,000 certificates; each line is judged by itself."""

    items: Annotated[list[Any], Field(min_length=1, max_length=5000)]
    mode: Literal["partial", "atomic"] = "partial"
    dry_run: bool = False


class ChangesBody(ParticularsBody):
    """What an amendment may change: never issuer, number or person."""

    level: Text | None = None
    issued_on: CivilDate | None = None
    expires_on: CivilDate | None = None

    @model_validator(mode="after")
    def _something(self) -> ChangesBody:
        if not self.model_fields_set:
            raise PydanticCustomError("nothing_to_change", "Names nothing to change.")
        for name in ("level", "issued_on"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise PydanticCustomError("wrong_type", "Level and day of issue cannot be taken away.")
        return self

    def changes(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.model_fields_set & {"level", "issued_on", "expires_on"}}
        return plain | self.domain_values()


class AmendmentBody(Body):
    changes: ChangesBody
    reason: Reason


class RevocationBody(Body):
    reason: Reason
    effective_from: CivilDate | None = None
