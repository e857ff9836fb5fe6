"""Answers about who looked at an account."""

from __future__ import annotations

from pydantic import BaseModel, Field


class AccessActor(BaseModel):
    """Who looked: for which organisation where for one, and by which credential."""

    role: str = Field(examples=["institution"])
    organisation: str | None = Field(examples=["HBVTC"])
    name: str | None = Field(description="The organisation's name.")
    credential: str = Field(description="Public id of a key, client or member; of a share, where it was opened.")


class AccessRecord(BaseModel):
    """A look at personal data. It stands for the same look again within the hour."""

    accessed_at: str
    account_id: str = Field(description="This account, or one that was merged into it.")
    actor: AccessActor
    operation: str = Field(examples=["accounts:read"])
    fields: list[str] = Field(description="Which kinds of data; never the data.", examples=[["balance"]])
    purpose: str = Field(description="As it was said, else what the operation is usually for.")
    on_behalf_of: str | None = Field(description="For whom in the organisation, where it was said.")
