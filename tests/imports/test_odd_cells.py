"""Whatever stands in one cell is the fault of that cell, and never that of the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from creditbank.imports import columns
from creditbank.imports.rows import Judge, Sender
from tests.imports.files import FIT, HEADER, IDENTITY, csv_bytes, ndjson_bytes, read, row

ODD = (
    "二〇二六年十十月一日", "²²²²²", "٤٥٠٠٠", "5²", "⑤", "1e5", "1.", ".", "", "9" * 4_000, "'", "=", "\ud800",
    True, -1, 10**300, 10**400, 1e308, float("nan"), float("inf"), ["王小明"], {"a": 1}, [], {},
)  # fmt: skip
SIGNS = "0123456789abcXYZ年月日十一二①²٣-/. '=\u3000ＡＢ１Ⅻ½〇"
KINDS = list(dict.fromkeys(columns.words("document_type").values()))


@settings(max_examples=300, deadline=None)
@given(
    field=st.sampled_from([*columns.titles(), "fields.x"]),
    cell=st.sampled_from(ODD) | st.text(SIGNS, max_size=20) | st.text(max_size=20) | st.integers() | st.floats(),
    kind=st.sampled_from(KINDS),
)
def test_every_column_reads_any_cell_or_says_what_is_wrong(field: str, cell: Any, kind: str) -> None:
    judge = Judge(sender=Sender(names=frozenset({"a"}), standards={}))
    pairs = [(judge.column("证件类型", "document_type"), kind), (judge.column("列", field), cell)]
    values, faults = judge.judge(1, pairs)
    assert from_json(to_json(values)).keys() == values.keys()
    assert faults  # the required columns are missing


@pytest.mark.parametrize("score", ["5²", "⑤", "٩"])
def test_a_score_that_merely_looks_like_a_mark_is_a_grade(tmp_path: Path, score: str) -> None:
    found = read(tmp_path, csv_bytes([*FIT, score], [*row("BIM-2"), "85"], header=[*HEADER, "成绩"]))
    assert found.problem is None
    assert [one.get("score_scale") for one in found.values] == ["grade", "0-100"]


def certificate(**changes: Any) -> dict[str, Any]:
    fit = {"number": "BIM-1", "name": "王小明", "document_number": IDENTITY, "standard": "BIM", "level": "中级"}
    return {**fit, "issued_on": "2026-07-01", **changes}


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"number": float("nan")}, ["line_malformed"]),
        ({"issued_on": 10**400}, ["date_invalid"]),
        ({"name": ["王小明"]}, ["value_invalid"]),
        ({"name": True}, ["value_invalid"]),
        ({"name": "\ud800"}, ["control_character"]),
        ({"x\ud800": 1}, ["member_unknown"]),
        ({"fields": {"x": 2**53}}, ["value_invalid"]),
        ({"fields": {"x": 2**53 - 1, "y": True}}, []),
        ({"fields": {"x": [1]}}, ["value_invalid"]),
        ({"subsidised": True}, []),
    ],
)
def test_one_odd_member_leaves_the_other_lines_alone(tmp_path: Path, changes: Any, codes: list[str]) -> None:
    odd = json.dumps(certificate(**changes)).encode() + b"\n"
    found = read(tmp_path, odd + ndjson_bytes(certificate(number="BIM-2")))
    assert (found.problem, found.codes) == (None, [codes, []])
    to_json(found.findings)


def test_a_line_that_is_nested_too_deep_is_malformed(tmp_path: Path) -> None:
    deep = ndjson_bytes(certificate()).replace(b'"BIM-1"', b"[" * 970 + b"]" * 970)
    assert read(tmp_path, deep + ndjson_bytes(certificate())).codes == [["line_malformed"], []]
