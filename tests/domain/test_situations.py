"""What a rulebook sees of an account: certificates, programme, wishes and history as plain values."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from creditbank.domain.account import Account
from creditbank.domain.events import Course, ExemptionReviewOpened, Particulars, Score
from creditbank.domain.situations import ground_of, number, outcome_of
from tests.domain.facts import (
    CATALOGUE,
    NOW,
    PROGRAMME,
    STANDARD,
    TODAY,
    awarded,
    catalogue_of,
    certificate,
    converted,
    exempted,
    given,
    grant,
    wish,
)

N1 = str(certificate("N1"))


def outcome(catalogue: Any = CATALOGUE, **changes: Any) -> dict[str, Any]:
    (lot,) = given(awarded("N1", **changes)).lots.values()
    return outcome_of(lot, catalogue)


def situation(account: Account, *wishes: Any, programme: Any = PROGRAMME) -> dict[str, Any]:
    named = {certificate_id for wished in wishes for certificate_id in wished.certificate_ids}
    return ground_of(account, programme, CATALOGUE, TODAY, NOW, named).situation(wishes)


def test_a_certificate_shows_the_fields_of_the_contract() -> None:
    seen = outcome(
        credits="5.5",
        expires_on=date(2029, 7, 1),
        particulars=Particulars(hours=120, score=Score(value="91.5", scale="100"), site="Wuhan"),
    )
    assert seen == {
        "id": N1,
        "kind": "x-cert",
        "code": "BIM",
        "scheme": "1+X",
        "level": "中级",
        "rank": 2,
        "credits": 5.5,
        "bank_credits": 5.5,
        "issued_on": "2026-07-01",
        "expires_on": "2029-07-01",
        "institution": "BIM-EVAL",
        "issuer": "BIM-EVAL",
        "hours": 120,
        "score": 91.5,
        "site": "Wuhan",
    }


def test_open_fields_of_the_award_stand_over_those_of_the_standard_and_neither_over_the_built_in_ones() -> None:
    standard = replace(STANDARD, fields={"sector": "building", "area": "north", "rank": 9, "score": 100})
    fields = {"sector": "design", "prize": "first", "credits": 99, "site": "elsewhere", "id": "forged"}
    seen = outcome(catalogue_of(standard), particulars=Particulars(fields=fields))
    assert (seen["sector"], seen["area"], seen["prize"]) == ("design", "north", "first")
    assert (seen["id"], seen["rank"], seen["credits"], seen["site"], seen["score"]) == (N1, 2, 6, None, None)


def test_a_certificate_of_a_standard_that_is_gone_is_still_seen() -> None:
    assert outcome(catalogue_of())["code"] == "BIM"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("85", 85),
        ("85.0", 85),
        ("91.5", 91.5),
        ("-2", -2),
        ("A+", "A+"),
        ("", ""),
        ("1e3", "1e3"),
        ("８５", "８５"),
        ("12345678901234567890", "12345678901234567890"),
        (120, 120),
        (None, None),
    ],
)
def test_decimal_text_is_the_number_that_it_spells_and_other_text_stays_text(text: Any, value: Any) -> None:
    assert (number(text), type(number(text))) == (value, type(value))


def test_a_programme_and_its_courses_keep_their_own_fields_apart_from_the_built_in_ones() -> None:
    course = Course(code="CAD", name="Drawing", credits=15_000, fields={"language": "zh", "credits": 99, "type": "x"})
    programme = replace(PROGRAMME, courses=(course,), fields={"max_share": 0.5, "credits": 1, "institution": "forged"})
    assert situation(given(), programme=programme)["programme"] == {
        "id": "construction",
        "institution": "college",
        "credits": 100,
        "max_share": 0.5,
        "courses": {"CAD": {"name": "Drawing", "credits": 1.5, "type": None, "language": "zh"}},
    }


def test_a_wish_names_one_certificate_or_a_set_and_carries_its_own_fields() -> None:
    account = given(awarded("N1"), awarded("N2"))
    seen = situation(account, wish("N1", target="CAD", term="2026-2"), wish("N1", "N2", outcome="forged"))
    assert seen["requests"] == [
        {"outcome": N1, "target": "CAD", "term": "2026-2"},
        {"outcome": [N1, str(certificate("N2"))]},
    ]


def test_the_certificates_seen_are_those_wished_and_those_of_the_history() -> None:
    account = given(awarded("N1"), awarded("N2"), awarded("N3"), converted(1, grant("N2", "1")))
    assert [one["id"] for one in situation(account, wish("N1"))["outcomes"]] == [N1, str(certificate("N2"))]


def test_an_exemption_under_review_still_counts_and_the_day_is_that_of_the_application() -> None:
    review = ExemptionReviewOpened(exemption_id=UUID(int=1), certificate_id=certificate("N1"), reason="-")
    account = given(awarded("N1"), exempted(1, grant("N1", "1.5", "BIM1")), review)
    assert situation(account)["history"] == [
        {
            "outcome": N1,
            "target": "BIM1",
            "purpose": "exemption",
            "on": "2026-08-01",
            "credits": 1.5,
            "bucket": None,
        }
    ]


def test_what_other_programmes_made_of_the_wished_certificates_stands_apart() -> None:
    account = given(
        awarded("N1"),
        awarded("N2"),
        converted(1, grant("N1", "1"), programme="other"),
        converted(2, grant("N2", "1"), institution="other college"),
    )
    seen = situation(account, wish("N1"))
    assert seen["history"] == []
    assert [entry["outcome"] for entry in seen["elsewhere"]] == [N1]
