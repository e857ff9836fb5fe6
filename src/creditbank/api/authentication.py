"""Turns the credentials of a request into its principal, whatever kind they are; every fault is refused alike."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from creditbank.api import refusals
from creditbank.api.keyring import KeyRing
from creditbank.api.principals import Principal
from creditbank.api.refusals import CredentialRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """The one place that knows all kinds of credentials, and where each refusal of one is reported."""

    keys: KeyRing

    async def principal(self, request: Request) -> Principal:
        """Who asks. Raises Unauthenticated, alike for every fault."""
        try:
            return await self._principal(request)
        except CredentialRefused as refused:
            refusals.report(request.scope, refused)
            raise

    def forget_organisation(self, code: str) -> None:
        """Look again, before the next request, whether an organisation may ask for anything."""
        self.keys.forget_organisation(code)

    async def _principal(self, request: Request) -> Principal:
        authorization = request.headers.get("authorization")
        if authorization is None:
            raise CredentialRefused("none", "missing")
        scheme, _, credentials = authorization.partition(" ")
        credentials = credentials.strip()
        match scheme.lower(), credentials[:3]:
            case "bearer", "cb_":
                return await self.keys.principal(credentials)
            case _:
                raise CredentialRefused("unknown", "malformed")
