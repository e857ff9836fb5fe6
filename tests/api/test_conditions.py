"""Conditional headers are read as their standards write them, and hostile ones are refused at once."""

from __future__ import annotations

import pytest

from creditbank.api import conditions
from creditbank.domain.errors import IdempotencyKeyMissing, Malformed, PreconditionFailed


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("abc", "abc"),
        ('"abc"', "abc"),
        (" 8e03978e-40d5 ", "8e03978e-40d5"),
        ("a" * 255, "a" * 255),
        ('"a,b;c"', "a,b;c"),
    ],
)
def test_an_idempotency_key_may_be_bare_or_quoted(header: str, key: str) -> None:
    assert conditions.idempotency_key(header) == key


@pytest.mark.parametrize("header", [None, "", '""', "a" * 256, "a b", '"a', 'a"b', "é", "a\x7f", "a\tb", "王" * 300])
def test_a_key_that_cannot_be_read_is_missing(header: str | None) -> None:
    with pytest.raises(IdempotencyKeyMissing):
        conditions.idempotency_key(header)


@pytest.mark.parametrize("header", [None, '"7"', "*", '"6", "7"', ',"7",'])
def test_a_command_goes_on_when_the_version_is_among_those_named(header: str | None) -> None:
    conditions.require_match(header, 7)


@pytest.mark.parametrize("header", ['"6"', 'W/"7"', '"07"', '"6","8"', '""'])
def test_a_command_stops_when_it_is_not(header: str) -> None:
    with pytest.raises(PreconditionFailed):
        conditions.require_match(header, 7)


@pytest.mark.parametrize("header", ["7", '"7', "", " , ", '"7" "8"', "*, *", "," + " " * 60_000 + "x"])
def test_a_condition_that_cannot_be_read_is_malformed(header: str) -> None:
    with pytest.raises(Malformed) as refused:
        conditions.require_match(header, 7)
    assert refused.value.faults[0].parameter == "If-Match"


@pytest.mark.parametrize(
    ("header", "unchanged"),
    [(None, False), ('"7"', True), ('W/"7"', True), ("*", True), ('"6", W/"7"', True), ('"8"', False)],
)
def test_a_reader_who_holds_the_version_is_told_so(header: str | None, unchanged: bool) -> None:
    assert conditions.is_unchanged(header, 7) is unchanged


def test_not_modified_repeats_the_tag_and_has_no_body() -> None:
    answer = conditions.not_modified(7)
    assert (answer.status_code, answer.body, answer.headers["etag"]) == (304, b"", '"7"')
