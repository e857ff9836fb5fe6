"""Answers about acts that wait for a second person."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from creditbank.domain.acts import ActName


class PendingApproval(BaseModel):
    """Nothing is done yet: another person has to approve it by then."""

    approval_id: str
    act: ActName
    state: Literal["pending"]
    expires_at: str


class Approval(BaseModel):
    approval_id: str
    act: ActName
    state: Literal["pending", "approved", "refused", "expired"]
    asked: dict[str, Any] = Field(description="What is to be done, as it was asked for.")
    requested_at: str
    requested_by: str
    expires_at: str
    decided_at: str | None
    decided_by: str | None
    reason: str | None = Field(description="Why it was refused or withdrawn.")
