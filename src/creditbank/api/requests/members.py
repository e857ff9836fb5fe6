"""Bodies about members."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from creditbank.api.body import Body
from creditbank.api.fields import Code, Instant
from creditbank.api.messages import FAULTS


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("pattern_mismatch", FAULTS["pattern_mismatch"].en)
    return text


Named = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_printable)]
"""An issuer or a subject, as its identity provider writes it: compared letter by letter."""


class MemberBody(Body):
    """Only a member of the authority may be of no organisation."""

    subject: Annotated[Named, Field(description="The `sub` of the person at the identity provider.")]
    issuer: Annotated[Named | None, Field(description="The bank's own identity provider without it.")] = None
    role: Literal["authority", "issuer", "institution", "auditor"]
    organisation: Code | None = None
    expires_at: Annotated[Instant | None, Field(description="An auditor always ceases to be one.")] = None

    @model_validator(mode="after")
    def _of_somebody(self, _info: ValidationInfo) -> MemberBody:
        if self.organisation is None and self.role != "authority":
            raise PydanticCustomError("organisation_missing", FAULTS["organisation_missing"].en)
        return self
