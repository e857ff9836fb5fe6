"""The token endpoint: who gets a token, for what, and how alike everybody else is refused."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import urlsafe_b64encode
from prometheus_client import REGISTRY

from creditbank.api.access import scopes_of
from creditbank.api.rates import Guesses, Rate
from tests.api.bank import Caller, ReadyBank, certificate, on_one_database, open_app
from tests.api.machines import ASSERTION_TYPE, ENDPOINT, ISSUER, Machine, basic, machine, public, register, signed

RSA, P256 = RSAKey.generate_key(2048), ECKey.generate_key("P-256")


@pytest.fixture(scope="module")
def one(bank: ReadyBank) -> Machine:
    """A client that many tests share."""
    return machine(bank)


def _claims(token: str) -> dict[str, Any]:
    return dict(json.loads(jws.extract_compact(token.encode()).payload))


def _refused(answer: Any, error: str = "invalid_client") -> None:
    assert (answer.status_code, answer.json()["error"]) == (401 if error == "invalid_client" else 400, error)
    assert answer.headers["Cache-Control"] == "no-store"


# Who gets one


def test_a_client_that_signs_gets_a_token_that_opens_what_its_role_may(bank: ReadyBank, one: Machine) -> None:
    answer = one.ask()

    assert answer.status_code == 200
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert body["scope"].split() == sorted(scopes_of("issuer"))
    caller = Caller(bank.client, body["access_token"])
    assert caller.get("/v1/organisations").status_code == 200
    posted = caller.post("/v1/certificates", certificate())
    assert posted.status_code == 201
    assert caller.get("/v1/certificates?issuer=OTHER-EVAL&number=1").status_code in (200, 403, 404)
    assert caller.post("/v1/organisations", {}).status_code == 403


def test_what_a_token_did_names_its_client(bank: ReadyBank, one: Machine) -> None:
    awarded = one.caller().post("/v1/certificates", certificate()).json()

    items = bank.authority.get(f"/v1/accounts/{awarded['account_id']}/events").json()["items"]

    assert items[-1]["actor"] == f"BIM-EVAL:{one.client_id}"


def test_a_token_says_who_for_whom_and_for_how_long(one: Machine) -> None:
    first, second = (one.ask(scope="certificates:award").json()["access_token"] for _ in range(2))
    header, claims = jws.extract_compact(first.encode()).protected, _claims(first)

    assert (header["typ"], header["alg"]) == ("at+jwt", "Ed25519")
    assert {name: claims[name] for name in ("iss", "aud", "sub", "client_id", "org", "role", "scope")} == {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": one.client_id,
        "client_id": one.client_id,
        "org": "BIM-EVAL",
        "role": "issuer",
        "scope": "certificates:award",
    }
    assert claims["exp"] - claims["iat"] == 900
    assert claims["jti"] != _claims(second)["jti"]


def test_anybody_can_check_a_token_with_the_published_keys(bank: ReadyBank, one: Machine) -> None:
    token = one.ask().json()["access_token"]
    published = bank.public.get("/.well-known/jwks.json")

    assert published.headers["Cache-Control"] == "public, max-age=300"
    kid = jws.extract_compact(token.encode()).protected["kid"]
    [jwk] = [key for key in published.json()["keys"] if key["kid"] == kid]
    assert "d" not in jwk
    assert jwt.decode(token, OKPKey.import_key(jwk), algorithms=["Ed25519"]).claims["client_id"] == one.client_id


def test_the_metadata_name_what_is_there(bank: ReadyBank) -> None:
    found = bank.public.get("/.well-known/oauth-authorization-server")

    assert found.status_code == 200
    assert found.headers["Cache-Control"] == "public, max-age=300"
    assert (found.json()["issuer"], found.json()["token_endpoint"]) == (ISSUER, ENDPOINT)
    for url in (found.json()["jwks_uri"], found.json()["token_endpoint"]):
        assert bank.client.options(url.removeprefix(ISSUER)).status_code != 404


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(OKPKey.generate_key("Ed25519"), "Ed25519"), (P256, "ES256"), (RSA, "RS256"), (RSA, "PS256")],
)
def test_each_kind_of_key_signs_in_its_own_way(bank: ReadyBank, key: Any, algorithm: str) -> None:
    client = machine(bank, key=key)

    assert client.ask(signed(key, client.claims(), algorithm)).status_code == 200


@on_one_database
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_the_former_name_of_ed25519_is_understood_from_clients(bank: ReadyBank, one: Machine) -> None:
    assert one.ask(signed(one.key, one.claims(), "EdDSA")).status_code == 200


def test_a_secret_comes_in_the_header_or_in_the_form(bank: ReadyBank) -> None:
    made = register(bank, secret=True).json()
    client_id, secret = made["client_id"], made["client_secret"]
    form = {"grant_type": "client_credentials"}

    in_header = bank.client.post("/oauth/token", data=form, headers=basic(client_id, secret))
    in_form = bank.client.post("/oauth/token", data={**form, "client_id": client_id, "client_secret": secret})

    assert [in_header.status_code, in_form.status_code] == [200, 200]
    assert Caller(bank.client, in_form.json()["access_token"]).get("/v1/organisations").status_code == 200


@on_one_database
@pytest.mark.parametrize("audience", [ISSUER, ENDPOINT, [ISSUER], [ENDPOINT]])
def test_an_assertion_is_for_the_issuer_or_its_endpoint(one: Machine, audience: Any) -> None:
    assert one.ask(one.assertion(aud=audience)).status_code == 200


# For what


def test_scopes_can_be_narrowed(bank: ReadyBank, one: Machine) -> None:
    caller = one.caller(scope="certificates:read catalogue:read")

    assert caller.get("/v1/organisations").status_code == 200
    assert caller.post("/v1/certificates", certificate()).status_code == 403


def test_a_narrow_client_gets_no_more_than_it_has(bank: ReadyBank) -> None:
    narrow = machine(bank, scopes=["certificates:award", "catalogue:read"])

    assert narrow.ask().json()["scope"] == "catalogue:read certificates:award"
    assert narrow.ask(scope="catalogue:read").json()["scope"] == "catalogue:read"
    _refused(narrow.ask(scope="catalogue:read certificates:revoke"), "invalid_scope")


@on_one_database
@pytest.mark.parametrize("scope", ["accounts:erase", "nonsense", "certificates:read  catalogue:read", " ", "é", "*"])
def test_scopes_that_the_client_does_not_have_are_refused(one: Machine, scope: str) -> None:
    _refused(one.ask(scope=scope), "invalid_scope")


@on_one_database
def test_a_token_is_for_this_bank_only(one: Machine) -> None:
    assert one.ask(resource=ISSUER).status_code == 200
    _refused(one.ask(resource="https://elsewhere.example"), "invalid_target")


def test_a_token_does_not_outlive_its_client(own_bank: ReadyBank) -> None:
    short = machine(own_bank, expires_at="2026-11-24T12:05:00Z")
    answer = short.ask().json()
    caller = Caller(own_bank.client, answer["access_token"])

    assert answer["expires_in"] == 300
    assert caller.get("/v1/organisations").status_code == 200
    own_bank.clock.pass_by(300 * 1_000_000)
    assert caller.get("/v1/organisations").status_code == 401
    _refused(short.ask())


# Assertions that are refused alike


def _hostile_keys() -> dict[str, Any]:
    """Other keys than the registered one, each signing as well as it can."""
    return {"Ed25519": OKPKey.generate_key("Ed25519"), "ES256": P256, "RS256": RSA}


@on_one_database
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": [ISSUER, "https://elsewhere.example"]},
        {"aud": []},
        {"aud": None},
        {"aud": ISSUER + "/"},
        {"aud": {"url": ISSUER}},
        {"iss": "cbc_0123456789abcdef"},
        {"sub": "cbc_0123456789abcdef"},
        {"iss": "cbc_0123456789abcdef", "sub": "cbc_0123456789abcdef"},
        {"iss": "a\0b", "sub": "a\0b"},
        {"iss": None},
        {"sub": None},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "j" * 257},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": -1},
        {"exp": 1e300},
        {"exp": 10**40},
        {"nbf": "now"},
    ],
    ids=str,
)
def test_an_assertion_must_say_what_it_has_to(one: Machine, changes: dict[str, Any]) -> None:
    _refused(one.ask(one.assertion(**changes)))


@on_one_database
@pytest.mark.parametrize(
    ("claim", "seconds"), [("exp", 0), ("exp", -1), ("exp", 601), ("nbf", 30), ("iat", 30), ("exp", -3600)]
)
def test_an_assertion_is_good_for_a_while_and_not_before_or_after(one: Machine, claim: str, seconds: int) -> None:
    now = one.bank.clock() // 1_000_000
    _refused(one.ask(one.assertion(**{claim: now + seconds})))


def test_an_assertion_is_used_once_over_all_processes(own_bank: ReadyBank, database_url: str, tmp_path: Path) -> None:
    client = machine(own_bank)
    with open_app(database_url, tmp_path, own_bank.clock) as other:
        for first, second in ((own_bank.client, other), (other, own_bank.client)):
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": client.assertion(),
            }
            assert first.post("/oauth/token", data=form).status_code == 200
            _refused(second.post("/oauth/token", data=form))
            _refused(first.post("/oauth/token", data=form))


def test_clients_may_choose_the_same_identifier(bank: ReadyBank) -> None:
    for client in (machine(bank), machine(bank)):
        assert client.ask(client.assertion(jti="the-same")).status_code == 200
        _refused(client.ask(client.assertion(jti="the-same")))


@on_one_database
def test_a_refused_assertion_does_not_use_its_identifier_up(one: Machine) -> None:
    _refused(one.ask(signed(OKPKey.generate_key("Ed25519"), one.claims(jti="mine"), kid=one.key.thumbprint())))

    assert one.ask(one.assertion(jti="mine")).status_code == 200


@on_one_database
@pytest.mark.parametrize("algorithm", ["Ed25519", "ES256", "RS256"])
def test_another_key_does_not_sign_for_the_client(one: Machine, algorithm: str) -> None:
    key = _hostile_keys()[algorithm]
    for kid in (one.key.thumbprint(), key.thumbprint(), None, "../../keys/api-keys"):
        _refused(one.ask(signed(key, one.claims(), algorithm, kid=kid)))
    _refused(one.ask(signed(key, one.claims(), algorithm, jwk=public(key))))


@on_one_database
def test_a_public_key_is_no_shared_secret(bank: ReadyBank, one: Machine) -> None:
    rsa = machine(bank, key=RSA)
    documents = (one.key.as_pem(private=False), one.key.as_dict(private=False)["x"].encode())
    for client, materials in ((one, documents), (rsa, (RSA.as_pem(private=False), RSA.as_der(private=False)))):
        for material in materials:
            for algorithm in ("HS256", "HS512"):
                message = _unsigned(client, alg=algorithm)
                signature = hmac.digest(material, message, f"sha{algorithm[2:]}")
                _refused(client.ask(f"{message.decode()}.{urlsafe_b64encode(signature).decode()}"))


@on_one_database
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "ed25519", "RS512", "ES256K", 5, None, ["Ed25519"]])
def test_the_header_of_a_token_decides_nothing(one: Machine, algorithm: Any) -> None:
    message = _unsigned(one, alg=algorithm)
    signature = urlsafe_b64encode(one.key.private_key.sign(message)).decode()
    _refused(one.ask(f"{message.decode()}."))
    _refused(one.ask(f"{message.decode()}.{signature}"))


def _unsigned(client: Machine, **header: Any) -> bytes:
    """What would be signed."""
    head = {"kid": client.key.thumbprint(), **header}
    return b".".join(urlsafe_b64encode(json.dumps(part).encode()) for part in (head, client.claims()))


def test_an_rsa_key_that_was_narrowed_signs_in_one_way_only(bank: ReadyBank) -> None:
    made = register(bank, jwks={"keys": [public(RSA, alg="PS256")]}).json()
    client = Machine(bank=bank, client_id=made["client_id"], key=RSA)

    assert client.ask(signed(RSA, client.claims(), "PS256")).status_code == 200
    _refused(client.ask(signed(RSA, client.claims(), "RS256")))


@on_one_database
@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"b64": True},
        {"enc": "A256GCM"},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"kid": 5},
        {"kid": {"x": 1}},
        {"kid": "k" * 300},
        {"typ": ["JWT"]},
    ],
    ids=str,
)
def test_what_would_change_the_meaning_of_a_token_is_refused(one: Machine, header: dict[str, Any]) -> None:
    message = _unsigned(one, **{"alg": "Ed25519", **header})
    signature = urlsafe_b64encode(one.key.private_key.sign(message))
    _refused(one.ask((message + b"." + signature).decode()))


@on_one_database
def test_tokens_that_are_too_long_or_nested_are_refused(one: Machine) -> None:
    nested = one.assertion()
    for _ in range(3):
        nested = signed(one.key, {"jwt": nested, **one.claims()}, cty="JWT")
        _refused(one.ask(nested))
    _refused(one.ask(signed(one.key, one.claims(note="n" * 8192))))
    deep = b'{"a":' * 1500 + b"1" + b"}" * 1500
    text = jws.serialize_compact({"alg": "Ed25519"}, deep, one.key, algorithms=["Ed25519"])
    _refused(one.ask(text))
    for payload in (b"[]", b'"text"', b"", b"{", b"\xff", b"1" * 5000):
        _refused(one.ask(jws.serialize_compact({"alg": "Ed25519"}, payload, one.key, algorithms=["Ed25519"])))


@on_one_database
def test_everybody_who_is_refused_hears_the_same(bank: ReadyBank, one: Machine) -> None:
    gone = machine(bank)
    bank.authority.delete(f"/v1/clients/{gone.client_id}")
    nobody = Machine(bank=bank, client_id="cbc_0123456789abcdef")
    made = register(bank, secret=True).json()
    form = {"grant_type": "client_credentials"}
    answers = [
        one.ask(one.assertion(exp=1)),
        one.ask("x"),
        gone.ask(),
        nobody.ask(),
        one.ask(client_id=gone.client_id),
        bank.client.post("/oauth/token", data={**form, "client_id": made["client_id"], "client_secret": "guess"}),
        bank.client.post("/oauth/token", data={**form, "client_id": nobody.client_id, "client_secret": "guess"}),
        bank.client.post("/oauth/token", data={**form, "client_id": "\0", "client_secret": "guess"}),
        bank.client.post("/oauth/token", data={**form, "client_id": one.client_id, "client_secret": "guess"}),
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    in_header = bank.client.post("/oauth/token", data=form, headers=basic(made["client_id"], "guess"))
    assert (in_header.status_code, in_header.content) == (401, answers[0].content)
    assert in_header.headers["WWW-Authenticate"].startswith("Basic")


@on_one_database
def test_refusals_are_counted_by_kind_and_reason(one: Machine) -> None:
    def counted(reason: str) -> float:
        labels = {"kind": "client", "reason": reason}
        return REGISTRY.get_sample_value("creditbank_credentials_refused_total", labels) or 0.0

    sent = {
        "malformed": "x",
        "audience": one.assertion(aud="https://elsewhere.example"),
        "expired": one.assertion(exp=1),
        "early": one.assertion(nbf=one.bank.clock() // 1_000_000 + 60),
        "signature": one.assertion()[:-4] + "AAAA",
        "unknown": signed(one.key, one.claims(), kid="unknown"),
        "algorithm": signed(P256, one.claims(), "ES256", kid=one.key.thumbprint()),
    }
    for reason, assertion in sent.items():
        before = counted(reason)
        _refused(one.ask(assertion))
        assert counted(reason) == before + 1, reason


@pytest.fixture
def own_limits(bank: ReadyBank) -> Iterator[None]:
    """The limits of the bank, to be set to few, and as they were afterwards."""
    state = bank.client.app.state
    rates = state.rates
    yield
    state.rates = rates


@on_one_database
@pytest.mark.usefixtures("own_limits")
def test_clients_cannot_be_guessed_and_tokens_not_fetched_without_end(bank: ReadyBank) -> None:
    client, other, state = machine(bank), machine(bank), bank.client.app.state
    state.rates = replace(state.rates, requests=Rate("requests", 4), guesses=Guesses(Rate("refusals", 3), ()))

    assert other.ask().status_code == 200
    assert [client.ask(client.assertion(exp=1)).status_code for _ in range(4)] == [401, 401, 401, 429]
    assert client.ask().status_code == 429, "whoever was refused that often is not looked at"
    assert other.ask().status_code == 200, "whoever was known before is"

    token = other.ask().json()["access_token"]
    assert Caller(bank.client, token).get("/v1/organisations").status_code == 200
    assert other.ask().json()["code"] == "rate_limited"


# Requests that are none


@on_one_database
@pytest.mark.parametrize(
    ("content", "media_type", "error"),
    [
        (b"", "application/x-www-form-urlencoded", "invalid_request"),
        (b"grant_type=password", "application/x-www-form-urlencoded", "unsupported_grant_type"),
        (b"grant_type=client_credentials", "application/x-www-form-urlencoded", "invalid_client"),
        (b"grant_type=client_credentials&grant_type=x", "application/x-www-form-urlencoded", "invalid_request"),
        (b"grant_type=client_credentials&client_assertion=x", "application/x-www-form-urlencoded", "invalid_request"),
        (b'{"grant_type": "client_credentials"}', "application/json", "invalid_request"),
        (b"grant_type=client_credentials", "text/plain", "invalid_request"),
        (b"grant_type=%ff%fe", "application/x-www-form-urlencoded", "invalid_request"),
        (b"\xff\xfe", "application/x-www-form-urlencoded", "invalid_request"),
        (b"a=1&" * 30, "application/x-www-form-urlencoded", "invalid_request"),
    ],
    ids=str,
)
def test_a_request_for_a_token_has_a_form(bank: ReadyBank, content: bytes, media_type: str, error: str) -> None:
    _refused(bank.client.post("/oauth/token", content=content, headers={"Content-Type": media_type}), error)


@on_one_database
def test_a_client_authenticates_in_one_way(bank: ReadyBank, one: Machine) -> None:
    made = register(bank, secret=True).json()
    header = basic(made["client_id"], made["client_secret"])

    _refused(one.ask(headers=header), "invalid_request")
    _refused(one.ask(client_id=made["client_id"], client_secret=made["client_secret"]), "invalid_request")
    other_type = ASSERTION_TYPE.replace("jwt", "saml2")
    _refused(one.ask(client_assertion_type=other_type), "invalid_request")


@on_one_database
@pytest.mark.parametrize("header", ["Basic", "Basic !!", "Basic eA==", "Bearer x", "Basic " + "A" * 5000, "Digest x"])
def test_an_authorization_header_that_is_none_is_refused(bank: ReadyBank, header: str) -> None:
    form = {"grant_type": "client_credentials"}
    _refused(bank.client.post("/oauth/token", data=form, headers={"Authorization": header}))


@on_one_database
@settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=some.binary(max_size=300) | some.text(max_size=200).map(lambda text: text.encode()))
def test_no_body_ends_in_an_error_of_ours(bank: ReadyBank, content: bytes) -> None:
    answer = bank.client.post(
        "/oauth/token", content=content, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code in (400, 401, 429)


PIECES = some.one_of(
    some.binary(max_size=60).map(lambda content: urlsafe_b64encode(content).decode()),
    some.dictionaries(
        some.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "iss", "sub", "aud", "exp", "jti", "iat"]),
        some.recursive(
            some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
            lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
        ),
        max_size=6,
    ).map(lambda document: urlsafe_b64encode(json.dumps(document).encode()).decode()),
    some.text(some.characters(min_codepoint=32, max_codepoint=255), max_size=40),
)


@on_one_database
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=some.lists(PIECES, max_size=5), whole=some.booleans())
def test_no_token_ends_in_an_error_of_ours(bank: ReadyBank, one: Machine, pieces: list[str], whole: bool) -> None:
    text = ".".join(pieces)
    if whole:  # signed by the client, so that what follows the signature sees it too
        payload = (pieces[0] if pieces else "").encode()
        text = jws.serialize_compact({"alg": "Ed25519"}, payload, one.key, algorithms=["Ed25519"])
    assert one.ask(text or "x").status_code in (400, 401, 429)
    bare = text.strip().encode("latin-1", "replace")
    for scheme in (b"Bearer ", b"DPoP ", b"Bearer eyJ"):
        answer = bank.client.get("/v1/organisations", headers={"Authorization": scheme + bare, "DPoP": bare})
        assert answer.status_code in (401, 429)
