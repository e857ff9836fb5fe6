"""Identity numbers, credit codes and certificate numbers are folded, checked, read and masked."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from creditbank.domain import identifiers
from creditbank.domain.identifiers import InvalidIdentifier, normalise


@pytest.mark.parametrize(
    ("document_type", "number", "written"),
    [
        ("CN-RIC", "11010519491231002X", "11010519491231002X"),
        ("CN-RIC", " 110105 19491231 002x ", "11010519491231002X"),
        ("CN-RIC", "１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X"),
        ("CN-RIC", "440524188001010014", "440524188001010014"),
        ("CN-RIC", "990000199001010017", "990000199001010017"),
        ("CN-RIC", "810000199408230021", "810000199408230021"),
        ("CN-HKM", "h12345678", "H12345678"),
        ("CN-HKM", "M1234567801", "M12345678"),
        ("CN-TW", "12345678", "12345678"),
        ("CN-TW", "1234567890(B)", "1234567890(B)"),
        ("CN-FPR", "usa110089010112", "USA110089010112"),
        ("PASSPORT", "e1234 5678", "E12345678"),
        ("LOCAL", "hbvtc:2023-0017", "HBVTC:2023-0017"),
    ],
)
def test_a_document_number_is_written_one_way(document_type: str, number: str, written: str) -> None:
    assert normalise(document_type, number) == written


@pytest.mark.parametrize(
    ("document_type", "number", "reason"),
    [
        ("CN-RIC", "110105194912310021", "checksum"),
        ("CN-RIC", "110105194902300021", "date"),
        ("CN-RIC", "110105491231002", "format"),
        ("CN-RIC", "1101051949123100२X", "format"),
        ("CN-RIC", "", "empty"),
        ("CN-RIC", "\u200b", "empty"),
        ("CN-RIC", "1" * 200, "too_long"),
        ("CN-HKM", "X12345678", "format"),
        ("CN-TW", "1234567", "format"),
        ("CN-FPR", "11010519491231002X", "format"),
        ("PASSPORT", "A1", "format"),
        ("LOCAL", "20230017", "issuer_prefix"),
        ("DRIVER", "1", "unknown_type"),
    ],
)
def test_a_number_that_fails_is_refused_with_a_reason(document_type: str, number: str, reason: str) -> None:
    with pytest.raises(InvalidIdentifier) as refused:
        normalise(document_type, number)
    assert refused.value.reason == reason
    assert not number or number not in str(refused.value)


def test_a_mistyped_digit_never_passes() -> None:
    right = "440524188001010014"
    for place in range(17):
        for digit in set("0123456789") - {right[place]}:
            with pytest.raises(InvalidIdentifier):
                normalise("CN-RIC", right[:place] + digit + right[place + 1 :])


@given(some.text(max_size=40), some.sampled_from(identifiers.DOCUMENT_TYPES))
def test_any_text_is_normalised_for_good_or_refused(text: str, document_type: str) -> None:
    try:
        written = normalise(document_type, text)
    except InvalidIdentifier:
        return
    assert normalise(document_type, written) == written


@pytest.mark.parametrize(
    ("code", "valid"),
    [
        ("91350100M000100Y43", True),
        ("12000000000000001U", True),
        ("91350100M000100Y44", False),
        ("91350100M000100Y4", False),
        ("91350100I000100Y43", False),
        ("", False),
    ],
)
def test_a_credit_code_is_checked_over_31_signs(code: str, valid: bool) -> None:
    assert identifiers.uscc_is_valid(code) is valid


def test_a_skill_certificate_number_is_read() -> None:
    read = identifiers.parse_certificate_22("y000123010045195000001")
    assert (read.kind, read.organisation, read.province, read.site) == ("Y", "0001", "23", "010045")
    assert (read.year, identifiers.LEVEL_WORDS[read.level - 1], read.serial) == (2019, "五级/初级工", "000001")


def test_an_old_qualification_number_is_read() -> None:
    read = identifiers.parse_certificate_16("9819021123300123")
    assert (read.year, read.province, read.city, read.body_kind) == (1998, "19", "02", "1")
    assert (read.body, read.level, read.serial) == ("123", 3, "00123")


@pytest.mark.parametrize("number", ["X000123010045195000001", "Y000123010045196000001", "Y00012301004519500000"])
def test_a_number_of_another_pattern_is_not_read(number: str) -> None:
    with pytest.raises(InvalidIdentifier):
        identifiers.parse_certificate_22(number)
    with pytest.raises(InvalidIdentifier):
        identifiers.parse_certificate_16(number)


NUMBER = "S000037123456243000012"


@pytest.mark.parametrize(
    "level",
    [
        "三级/高级工",
        "三级",
        "高级工",
        "3级",
        "国家职业资格三级",
        "高级工（三级）",
        "三级 / 高级工",
        "高级",
        "中级",
        None,
    ],
)
def test_a_level_that_agrees_or_belongs_to_another_scale_is_no_contradiction(level: str | None) -> None:
    assert identifiers.contradictions(NUMBER, level, date(2024, 3, 1), "S") == []


@pytest.mark.parametrize(
    "level", ["四级/中级工", "四级", "中级工", "技师", "高级技师", "一级", "五级/初级工", "四级/高级工"]
)
def test_a_level_that_differs_from_position_16_is_found(level: str) -> None:
    (found,) = identifiers.contradictions(NUMBER, level, date(2024, 3, 1))
    assert (found.field, found.in_number, found.posted) == ("level", "三级/高级工", level)


def test_year_and_kind_are_compared_too() -> None:
    found = identifiers.contradictions(NUMBER, None, date(2023, 12, 31), "Y")
    assert [contradiction.field for contradiction in found] == ["issued_on", "assessor_kind"]


def test_a_number_that_carries_no_meaning_contradicts_nothing() -> None:
    assert identifiers.contradictions("BIM2026000001", "中级工", date(2026, 7, 1), "Y") == []


def test_certificate_numbers_are_compared_without_width_case_and_space() -> None:
    assert identifiers.normalise_certificate_number(" ｂｉｍ 2026-\u200b０１ ") == "BIM2026-01"


@pytest.mark.parametrize(("name", "masked"), [("王小明", "王**"), ("王", "*"), ("", ""), ("Ann Lee", "A******")])
def test_names_are_masked(name: str, masked: str) -> None:
    assert identifiers.mask_name(name) == masked


@pytest.mark.parametrize(
    ("number", "masked"),
    [("11010519491231002X", "1101**********002X"), ("H12345678", "H1*****78"), ("123", "***"), ("", "")],
)
def test_numbers_are_masked(number: str, masked: str) -> None:
    assert identifiers.mask_number(number) == masked
