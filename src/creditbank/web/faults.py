"""Why somebody could not be signed in. They are told little; operators find the reason in the log and the metrics."""

from __future__ import annotations

from typing import Literal

from creditbank.domain.errors import Malformed, NotFound, Unavailable

Reason = Literal[
    "cookie", "state", "issuer", "refused_there", "code", "token", "nonce", "audience", "expired", "early",
    "signature", "algorithm", "key", "replayed", "authentication_time", "subject",
]  # fmt: skip
"""Bounded, as labels of a metric must be: nothing of what was sent is among them."""


class SignInFailed(Malformed):
    """What came back from the identity provider is not the answer to what this browser was sent there with."""

    code = "sign_in_failed"

    def __init__(self, reason: Reason) -> None:
        super().__init__()
        self.reason = reason


class SignInNotConfigured(NotFound):
    """The bank has no identity provider."""

    code = "sign_in_not_configured"


class ProviderUnavailable(Unavailable):
    """The identity provider does not answer, or not as one does."""

    code = "provider_unavailable"
    retry_after = 10
