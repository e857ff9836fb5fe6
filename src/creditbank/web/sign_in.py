"""From the identity provider's word to a session: what is asked of it, and what is made of the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from creditbank.api.refusals import CredentialRefused
from creditbank.api.tokens.used_once import UsedOnce
from creditbank.commands.bank import Bank
from creditbank.commands.sign_in import Identified, open_session
from creditbank.domain.identifiers import InvalidIdentifier, normalise
from creditbank.vault.persons import IdentityDocument
from creditbank.vault.sessions import Session
from creditbank.web.faults import SignInFailed
from creditbank.web.flow import Flow, FlowSeal
from creditbank.web.id_tokens import IdToken
from creditbank.web.provider import Provider

SKEW_MICROSECONDS = 60 * 1_000_000
"""By how much the provider's clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class DocumentClaims:
    """What the provider calls the type and the number of an identity document."""

    type: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Signs people in at one provider."""

    bank: Bank
    provider: Provider
    seal: FlowSeal
    used: UsedOnce
    document: DocumentClaims

    async def finish(self, flow: Flow, code: str, issuer: str | None, former: Sequence[str]) -> tuple[Session, str]:
        """A session for whoever the provider says has signed in, with its secret; those of `former` secrets end.

        Raises SignInFailed, ProviderUnavailable, and what `open_session` raises.
        """
        wanted = (self.document.type, self.document.number)
        claims, others = await self.provider.claims(flow, code, issuer, wanted)
        identified = Identified(
            issuer=claims.iss,
            subject=claims.sub,
            document=self._document(others),
            authenticated_at=_authenticated_at(flow, claims),
            as_learner=flow.as_learner,
        )
        try:
            await self.used.use("id_token", claims.iss, flow.nonce, flow.ends_at)
        except CredentialRefused:
            raise SignInFailed("replayed") from None
        return await asyncio.to_thread(open_session, self.bank, identified, former)

    def _document(self, claims: Mapping[str, Any]) -> IdentityDocument | None:
        """The document in its one form; None where it is not told, or cannot be one."""
        kind, number = claims.get(self.document.type), claims.get(self.document.number)
        if not isinstance(kind, str) or not isinstance(number, str):
            return None
        try:
            return IdentityDocument(kind, normalise(kind, number))
        except InvalidIdentifier:
            return None


def _authenticated_at(flow: Flow, claims: IdToken) -> int | None:
    """When the person proved who it is. Raises SignInFailed where that should be recent, and is not or is not told."""
    told = None if claims.auth_time is None else int(claims.auth_time * 1_000_000)
    if flow.max_age is not None:
        earliest = flow.started_at - flow.max_age * 1_000_000 - SKEW_MICROSECONDS
        if told is None or told < earliest:
            raise SignInFailed("authentication_time")
    return told
