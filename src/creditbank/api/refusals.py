"""Credentials that were refused: what was wrong with them is counted and never told to the one who sent them."""

from __future__ import annotations

from typing import Literal

from prometheus_client import Counter
from starlette.types import Scope

from creditbank.domain import errors

Kind = Literal["none", "unknown", "api_key", "access_token", "proof", "client", "session", "id_token"]
"""What was sent: nothing, something of no kind we know, or one of the kinds that have a module of their own."""

Reason = Literal[
    "missing",
    "malformed",
    "unknown",
    "algorithm",
    "signature",
    "audience",
    "claims",
    "expired",
    "early",
    "replayed",
    "unbound",
    "ended",
    "suspended",
]
"""Why it was refused. Bounded, as labels of a metric must be: nothing of what was sent is among them."""

_refused = Counter("creditbank_credentials_refused", "Credentials refused, by kind and reason.", ["kind", "reason"])


class CredentialRefused(errors.Unauthenticated):
    """Raised by whatever reads credentials. The caller gets the same answer for every reason."""

    def __init__(self, kind: Kind, reason: Reason) -> None:
        super().__init__()
        self.kind = kind
        self.reason = reason


def report(_scope: Scope, refused: CredentialRefused) -> None:
    """Told once about every credential that a request was refused for."""
    _refused.labels(refused.kind, refused.reason).inc()
