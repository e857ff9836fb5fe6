"""Every error is a problem document, in the language of the caller, and tells no more than it should."""

from __future__ import annotations

import errno
import logging
import string
from typing import Annotated, Any
from uuid import uuid4

import pytest
from fastapi import APIRouter, FastAPI, Query
from fastapi.testclient import TestClient
from pydantic import Field
from sqlalchemy.exc import OperationalError

from creditbank.api import faults, messages, problems
from creditbank.api.body import Body, StrictRoute
from creditbank.api.faults import code_of
from creditbank.api.fields import Text, Uuid
from creditbank.domain import errors
from creditbank.domain.errors import BankError


class Holder(Body):
    name: Text


class ByAccount(Body):
    account_id: Uuid


class Award(Body):
    holder: Holder | ByAccount
    hours: int | None = None
    lines: list[Holder] = Field(default_factory=list)


def client_of(*failures: BaseException) -> TestClient:
    """An application that raises the given errors under /0, /1 and so on, and validates under /award."""
    app, router = FastAPI(openapi_url=None, redirect_slashes=False), APIRouter(route_class=StrictRoute)
    problems.install(app)

    @router.post("/award")
    async def award(body: Award) -> str:
        return body.model_dump_json()

    @router.get("/award")
    async def awards(limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> int:
        return limit

    @router.get("/failures/{number}")
    async def fail(number: int) -> None:
        raise failures[number]

    app.include_router(router)
    return TestClient(app)


def every_error() -> list[type[BankError]]:
    found: list[type[BankError]] = []
    waiting = list(BankError.__subclasses__())
    while waiting:
        kind = waiting.pop()
        if kind.__module__.startswith("creditbank"):
            found.append(kind)
        waiting.extend(kind.__subclasses__())
    return found


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_status_and_sentences_in_both_languages(kind: type[BankError]) -> None:
    assert any(category in problems.STATUS for category in kind.__mro__)
    message = messages.MESSAGES[kind.code]
    assert all(message)
    assert any("\u4e00" <= character <= "\u9fff" for character in message.title_zh + message.detail_zh)
    facts = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in message[1::2]]
    assert facts[0] == facts[1]


def test_every_code_of_a_field_has_sentences_in_both_languages() -> None:
    codes = {code_of(kind) for kind in [*faults.CODES, "string_type", "value_error"]} | {"body_missing"}
    assert codes <= messages.FAULTS.keys()
    assert all(text.zh and text.en and text.zh != text.en for text in messages.FAULTS.values())


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (errors.Unauthenticated(), 401, {"WWW-Authenticate": problems.CHALLENGE}),
        (errors.Forbidden(), 403, {}),
        (errors.NotFound(), 404, {}),
        (errors.PreconditionFailed(), 412, {}),
        (errors.NotEligible({"granted": []}), 422, {}),
        (errors.RateLimited(7), 429, {"Retry-After": "7"}),
        (errors.Unavailable(), 503, {"Retry-After": "1"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_refusal_becomes_the_answer_of_its_category(error: BankError, status: int, headers: dict[str, str]) -> None:
    answer = client_of(error).get("/failures/0")
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == error.code
    assert answer.json()["type"] == f"/problems/{error.code}"
    assert answer.json()["instance"] == "/failures/0"
    assert headers.items() <= {name: answer.headers.get(name) for name in headers}.items()


def test_members_of_a_refusal_stand_beside_the_standard_ones() -> None:
    existing = uuid4()
    answer = client_of(errors.CertificateDuplicate(existing)).get("/failures/0")
    assert answer.json()["certificate_id"] == str(existing)
    assert "errors" not in answer.json()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"), ("zh-CN", "zh-CN"), ("zh", "zh-CN"), ("zh-Hant-TW, en;q=0.5", "zh-CN"), ("en, zh", "en"),
        ("en;q=0.8, zh-CN;q=0.9", "zh-CN"), ("zh;q=0", "en"), ("fr, zh;q=0.4, *;q=0.1", "zh-CN"), ("*, zh;q=0.4", "en"),
        ("zh;q=" + "9" * 4000, "zh-CN"), (";;,,zh", "zh-CN"), ("\u00ff" * 900, "en"),
    ],
)  # fmt: skip
def test_the_best_ranked_language_is_spoken(header: str | None, language: str) -> None:
    assert messages.preferred(header) == language


def test_sentences_follow_the_language_and_the_code_does_not() -> None:
    client = client_of(errors.AccountNotOpen("suspended"))
    english, chinese = client.get("/failures/0"), client.get("/failures/0", headers={"Accept-Language": "zh-CN"})
    assert english.json()["detail"] == "The account is suspended and takes no such request."
    assert chinese.json()["detail"] == "账户状态为“已冻结”，不能受理此请求。"
    assert english.json()["code"] == chinese.json()["code"] == "account_not_open"
    assert (english.headers["content-language"], chinese.headers["content-language"]) == ("en", "zh-CN")
    assert "accept-language" in chinese.headers["vary"].lower()


def test_a_fact_that_is_missing_leaves_a_gap_and_a_fact_with_braces_stays_as_it_is() -> None:
    assert messages.sentences("wrong_state", {"thing": "{status.__class__}"}, "en")[1].startswith(
        "The {status.__class__} is …"
    )


def test_a_field_at_fault_is_named_and_its_value_is_not_repeated() -> None:
    secret = "11010519491231002X"
    answer = client_of().post("/award", json={"holder": {"name": 7, "number": secret}, "hours": secret})
    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_failed"
    places = {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]}
    assert {("/holder/name", "wrong_type"), ("/holder/number", "field_unknown"), ("/hours", "wrong_type")} <= places
    assert ("/holder/account_id", "field_missing") in places
    assert secret not in answer.text
    assert not any("Holder" in place or "ByAccount" in place for place, _ in places)


def test_a_name_that_may_hold_personal_data_is_told_by_its_parent() -> None:
    answer = client_of().post("/award", json={"holder": {"name": "王小明", "王小明 110105": 1}})
    assert "王小明" not in answer.text
    assert {"pointer": "/holder", "code": "field_unknown", "detail": "Is not a known field."} in answer.json()["errors"]


def test_a_line_of_a_list_is_pointed_at_by_its_index() -> None:
    answer = client_of().post("/award", json={"holder": {"name": "x"}, "lines": [{"name": "x"}, {"name": ""}]})
    assert answer.json()["errors"] == [{"pointer": "/lines/1/name", "code": "too_short", "detail": "Is too short."}]


def test_the_faults_of_a_hostile_body_are_counted_up_to_a_hundred() -> None:
    answer = client_of().post("/award", json={"holder": {"name": "x"}, "lines": [{}] * 5000})
    assert len(answer.json()["errors"]) == 100


def test_a_parameter_at_fault_is_named() -> None:
    answer = client_of().get("/award?limit=1001")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"parameter": "limit", "code": "out_of_range", "detail": "Is outside the allowed range."}
    ]
    chinese = client_of().get("/award?limit=many", headers={"Accept-Language": "zh"})
    assert chinese.json()["errors"][0]["detail"] == "JSON 类型不正确。"


def test_an_unknown_path_is_not_found() -> None:
    answer = client_of().get("/nowhere/王\u2028?name=secret")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["instance"] == "/nowhere/%E7%8E%8B%E2%80%A8"


def test_a_wrong_method_is_told_all_methods_of_the_path() -> None:
    answer = client_of().delete("/award")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_options_lists_the_methods() -> None:
    answer = client_of().options("/award")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_is_full_is_unavailable_until_there_is_room(number: int) -> None:
    answer = client_of(OSError(number, "full")).get("/failures/0")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")


def test_another_fault_of_the_disk_is_one_that_nobody_expected() -> None:
    with pytest.raises(OSError, match="Input/output error"):
        client_of(OSError(errno.EIO, "Input/output error")).get("/failures/0")


def test_a_database_that_is_away_is_unavailable_and_its_words_stay_inside(caplog: pytest.LogCaptureFixture) -> None:
    failure = OperationalError("SELECT secret", {"name": "王小明"}, Exception("connection to 10.0.0.1 refused"))
    with caplog.at_level(logging.DEBUG):
        answer = client_of(failure).get("/failures/0")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")
    told: Any = answer.text + caplog.text
    assert "王小明" not in told
    assert "10.0.0.1" not in told
