"""Cookies: one for the session, one for a sign-in that is under way. Both are out of reach for scripts and subdomains.

Over TLS their names begin with `__Host-`, so that a browser takes them from this very host only. A bank that is
reached at a loopback address without TLS, as the demo is, has cookies of other names.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.types import Scope


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie of the bank, by its name."""

    name: str
    is_secure: bool

    def read(self, scope: Scope) -> list[str]:
        """Every value that a request gives it. Of more than one, not all were set by this host."""
        wanted = self.name.encode()
        return [
            value.strip().decode("latin-1")
            for header, content in scope["headers"]
            if header == b"cookie"
            for name, _, value in (part.partition(b"=") for part in content.split(b";"))
            if name.strip() == wanted
        ]

    def set(self, value: str, seconds: int | None = None) -> str:
        """The header that sets it, for so long; until the browser is closed without a time."""
        attributes = ["Path=/", "HttpOnly", "SameSite=Lax"]
        if self.is_secure:
            attributes.append("Secure")
        if seconds is not None:
            attributes.append(f"Max-Age={seconds}")
        return "; ".join([f"{self.name}={value}", *attributes])

    def drop(self) -> str:
        """The header that makes the browser forget it."""
        return self.set("", 0)


@dataclass(frozen=True, slots=True)
class Cookies:
    """Both cookies of a bank that people reach under one URL."""

    session: Cookie
    sign_in: Cookie


def cookies_of(public_url: str) -> Cookies:
    is_secure = public_url.startswith("https:")
    # Banks on several ports of one machine would else take each other's cookies: hosts are told apart, ports are not.
    prefix = "__Host-creditbank" if is_secure else f"creditbank-local-{urlsplit(public_url).port or 80}"
    return Cookies(Cookie(prefix, is_secure), Cookie(f"{prefix}-sign-in", is_secure))
