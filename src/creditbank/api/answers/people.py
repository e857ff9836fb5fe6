"""Answers about members, about sessions, and about who asks."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Member(BaseModel):
    """A person who may sign in and act. Events name the member by its id."""

    member_id: str = Field(examples=["member-0123456789abcdef"])
    issuer: str
    subject: str
    role: str
    organisation: str | None
    status: Literal["active", "expired", "removed"]
    created_at: str
    created_by: str
    expires_at: str | None
    removed_at: str | None


class SessionListed(BaseModel):
    """One of somebody's sessions."""

    session_id: str = Field(examples=["session-0123456789abcdef"])
    signed_in_at: str
    authenticated_at: str | None = Field(description="When the identity provider last saw proof of who it is.")
    last_seen_at: str
    expires_at: str = Field(description="When it is over unless it is used again before.")
    is_current: bool = Field(description="Whether this answer goes to it.")


class WhoAmI(BaseModel):
    """Who asks, as the bank understands the credentials. Of keys and tokens the last four are null."""

    role: str
    organisation: str | None
    account_id: str | None
    credential: str = Field(description="Public id of the key, client or session.")
    person: str | None = Field(description="The member, or the learner's account: events name it.")
    signed_in_at: str | None
    authenticated_at: str | None
    expires_at: str | None = Field(description="When the session is over unless it is used again before.")
