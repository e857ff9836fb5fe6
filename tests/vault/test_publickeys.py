"""Public keys of clients: three kinds are taken, each for its own algorithms; nothing secret and nothing weak is."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

from creditbank.vault.publickeys import KeyUnfit, named, public_key

ED25519, P256, RSA = OKPKey.generate_key("Ed25519"), ECKey.generate_key("P-256"), RSAKey.generate_key(2048)


def public(key: Any, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


def signed(key: Any, algorithm: str) -> tuple[bytes, bytes]:
    text = jws.serialize_compact({"alg": algorithm}, b"message", key, algorithms=[algorithm])
    message, _, signature = text.encode().rpartition(b".")
    return message, urlsafe_b64decode(signature)


@pytest.mark.parametrize(("key", "algorithm"), [(ED25519, "Ed25519"), (P256, "ES256"), (RSA, "RS256"), (RSA, "PS256")])
def test_a_key_verifies_with_its_own_algorithms_only(key: Any, algorithm: str) -> None:
    taken = public_key(public(key))
    message, signature = signed(key, algorithm)
    assert taken.verifies(algorithm, message, signature)
    assert not taken.verifies(algorithm, message + b"x", signature)
    assert not taken.verifies(algorithm, message, b"")
    others = {"none", "HS256", "ES384", "Ed448", "RS512", *("Ed25519", "ES256", "RS256", "PS256")} - {algorithm}
    assert not any(taken.verifies(other, message, signature) for other in others)


def test_the_old_name_of_ed25519_says_the_same_for_a_key_of_that_curve() -> None:
    message, signature = signed(ED25519, "Ed25519")
    assert public_key(public(ED25519)).verifies("EdDSA", message, signature)
    assert not public_key(public(P256)).verifies("EdDSA", message, signature)


def test_an_rsa_key_may_be_narrowed_to_one_algorithm() -> None:
    taken = public_key(public(RSA, alg="PS256"))
    assert taken.algorithms == {"PS256"}
    assert public_key(taken.document).algorithms == {"PS256"}


def test_a_key_without_a_name_is_named_by_its_thumbprint() -> None:
    taken = public_key(public(P256))
    assert taken.kid == taken.thumbprint() == P256.thumbprint()
    assert public_key(public(P256, kid="2026")).kid == "2026"


def test_what_else_stands_in_a_jwk_is_left_out() -> None:
    taken = public_key(public(ED25519, x5u="https://elsewhere.example", note="mine", use="sig", key_ops=["verify"]))
    assert taken.document.keys() == {"kty", "crv", "x", "kid"}


@pytest.mark.parametrize(
    ("jwk", "fault"),
    [
        (ED25519.as_dict(private=True), "key_not_public"),
        (P256.as_dict(private=True), "key_not_public"),
        (RSA.as_dict(private=True), "key_not_public"),
        (OctKey.import_key("a secret that two share").as_dict(), "key_not_public"),
        ({"kty": "oct"}, "key_not_public"),
        (OKPKey.generate_key("X25519").as_dict(private=False), "key_unsupported"),
        (OKPKey.generate_key("Ed448").as_dict(private=False), "key_unsupported"),
        (ECKey.generate_key("P-384").as_dict(private=False), "key_unsupported"),
        ({}, "key_unsupported"),
        ({"kty": ["OKP"], "crv": {}}, "key_unsupported"),
        (public(ED25519, alg="ES256"), "key_unsupported"),
        (public(RSA, alg="HS256"), "key_unsupported"),
        (public(RSA, alg="none"), "key_unsupported"),
        (public(P256, alg=["ES256"]), "key_unsupported"),
        (public(RSA, use="enc"), "key_unsupported"),
        (public(RSA, key_ops=["sign"]), "key_unsupported"),
        (public(RSA, key_ops=7), "key_unsupported"),
        (public(P256, y=P256.as_dict(private=False)["x"]), "key_malformed"),
        (public(ED25519, x="AA"), "key_malformed"),
        (public(ED25519, x=None), "key_malformed"),
        (public(ED25519, x="é" * 40), "key_malformed"),
        (public(ED25519, kid=""), "key_malformed"),
        (public(ED25519, kid=5), "key_malformed"),
        (public(ED25519, kid="a\nb"), "key_malformed"),
        (public(ED25519, kid="k" * 201), "key_malformed"),
        (public(RSA, e="AQ"), "key_malformed"),
        (public(RSA, e=""), "key_malformed"),
        (public(RSA, n="A" * 2000), "key_malformed"),
        (public(RSA, n="AQAB"), "key_too_weak"),
        (public(RSA, n="_" * 684), "key_too_weak"),
    ],
)
def test_other_keys_are_refused(jwk: dict[str, Any], fault: str) -> None:
    with pytest.raises(KeyUnfit) as refused:
        public_key(jwk)
    assert refused.value.fault == fault


def test_a_key_is_chosen_by_its_name_and_without_one_only_where_there_is_one() -> None:
    one, two = public_key(public(ED25519, kid="1")), public_key(public(P256, kid="2"))
    assert named([one, two], "2") is two
    assert named([one, two], None) is None
    assert named([one], None) is one
    assert named([one], "2") is None
    assert named([], None) is None
