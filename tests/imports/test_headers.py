"""Headers: found in whichever row, language and order, and never taken for what is merely alike."""

from __future__ import annotations

from typing import Any

import pytest

from creditbank.imports import columns, headers
from creditbank.imports.headers import Header, Mapping
from tests.imports.files import FIT, HEADER, NO_MAPPING


def named(header: Header | None) -> dict[str, str | None]:
    assert header is not None
    return {one.header: one.column for one in header.named}


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        ("Certificate Number", "Name", "ID Number", "Certificate", "Level", "Issue Date"),
        ("ZSBH", "XM", "SFZH", "ZSMC", "DJ", "FZRQ"),
        ("*证书编号（必填）", "姓 名", "身份证号码：", "证书名称", "证书等级", "发证日期(yyyy-mm-dd)"),
        ("证书编号", "考生姓名", "考生身份证号码", "证书标准", "职业技能等级", "颁发日期"),
    ],
)
def test_the_same_columns_are_known_in_chinese_english_and_pinyin(header: tuple[str, ...]) -> None:
    found = headers.find([header, FIT], NO_MAPPING)
    assert found is not None
    assert [one.column for one in found.named] == [
        "number", "name", "document_number", "standard", "level", "issued_on",
    ]  # fmt: skip
    assert (found.index, found.height) == (0, 1)


def test_rows_above_the_header_are_no_header() -> None:
    top: list[Any] = [("2026年第三批证书名单",), ("单位：评价中心", None, "2026-08-01"), HEADER, FIT]
    found = headers.find(top, NO_MAPPING)
    assert found is not None and (found.index + found.height, named(found)["等级"]) == (3, "level")


def test_two_rows_with_merged_cells_are_one_header() -> None:
    top = [
        ("证书编号", "持证人", None, "证书信息", None, None),
        (None, "姓名", "证件号码", "名称", "等级", "发证日期"),
        FIT,
    ]
    found = headers.find(top, NO_MAPPING)
    assert found is not None and found.height == 2
    assert [one.column for one in found.named] == [
        "number", "name", "document_number", None, "level", "issued_on",
    ]  # fmt: skip


def test_a_group_makes_a_general_word_exact() -> None:
    top = [("证书", None, "证件", None), ("编号", "等级", "类型", "号码"), FIT]
    found = headers.find(top, NO_MAPPING)
    assert found is not None
    assert [one.column for one in found.named] == ["number", "level", "document_type", "document_number"]


def test_the_same_header_in_a_second_language_is_a_part_of_it() -> None:
    found = headers.find([HEADER, ("number", "name", "id number", "standard", "level", "issued on"), FIT], NO_MAPPING)
    assert found is not None and found.height == 2


def test_data_alone_make_no_header() -> None:
    assert headers.find([FIT, FIT], NO_MAPPING) is None


@pytest.mark.parametrize("header", ["发证机构电话", "姓名拼音", "备注", "编号备注", ""])
def test_what_only_begins_like_a_column_is_none(header: str) -> None:
    assert headers.named(header, NO_MAPPING).column is None


def test_of_two_that_claim_a_column_the_more_certain_one_has_it() -> None:
    found = headers.find([("证书编号", "旧版证书编号", "姓名"), FIT], NO_MAPPING)
    assert named(found) == {"证书编号": "number", "旧版证书编号": None, "姓名": "name"}


def test_a_mapping_goes_before_what_is_known() -> None:
    mapping = Mapping(columns={columns.folded("工号"): "external_id", columns.folded("姓名"): None})
    found = headers.find([("证书编号", "姓名", "工号"), FIT], mapping)
    assert named(found) == {"证书编号": "number", "姓名": None, "工号": "external_id"}


def test_every_synonym_names_one_column() -> None:
    known = columns.synonyms()
    assert len(known) > 100
    for field in columns.titles():
        assert known[columns.folded(columns.titles()[field])] == field
