"""Hostile input: whatever is sent, the answer is a problem with a stable code, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.bank import (
    PROGRAMME,
    RULES,
    STANDARD,
    Caller,
    ReadyBank,
    certificate,
    on_one_database,
    on_the_other,
    person,
    wishes,
)

NOWHERE = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"
REASON = {"reason": "x"}
PROGRAMME_NAME = {"institution": "HBVTC", "code": "CONSTR-2026"}
SMALL = {"sources": [{"match": {"o.rank": {"ge": 2}}, "value": {"fixed": 3}}]}
WISH = {"certificate_id": NOWHERE, "target": "C1"}

BODIES: dict[str, tuple[str, Any]] = {
    "/v1/organisations": ("authority", {"code": "H", "name": "H", "roles": ["issuer"], "uscc": None, "aliases": ["H"]}),
    "/v1/organisations/BIM-EVAL/accreditations": (
        "authority",
        {"standard": "BIM", "levels": ["初级"], "valid_from": "2020-01-01", "valid_until": "2021-01-01"},
    ),
    f"/v1/organisations/BIM-EVAL/accreditations/{NOWHERE}/withdrawal": (
        "authority",
        {"effective_from": "2025-01-01", **REASON},
    ),
    "/v1/organisations/BIM-EVAL/keys": ("authority", {"role": "issuer", "expires_at": "2027-01-01T00:00:00Z"}),
    "/v1/standards": ("authority", {**STANDARD, "code": "H", "fields": {"a": 1}}),
    "/v1/programmes": ("institution", {"institution": "HBVTC", **PROGRAMME, "code": "H"}),
    "/v1/rulebooks/hostile/versions": ("institution", {"rules": SMALL, "effective_from": "2020-01-01"}),
    "/v1/rulebooks:evaluate": ("institution", {"rules": SMALL, "op": "convert", "given": {"applied_on": "2026-09-01"}}),
    "/v1/accounts": ("institution", {"holder": {**person(), "birth_date": "2000-01-01"}}),
    "/v1/accounts:batch": ("institution", {"items": [{"holder": person()}], "dry_run": True}),
    "/v1/accounts/lookup": ("institution", {"document": person()["document"]}),
    f"/v1/accounts/{NOWHERE}/suspension": ("authority", REASON),
    f"/v1/accounts/{NOWHERE}/restriction": ("authority", REASON),
    f"/v1/accounts/{NOWHERE}/correction": (
        "authority",
        {"holder": {**person(), "birth_date": "2000-01-01"}, "cause": "error", **REASON},
    ),
    f"/v1/requests/{NOWHERE}/settlement": ("authority", {"outcome": "done", **REASON}),
    # Of an organisation that has no records: others on this bank are erased.
    "/v1/organisations/AUDIT/retention": ("authority", {"kind": "certificate", "years": 3, "basis": "x"}),
    f"/v1/accounts/{NOWHERE}/merge": ("authority", {"merged": NOWHERE, **REASON}),
    f"/v1/accounts/{NOWHERE}/erasure": ("authority", REASON),
    "/v1/certificates": (
        "issuer",
        certificate(
            expires_on="2030-01-01",
            hours=3,
            score={"value": "1", "scale": "s"},
            evidence=[{"sha256": "a" * 64, "media_type": "a/b"}],
            fields={"f": 1},
        ),
    ),
    "/v1/certificates:batch": ("issuer", {"items": [certificate()], "mode": "partial", "dry_run": True}),
    f"/v1/certificates/{NOWHERE}/amendment": ("issuer", {"changes": {"level": "高级"}, **REASON}),
    f"/v1/certificates/{NOWHERE}/revocation": ("issuer", {"effective_from": "2026-08-01", **REASON}),
    f"/v1/certificates/{NOWHERE}/hold": ("issuer", REASON),
    "/v1/eligibility": ("institution", wishes(NOWHERE, WISH, as_of="2026-11-01")),
    "/v1/award-checks": ("institution", {"account_id": NOWHERE, "programme": PROGRAMME_NAME, "award": "x"}),
    "/v1/exemptions": ("institution", wishes(NOWHERE, WISH)),
    "/v1/conversions": ("institution", wishes(NOWHERE, {"certificate_id": NOWHERE})),
    "/v1/reservations": ("institution", wishes(NOWHERE, WISH, expires_at="2026-12-01T00:00:00Z")),
    f"/v1/exemptions/{NOWHERE}/reversal": ("institution", REASON),
    f"/v1/exemptions/{NOWHERE}/review": ("institution", {"outcome": "upheld", **REASON}),
    f"/v1/reservations/{NOWHERE}/release": ("institution", REASON),
}
"""A body for each kind of write, which would be understood."""

every_write = pytest.mark.parametrize("path", BODIES)


def _caller(bank: ReadyBank, path: str) -> Caller:
    return getattr(bank, BODIES[path][0])


def _assert_refused(answer: Any, path: str, *codes: str) -> None:
    assert 400 <= answer.status_code < 500, (path, answer.status_code, answer.text)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not codes or answer.json()["code"] in codes, (path, answer.text)


NOT_JSON = [
    b"{",
    b"}",
    b'{"reason": "x"',
    b'{"reason": "x"} {}',
    b"{'reason': 'x'}",
    b'{"reason": NaN}',
    b'{"reason": Infinity}',
    b'{"reason": 1e400}',
    b'{"reason": 01}',
    b'{"reason": "x",}',
    b'{"reason": "x", "reason": "y"}',
    b'{"reason": "\\ud800"}',
    b'{"reason": "\xff\xfe"}',
    b'{"reason": "\x00"}',
    b'\xef\xbb\xbf{"reason": "x"}',
    '{"reason": "x"}'.encode("utf-16"),
    b"[" * 30_000,
    b"[" * 30_000 + b"]" * 30_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"reason": ' + b"9" * 5_000 + b"}",
]


@on_one_database
@every_write
def test_what_is_not_json_is_malformed(bank: ReadyBank, path: str) -> None:
    before = bank.events()

    for content in NOT_JSON:
        # A number of thousands of digits is JSON, and no field of ours takes it.
        codes = ("malformed_json", "validation_failed") if b"99999" in content else ("malformed_json",)
        _assert_refused(_caller(bank, path).send(path, content), path, *codes)
    assert bank.events() == before


@on_one_database
@every_write
def test_only_an_object_of_known_fields_is_understood(bank: ReadyBank, path: str) -> None:
    fit = BODIES[path][1]
    before = bank.events()

    for body in ([], [fit], "x", 7, True, {**fit, "surprise": 1}, {**fit, "__proto__": {}}, {**fit, "王小明": 1}):
        answer = _caller(bank, path).post(path, body)
        _assert_refused(answer, path, "validation_failed")
        assert "王小明" not in answer.text
    assert bank.events() == before


@on_one_database
@every_write
def test_another_media_type_is_not_read(bank: ReadyBank, path: str) -> None:
    content = json.dumps(BODIES[path][1]).encode()

    for media_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "json",
        "",
    ):
        answer = _caller(bank, path).send(path, content, media_type=media_type)
        _assert_refused(answer, path, "unsupported_media_type")
        assert answer.status_code == 415


@on_one_database
@every_write
def test_a_body_that_is_too_large_is_not_read(bank: ReadyBank, path: str) -> None:
    limit = 8 << 20 if path.endswith(":batch") else 4 << 20 if path.startswith("/v1/rulebooks") else 64 << 10

    answer = _caller(bank, path).send(path, b'{"reason": "' + b"x" * limit + b'"}')

    _assert_refused(answer, path, "body_too_large")
    assert answer.status_code == 413


LEAVES: list[Any] = [
    None,
    True,
    -1,
    1.5,
    10**400,
    1e308,
    "",
    "a\0b",
    "9" * 400,
    "９" * 70,
    "2026-02-30",
    "0000-00-00",
    "9999-12-31",
    "1e3",
    "\u202e",
    [],
    {"a": {"b": 1}},
    [[None]],
]
STORED: list[Any] = [None, 1.5, "a\0b", "9" * 400, "９" * 70, "9999-12-31", "\u202e"]
"""Of each kind one that gets as far as a database in some field, and what none may get. The form of others is wrong."""


def _mutants(body: Any, leaves: Sequence[Any] = LEAVES) -> list[Any]:
    """The body with each of its leaves replaced by something hostile."""
    return [_with(body, place, leaf) for place in _places(body) for leaf in leaves]


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, dict | list) or not value:
        return [place]
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1])
    return [found for name, item in inner for found in _places(item, (*place, name))]


def _with(body: Any, place: tuple[Any, ...], leaf: Any) -> Any:
    changed = deepcopy(body)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = leaf
    return changed


QUIET = {path for path in BODIES if NOWHERE in path or path.endswith((":batch", ":evaluate", "/eligibility"))}
"""Writes that find nothing to write to, or were asked to write nothing."""


NOT_TAKEN = sorted(QUIET | {"/v1/exemptions", "/v1/reservations", "/v1/accounts/lookup"})
TAKEN = sorted(BODIES.keys() - QUIET - {"/v1/exemptions", "/v1/reservations"})


@on_one_database
@pytest.mark.parametrize("path", NOT_TAKEN)
def test_no_value_in_any_field_brings_the_bank_down(bank: ReadyBank, path: str) -> None:
    _nothing_is_written(bank, path, _mutants(BODIES[path][1]))


@on_the_other
def test_no_value_that_is_stored_brings_the_bank_down(bank: ReadyBank) -> None:
    for path in NOT_TAKEN:
        _nothing_is_written(bank, path, _mutants(BODIES[path][1], STORED))


def _nothing_is_written(bank: ReadyBank, path: str, bodies: list[Any]) -> None:
    before = bank.events()

    for body in bodies:
        answer = _caller(bank, path).post(path, body)
        if answer.status_code not in (200, 207):
            _assert_refused(answer, path)
    assert bank.events() == before, path


@on_one_database
@pytest.mark.parametrize("path", TAKEN)
def test_a_value_in_any_field_is_taken_or_refused_without_a_trace(bank: ReadyBank, path: str) -> None:
    _what_is_refused_leaves_no_trace(bank, path, _mutants(BODIES[path][1]))


@on_the_other
def test_a_value_that_is_stored_is_taken_or_refused_without_a_trace(bank: ReadyBank) -> None:
    for path in TAKEN:
        _what_is_refused_leaves_no_trace(bank, path, _mutants(BODIES[path][1], STORED))


def _what_is_refused_leaves_no_trace(bank: ReadyBank, path: str, bodies: list[Any]) -> None:
    before = bank.events()

    for body in bodies:
        answer = _caller(bank, path).post(path, body)
        if answer.status_code < 300:
            before = bank.events()
            continue
        _assert_refused(answer, path)
        assert bank.events() == before, (path, body)


# Paths


@on_one_database
@pytest.mark.parametrize(
    "path",
    [
        "/v2/accounts",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/accounts/",
        "/v1//accounts",
        "/v1/accounts/../../etc/passwd",
        "/V1/ACCOUNTS",
        "/v1/accounts%00",
        "/v1/%E7%8E%8B%E5%B0%8F%E6%98%8E",
        "/" + "x" * 5000,
    ],
)
def test_a_path_that_is_not_there_is_not_found(bank: ReadyBank, path: str) -> None:
    for answer in (bank.authority.get(path), bank.authority.post(path, {})):
        _assert_refused(answer, path, "not_found")


@on_one_database
@pytest.mark.parametrize("name", ["x", NOWHERE[:-1], NOWHERE + "0", "%F0%9F%98%80", "1", "..%2F", "x" * 3000])
def test_an_id_that_is_no_uuid_is_refused(bank: ReadyBank, name: str) -> None:
    for path in ("accounts/{}", "accounts/{}/balance", "certificates/{}", "exemptions/{}", "conversions/{}", "jobs/{}"):
        _assert_refused(bank.authority.get(f"/v1/{path.format(name)}"), path, "validation_failed", "not_found")
    for path in ("accounts/{}/suspension", "certificates/{}/hold"):
        answer = bank.authority.post(f"/v1/{path.format(name)}", REASON)
        _assert_refused(answer, path, "validation_failed", "not_found")


@pytest.mark.parametrize("code", ["x" * 65, "x" * 5000, "%F0%9F%98%80", "a%20b", "%E2%80%AE", "';--", "%25"])
def test_codes_that_nobody_has_are_refused(bank: ReadyBank, code: str) -> None:
    for path in (
        "organisations/{}",
        "organisations/{}/accreditations",
        "standards/{}",
        "rulebooks/{}",
        "programmes/{}/x",
    ):
        _assert_refused(bank.authority.get(f"/v1/{path.format(code)}"), path, "not_found", "validation_failed")
    for number in ("0", "-1", "x", "9" * 30, "9" * 5000):
        path = f"/v1/rulebooks/hbvtc-x/versions/{number}"
        _assert_refused(bank.authority.get(path), path, "not_found", "validation_failed")


@on_one_database
@pytest.mark.parametrize("code", ["x" * 65, "a b", "王", "-a", "a/b", "a\n"])
def test_a_rulebook_id_is_a_code(bank: ReadyBank, code: str) -> None:
    before = bank.events()

    answer = bank.institution.post(f"/v1/rulebooks/{quote(code, safe='')}/versions", {"rules": RULES})

    _assert_refused(answer, code, "validation_failed", "not_found")
    assert bank.events() == before


@on_one_database
@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/organisations", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/v1/accounts", "OPTIONS, POST"),
        ("PATCH", f"/v1/accounts/{NOWHERE}", "GET, HEAD, OPTIONS"),
        ("GET", "/v1/certificates:batch", "OPTIONS, POST"),
        ("POST", "/v1/events", "GET, HEAD, OPTIONS"),
        ("BREW", "/v1/standards", "GET, HEAD, OPTIONS, POST"),
    ],
)
def test_a_method_that_a_path_does_not_know_is_told_which_it_does(
    bank: ReadyBank, method: str, path: str, allow: str
) -> None:
    answer = bank.client.request(method, path, headers=bank.authority.headers())

    _assert_refused(answer, path, "method_not_allowed")
    assert sorted(answer.headers["Allow"].split(", ")) == sorted(allow.split(", "))


@pytest.mark.parametrize(
    "query",
    [
        "as_of=%00",
        "limit=%00",
        "cursor=%00",
        "%00=1",
        "types=%FF",
        "cursor=" + "A" * 20_000,
        "limit=١",
        "limit=1&limit=x",
    ],
)
def test_no_query_brings_the_bank_down(bank: ReadyBank, query: str) -> None:
    account_id = bank.account()
    for path in ("events", "organisations", f"accounts/{account_id}/balance", f"accounts/{account_id}/events"):
        answer = bank.authority.get(f"/v1/{path}?{query}")
        if answer.status_code != 200:
            _assert_refused(answer, path, "validation_failed", "cursor_invalid")


@on_one_database
@pytest.mark.parametrize(
    "name", ["If-Match", "If-None-Match", "Accept-Language", "Accept", "Last-Event-ID", "X-Request-Id"]
)
def test_no_header_brings_the_bank_down(bank: ReadyBank, name: str) -> None:
    account_id = bank.account()
    for value in (b"", b"\xff\xfe", b'"' * 100, b"," * 1000, b"*", b"x" * 8000, b"zh;q=9e9,en;q=NaN", b"-1"):
        headers = bank.authority.headers() | {name: value}
        for path in (f"accounts/{account_id}/balance", "organisations"):
            answer = bank.client.get(f"/v1/{path}", headers=headers)
            if answer.status_code not in (200, 304):
                _assert_refused(answer, path)
        headers |= {"Idempotency-Key": f"{name}-{account_id}"}
        answer = bank.client.post(f"/v1/accounts/{account_id}/reinstatement", json=REASON, headers=headers)
        _assert_refused(answer, name)


def test_no_refusal_repeats_what_was_sent_or_tells_how_the_bank_is_made(bank: ReadyBank) -> None:
    secret = {"name": "王小明王小明", "document": {"type": "CN-RIC", "number": "11010519491231002XX"}}
    answers = [
        bank.authority.post("/v1/accounts", {"holder": secret}),
        bank.authority.post("/v1/accounts", {"holder": {**secret, "birth_date": "1949-12-32"}}),
        bank.authority.post("/v1/accounts/lookup", {"document": secret["document"], "name": secret["name"]}),
        bank.issuer.post("/v1/certificates", certificate(holder=secret)),
        bank.issuer.post("/v1/certificates", certificate(holder=[secret])),
    ]

    for answer in answers:
        assert answer.status_code == 422
        for word in (
            "王小明",
            "11010519491231002",
            "1949-12-32",
            "Traceback",
            "SELECT",
            "sqlalchemy",
            "pydantic",
            ".py",
        ):
            assert word not in answer.text
