"""Credits, ids, partitions and instants, as the whole bank writes them."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from creditbank.domain import values
from creditbank.domain.identifiers import normalise_certificate_number

CREDITS = some.integers(0, 999_999_999 * 10_000 + 9_999)


@given(CREDITS)
def test_credits_read_what_they_write(credits: int) -> None:
    assert values.credits_from_text(values.credits_text(credits)) == credits


@given(some.integers(-(10**16), 10**16))
def test_credits_are_written_short_exact_and_without_an_exponent(credits: int) -> None:
    text = values.credits_text(credits)
    assert Decimal(text) * 10_000 == credits
    assert set(text) <= set("-0123456789.")
    assert not ("." in text and text.endswith(("0", ".")))


@pytest.mark.parametrize(
    ("text", "credits"),
    [("0", 0), ("1.5", 15_000), ("0.0001", 1), ("1.5000", 15_000), ("999999999.9999", 9_999_999_999_999)],
)
def test_decimal_text_is_read_as_ten_thousandths(text: str, credits: int) -> None:
    assert values.credits_from_text(text) == credits


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "+1", "-1", "01", "1.", ".5", "1.00001", "1e3", "1,5", "1_000", "１", "1\n", "1000000000"]
)
def test_anything_else_is_not_credits(text: str) -> None:
    with pytest.raises(ValueError, match="decimal text"):
        values.credits_from_text(text)


@pytest.mark.parametrize(
    ("exact", "credits"),
    [(Fraction(1, 3), 3_333), (Fraction(2, 3), 6_667), (Fraction(1, 20_000), 0), (Fraction(3, 20_000), 2)],
)
def test_a_fraction_of_a_credit_is_the_nearest_ten_thousandth_half_to_even(exact: Fraction, credits: int) -> None:
    assert values.credits_from_fraction(exact) == credits


def test_streams_spread_evenly_over_the_partitions() -> None:
    """6,400 ids: 100 a partition on average. Chi squared of 63 degrees stays below 120 for a fair spread."""
    counts = Counter(values.partition_of(values.certificate_id("BIM-EVAL", f"N{number}")) for number in range(6_400))
    assert set(counts) == set(range(values.PARTITIONS))
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 120


def test_the_partition_of_a_stream_never_changes() -> None:
    """Fixed at installation: another answer here would lose the history of every bank there is."""
    assert [values.partition_of(UUID(int=number)) for number in range(4)] == [21, 59, 40, 38]
    assert values.partition_of(UUID(int=1)) == values.partition_of(UUID(int=1).bytes)


def test_the_ids_of_certificates_and_reference_data_never_change() -> None:
    assert str(values.certificate_id("BIM-EVAL", "BIM2026000001")) == "2409a49f-5b9d-5a19-adc7-5b4854393ebe"
    assert str(values.organisation_id("BIM-EVAL")) == "6ac893d6-0b8a-5490-871b-738b5216a35d"


@given(some.text("ABC０１２abc -\u200b", min_size=1, max_size=12))
def test_a_certificate_has_one_id_however_its_number_is_spelt(number: str) -> None:
    def named(spelt: str) -> UUID:
        return values.certificate_id("BIM-EVAL", normalise_certificate_number(spelt))

    for spelt in (number.lower(), number.upper(), f" {number}\t", "\u200b".join(number), number.replace("０", "0")):
        assert named(spelt) == named(number)


def test_what_differs_in_issuer_number_or_kind_has_another_id() -> None:
    ids = [
        values.certificate_id("A", "1"),
        values.certificate_id("A", "2"),
        values.certificate_id("B", "1"),
        values.certificate_id("A1", ""),
        values.certificate_id("", "A1"),
        values.organisation_id("A"),
        values.standard_id("A"),
        values.rulebook_id("A"),
        values.programme_id("A", "1"),
        values.programme_id("A1", ""),
    ]
    assert len(set(ids)) == len(ids)
