"""A sign-in that is under way, kept in a sealed cookie: only the browser that began it can end it.

Nothing is stored for somebody who merely begins, so that nobody can fill the database by it.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from os import urandom
from secrets import token_urlsafe

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import from_json, to_json

from creditbank.web.faults import SignInFailed

FLOW_SECONDS = 600
"""How long somebody may take at the identity provider."""

HOME = "/"
LONGEST_RETURN = 512

_PURPOSE = b"creditbank/sign-in/1"
_NONCE = 12
_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", re.ASCII)
"""A path of this host: no second slash that would make it another host's, no backslash, which browsers read as one,
and no blanks or control characters, which they leave out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What the browser was sent away with. `started_at` in microseconds, `max_age` in seconds."""

    return_to: str
    started_at: int
    max_age: int | None = None
    as_learner: bool = False
    state: str = field(default_factory=lambda: token_urlsafe(32), repr=False)
    nonce: str = field(default_factory=lambda: token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: token_urlsafe(48), repr=False)

    @property
    def ends_at(self) -> int:
        return self.started_at + FLOW_SECONDS * 1_000_000


class FlowSeal:
    """Seals flows under a key that all processes of the bank derive from the same secret."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(hmac.digest(secret, _PURPOSE, sha256))

    def seal(self, flow: Flow) -> str:
        nonce = urandom(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, to_json(asdict(flow)), _PURPOSE)
        return urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, text: str, now: int) -> Flow:
        """Raises SignInFailed for what this bank did not seal, and for what took too long."""
        try:
            sealed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            content = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _PURPOSE)
        except (UnicodeEncodeError, NotBase64, InvalidTag, ValueError):
            raise SignInFailed("cookie") from None
        flow = Flow(**from_json(content))
        if not flow.started_at <= now < flow.ends_at:
            raise SignInFailed("expired")
        return flow


def local_path(return_to: str | None) -> str:
    """Where to go after signing in: a path of the bank, or its first page for anything else."""
    if return_to is None or len(return_to) > LONGEST_RETURN or not _LOCAL.fullmatch(return_to):
        return HOME
    return return_to
