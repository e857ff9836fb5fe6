"""Bodies about what a learner allows and asks for: consents, shares and requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from creditbank.api.body import Body
from creditbank.api.fields import CivilDate, Code, Instant, Reason, Text, Uuid
from creditbank.domain.events import RequestKind, ShareKind


class ConsentBody(Body):
    """An institution may deal with the account until a day, that day included."""

    institution: Code
    purpose: Text
    until: CivilDate


class ShareBody(Body):
    """What whoever has the secret may see. `certificates` narrows down which ones are shown."""

    what: ShareKind
    certificates: Annotated[list[Uuid], Field(min_length=1, max_length=200)] | None = None
    purpose: Text
    holder_name: Literal["masked", "clear"] = "masked"
    expires_at: Instant

    @model_validator(mode="after")
    def _fits(self) -> ShareBody:
        if self.certificates is not None and self.what != "certificates":
            raise PydanticCustomError("value_invalid", "Certificates are named where certificates are shared.")
        return self


class SecretBody(Body):
    secret: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class RequestBody(Body):
    """What the learner wants of the authority, in words of the own."""

    kind: RequestKind
    text: Reason | None = None


class SettlementBody(Body):
    outcome: Literal["done", "declined"]
    reason: Reason
