"""Turns the credentials of a request into its principal, whatever kind they are; every fault is refused alike."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from creditbank.api.keyring import KeyRing
from creditbank.api.principals import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """The one place that knows all kinds of credentials."""

    keys: KeyRing

    async def principal(self, request: Request) -> Principal:
        """Who asks. Raises Unauthenticated, alike for every fault."""
        return await self.keys.principal(request.headers.get("authorization"))
