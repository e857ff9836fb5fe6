"""Bodies about eligibility, exemptions, conversions and reservations."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from creditbank.api.body import Body
from creditbank.api.fields import CivilDate, Code, Instant, Reason, Text, Uuid
from creditbank.api.requests.certificates import FieldName
from creditbank.domain.events import (
    Scalar,
)
from creditbank.domain.situations import Wish


class ReleaseBody(Body):
    """Why a reservation is given up, where one says so."""

    reason: Reason = "released by the institution"


class ProgrammeName(Body):
    institution: Code
    code: Code

    @property
    def pair(self) -> tuple[str, str]:
        return self.institution, self.code


class WishBody(Body):
    """One wish. Further scalar fields are the request's own, for rulebooks that read `r.*`."""

    model_config = {"extra": "allow", "strict": True, "hide_input_in_errors": True, "allow_inf_nan": False}
    __pydantic_extra__: dict[FieldName, Scalar]

    certificate_id: Uuid | None = None
    certificate_ids: Annotated[list[Uuid], Field(min_length=1, max_length=50)] | None = None
    target: Code | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> WishBody:
        if (self.certificate_id is None) is (self.certificate_ids is None):
            raise PydanticCustomError("field_missing", "Names either certificate_id or certificate_ids.")
        return self

    def wish(self) -> Wish:
        ids = self.certificate_ids or ([self.certificate_id] if self.certificate_id else [])
        return Wish(
            certificate_ids=tuple(dict.fromkeys(ids)),
            target=self.target,
            fields=self.__pydantic_extra__,
        )


class UseBody(Body):
    """What an institution asks for, for one account and programme."""

    account_id: Uuid
    programme: ProgrammeName
    applied_on: CivilDate | None = None
    requests: Annotated[list[WishBody], Field(min_length=1, max_length=200)]
    mode: Literal["partial", "atomic"] = "partial"


class ReservationBody(UseBody):
    """As an exemption or conversion, held until a moment at most 30 days ahead."""

    expires_at: Instant


class EligibilityBody(Body):
    """As an exemption. Without `requests` the bank proposes the best set."""

    account_id: Uuid
    programme: ProgrammeName
    applied_on: CivilDate | None = None
    requests: Annotated[list[WishBody], Field(min_length=1, max_length=200)] | None = None
    as_of: CivilDate | None = None
    known_at: Instant | None = None


class AwardCheckBody(Body):
    account_id: Uuid
    programme: ProgrammeName
    award: Text
    applied_on: CivilDate | None = None


class EvaluationBody(Body):
    """A rulebook's rules and a situation: see the rulebook format."""

    rules: dict[str, Any]
    op: Literal["convert", "award", "credit_points"]
    given: dict[str, Any]


class ApprovalBody(Body):
    role: Text


class ReviewBody(Body):
    outcome: Literal["upheld", "withdrawn"]
    reason: Reason
