"""Turns the credentials of a request into its principal, whatever kind they are; every fault is refused alike."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from creditbank.api import refusals
from creditbank.api.keyring import KeyRing
from creditbank.api.principals import Principal
from creditbank.api.rates import rates_of
from creditbank.api.refusals import CredentialRefused
from creditbank.api.sessions.ring import SessionRing
from creditbank.api.tokens.office import TokenOffice

_NO_GUESS = {"expired", "ended", "suspended"}
"""Why credentials are refused that were good once: their owners may share an address with many others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """The one place that knows all kinds of credentials, and where each refusal of one is reported."""

    keys: KeyRing
    tokens: TokenOffice
    sessions: SessionRing

    async def principal(self, request: Request) -> Principal:
        """Who asks. Raises Unauthenticated, alike for every fault, and RateLimited after too many of them.

        Cookies are looked at only where there is no Authorization header, which no other site can make a browser send.
        """
        guesses, authorization = rates_of(request).guesses, request.headers.get("authorization")
        credentials = authorization
        try:
            if authorization is None:
                credentials = self.sessions.secret(request)
            guesses.require(request.scope, credentials)
            principal = await self._principal(request, authorization, credentials)
        except CredentialRefused as refused:
            refusals.report(request.scope, refused)
            if credentials is not None and refused.reason not in _NO_GUESS:
                guesses.refused(request.scope, credentials)
            raise
        guesses.accepted(credentials)
        return principal

    def forget_organisation(self, code: str) -> None:
        """Look again, before the next request, whether an organisation may ask for anything."""
        self.keys.forget_organisation(code)
        self.tokens.clients.forget_organisation(code)
        self.sessions.forget_organisation(code)

    async def _principal(self, request: Request, authorization: str | None, secret: str | None) -> Principal:
        if authorization is None:
            if secret is None:
                raise CredentialRefused("none", "missing")
            return await self.sessions.principal(request, secret)
        scheme, _, credentials = authorization.partition(" ")
        credentials = credentials.strip()
        match scheme.lower(), credentials[:3]:
            case "bearer", "cb_":
                return await self.keys.principal(credentials)
            case ("bearer" | "dpop") as bound, "eyJ":
                return await self.tokens.reader.principal(request, bound, credentials)
            case _:
                raise CredentialRefused("unknown", "malformed")
