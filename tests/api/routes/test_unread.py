"""Whoever may not write is told so before a byte of the body has been read."""

from __future__ import annotations

from typing import Any

from starlette.types import Message

from creditbank.api.openapi import operations
from tests.api.bank import Caller, ReadyBank, on_one_database
from tests.api.conformance import description

pytestmark = on_one_database


def paths_with_a_body() -> list[str]:
    """Every path that takes a JSON body from somebody with credentials."""
    described = operations(description())
    return [
        path
        for path, _, operation in described
        if operation["security"] and "application/json" in operation.get("requestBody", {}).get("content", {})
    ]


def sent_unread(bank: ReadyBank, path: str, caller: Caller) -> int:
    """The status of the answer to a POST whose body nobody may read."""
    answers: list[Message] = []

    async def receive() -> Message:
        raise AssertionError(f"the body sent to {path} was read")

    async def send(message: Message) -> None:
        answers.append(message)

    headers = {"content-type": "application/json", "content-length": "9", "idempotency-key": "one", **caller.headers()}
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "method": "POST", "path": path, "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "root_path": "", "scheme": "http", "server": ("bank", 80), "client": ("192.0.2.1", 1),
    }  # fmt: skip
    assert bank.client.portal is not None
    bank.client.portal.call(bank.client.app, scope, receive, send)
    return int(answers[0]["status"])


def test_a_body_from_nobody_known_is_not_read(bank: ReadyBank) -> None:
    paths = paths_with_a_body()
    assert len(paths) > 20
    for path in paths:
        assert sent_unread(bank, path, bank.public) == 401, path
        assert sent_unread(bank, path, Caller(bank.client, "cb_nobody")) == 401, path


def test_a_body_from_somebody_who_may_not_write_is_not_read(bank: ReadyBank) -> None:
    learner = bank.learner(bank.account())
    for path in paths_with_a_body():
        outsiders = (learner, bank.auditor, bank.issuer, bank.institution, bank.authority)
        assert 403 in {sent_unread(bank, path, one) for one in outsiders}, path
