"""Public keys of clients (RFC 7517): which kinds the bank takes, and with which algorithms each of them may be used.

The algorithms are those of the key. What the header of a token says only chooses among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import base64_to_int

KeyFault = Literal["key_malformed", "key_not_public", "key_unsupported", "key_too_weak"]

ALGORITHMS = ("Ed25519", "EdDSA", "ES256", "PS256", "RS256")
"""All that any key may be used with. `EdDSA` is the name that RFC 9864 replaces; for a key whose curve is known it
says the same as `Ed25519`, and many libraries still write it."""

MOST_KEYS = 10
"""In one set: several overlap while a client rotates its keys."""

RSA_BITS = (2048, 4096)
LONGEST_KID = 200
_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

_ED25519 = frozenset({"Ed25519", "EdDSA"})
_KINDS: Mapping[tuple[Any, Any], tuple[tuple[str, ...], frozenset[str]]] = {
    ("OKP", "Ed25519"): (("crv", "x"), _ED25519),
    ("EC", "P-256"): (("crv", "x", "y"), frozenset({"ES256"})),
    ("RSA", None): (("n", "e"), frozenset({"PS256", "RS256"})),
}
"""By type and curve: the members that make such a key, and what it may be used with."""


class KeyUnfit(ValueError):
    """The bank does not take this key."""

    def __init__(self, fault: KeyFault) -> None:
        super().__init__(fault)
        self.fault: KeyFault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key that signatures are verified with."""

    kid: str
    algorithms: frozenset[str]
    document: Mapping[str, str]
    """The members that make the key, with its `kid`, and its `alg` where it was narrowed to one."""

    key: Key = field(repr=False, compare=False)

    def verifies(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's, made with an algorithm that this key allows."""
        if algorithm not in self.algorithms:
            return False
        name = "Ed25519" if algorithm == "EdDSA" else algorithm
        return JWSRegistry.algorithms[name].verify(message, signature, self.key)

    def thumbprint(self) -> str:
        """RFC 7638, with SHA-256."""
        return self.key.thumbprint()


def public_key(jwk: Mapping[str, Any]) -> PublicKey:
    """The key that a JWK describes. Raises KeyUnfit for private, symmetric, weak and unknown ones."""
    if _SECRET_MEMBERS & jwk.keys() or jwk.get("kty") == "oct":
        raise KeyUnfit("key_not_public")
    operations = jwk.get("key_ops", ["verify"])
    names, algorithms = _kind(jwk)
    wanted = jwk.get("alg")
    if wanted not in (None, *algorithms) or jwk.get("use", "sig") != "sig" or operations != ["verify"]:
        raise KeyUnfit("key_unsupported")
    key = _imported({name: jwk.get(name) for name in ("kty", *names)})
    kid = jwk.get("kid", key.thumbprint())
    if not isinstance(kid, str) or not 1 <= len(kid) <= LONGEST_KID or not kid.isprintable():
        raise KeyUnfit("key_malformed")
    document = {name: str(jwk[name]) for name in ("kty", *names)} | {"kid": kid}
    if wanted is not None and algorithms != _ED25519:
        algorithms, document = frozenset({str(wanted)}), document | {"alg": str(wanted)}
    return PublicKey(kid=kid, algorithms=algorithms, document=document, key=key)


def named(keys: Sequence[PublicKey], kid: str | None) -> PublicKey | None:
    """The key of that name; the only one where no name is given."""
    if kid is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.kid == kid), None)


def _kind(jwk: Mapping[str, Any]) -> tuple[tuple[str, ...], frozenset[str]]:
    kind = (jwk.get("kty"), jwk.get("crv"))
    if not all(isinstance(each, str | None) for each in kind) or kind not in _KINDS:
        raise KeyUnfit("key_unsupported")
    return _KINDS[kind]


def _imported(document: dict[str, Any]) -> Key:
    if not all(isinstance(value, str) and len(value) <= 1024 for value in document.values()):
        raise KeyUnfit("key_malformed")
    kinds: Mapping[str, type[Key]] = {"OKP": OKPKey, "EC": ECKey, "RSA": RSAKey}
    try:
        if document["kty"] == "RSA" and not RSA_BITS[0] <= base64_to_int(document["n"]).bit_length() <= RSA_BITS[1]:
            raise KeyUnfit("key_too_weak")
        return kinds[document["kty"]].import_key(document)
    except KeyUnfit:
        raise
    except (JoseError, ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnfit("key_malformed") from None
