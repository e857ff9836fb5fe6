"""The shared fields take what the contract names and refuse all that merely looks like it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError, create_model

from creditbank.api import fields
from creditbank.api.body import Body
from creditbank.api.faults import code_of


def read(kind: Any, value: Any) -> Any:
    model: Any = create_model("Model", __base__=Body, field=(kind, ...))
    return model.model_validate({"field": value}).field


def refusal(kind: Any, value: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        read(kind, value)
    return code_of(refused.value.errors()[0]["type"])


@pytest.mark.parametrize(
    "code", ["BIM-EVAL", "HBVTC", "CONSTR-2026", "hbvtc-x", "cn.school.x-cert", "C1", "9", "a" * 64]
)
def test_codes_that_fit_one_step_of_a_path(code: str) -> None:
    assert read(fields.Code, code) == code


@pytest.mark.parametrize("code", ["", "a" * 65, "a b", "a/b", "..", ".a", "-a", "a\n", "é", "王", "a%2f", "a\0"])
def test_codes_that_do_not(code: str) -> None:
    assert refusal(fields.Code, code) in {"pattern_mismatch", "too_long"}


def test_text_keeps_rare_characters_and_drops_outer_blanks() -> None:
    assert read(fields.Text, "  阿卜杜拉·𠮷野\u3000") == "阿卜杜拉·𠮷野"
    assert read(fields.Text, "e\u0301") == "e\u0301"


@pytest.mark.parametrize("text", ["", "   ", "a" * 201, "a\0", "a\nb", "a\x7f", "a\x85b", "a\u2028b", 7, None])
def test_text_is_one_line_of_readable_characters(text: Any) -> None:
    assert refusal(fields.Text, text) in {"too_short", "too_long", "pattern_mismatch", "wrong_type"}


def test_a_reason_may_have_several_lines() -> None:
    assert read(fields.Reason, "first\r\n\tsecond") == "first\r\n\tsecond"
    assert refusal(fields.Reason, "a\x1b[31m") == "pattern_mismatch"
    assert refusal(fields.Reason, "a" * 1001) == "too_long"


@pytest.mark.parametrize(
    ("text", "credits"), [("0", 0), ("4", 40_000), ("1.5", 15_000), ("999999999.9999", 9_999_999_999_999)]
)
def test_credits_are_decimal_text(text: str, credits: int) -> None:
    assert read(fields.CreditsText, text) == credits


@pytest.mark.parametrize(
    "text", ["", "01", "1.", ".5", "1.00001", "-1", "+1", "1e3", "１", " 1", "1\n", "NaN", "9" * 5000]
)
def test_text_that_is_no_amount_of_credits(text: str) -> None:
    assert refusal(fields.CreditsText, text) == "credits_invalid"


@pytest.mark.parametrize("value", [4, 1.5, True, None, ["4"]])
def test_credits_are_never_json_numbers(value: Any) -> None:
    assert refusal(fields.CreditsText, value) == "wrong_type"


def test_credits_are_described_as_text() -> None:
    schema = TypeAdapter(fields.CreditsText).json_schema()
    assert (schema["type"], schema["format"]) == ("string", "decimal")


def test_a_civil_date_is_written_in_one_way() -> None:
    assert read(fields.CivilDate, "2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-29",
        "20260701",
        "2026-7-1",
        "2026-W01-1",
        "2026-07-01T00:00:00",
        "0000-01-01",
        "２０２６-07-01",
        " 2026-07-01",
    ],
)
def test_other_ways_of_writing_a_day_are_refused(text: str) -> None:
    assert refusal(fields.CivilDate, text) == "date_invalid"


def test_a_number_is_no_day_and_no_instant() -> None:
    assert refusal(fields.CivilDate, 1_700_000_000) == "wrong_type"
    assert refusal(fields.Instant, 1_700_000_000) == "wrong_type"


def test_an_instant_is_read_as_utc() -> None:
    assert read(fields.Instant, "2026-07-01T08:00:00.25+08:00") == datetime(2026, 7, 1, 0, 0, 0, 250_000, UTC)
    assert read(fields.Instant, "2026-07-01T08:00:00Z") == datetime(2026, 7, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01T08:00:00",
        "2026-07-01",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-07-01T25:00:00Z",
    ],
)
def test_an_instant_needs_a_zone_and_a_place_in_the_calendar(text: str) -> None:
    assert refusal(fields.Instant, text) == "instant_invalid"


def test_a_uuid_is_taken_as_text() -> None:
    assert str(read(fields.Uuid, "0B1F6C0E-8D3C-4A53-9E1B-6F1DE3C86D0A")) == "0b1f6c0e-8d3c-4a53-9e1b-6f1de3c86d0a"
    assert refusal(fields.Uuid, "certificate") == "uuid_invalid"
