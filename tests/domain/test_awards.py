"""Award checks: what is missing for a qualification, and the smallest set of certificates that would do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from creditbank.domain import awards, errors
from creditbank.domain.awards import AwardCheck
from creditbank.domain.events import CertificateHeld, ConversionReversed, ExemptionReviewOpened
from tests.domain.facts import awarded, certificate, converted, dealing, exempted, given, grant

RULES: dict[str, Any] = {
    "sources": [{"value": {"carry": True}, "bucket": "practice"}],
    "award": {
        "diploma": [{"id": "all", "min": 12}, {"id": "high", "match": {"level": "高级"}, "min": 6}],
        "certificate": [{"id": "practice", "match": {"bucket": "practice"}, "min": 6}],
        "course": [{"id": "drawing", "match": {"target": "CAD"}, "min": 4}],
    },
}


def check(*events: Any, award: str = "diploma", rules: dict[str, Any] = RULES) -> AwardCheck:
    return awards.check(dealing(given(*events), rules), award)


def missing(found: AwardCheck) -> list[tuple[str, int, int]]:
    return [(one.check, int(one.have), int(one.need)) for one in found.decision.missing]


def numbers(found: AwardCheck) -> list[str]:
    names = {certificate(f"N{number}"): f"N{number}" for number in range(100)}
    return [names[one] for one in found.smallest_set or ()]


def test_what_is_missing_is_named_check_by_check_in_the_order_of_the_rulebook() -> None:
    found = check()
    assert missing(found) == [("all", 0, 12), ("high", 0, 6)]
    assert (found.smallest_set, found.is_proven) == (None, True)


def test_what_stands_in_the_programme_counts_and_nothing_else_does() -> None:
    held = (awarded("N1", level="高级"), awarded("N2"))
    ours = converted(1, grant("N1", "6"))
    assert missing(check(*held, ours)) == [("all", 6, 12)]
    theirs = converted(1, grant("N1", "6"), institution="other college")
    other = converted(1, grant("N1", "6"), programme="other")
    back = (ours, ConversionReversed(conversion_id=UUID(int=1), reason="-"))
    for events in ((theirs,), (other,), back):
        assert missing(check(*held, *events)) == [("all", 0, 12), ("high", 0, 6)]


def test_an_exemption_counts_with_its_course_also_while_it_is_under_review() -> None:
    events = (awarded("N1"), exempted(1, grant("N1", "4", "CAD")))
    review = ExemptionReviewOpened(exemption_id=UUID(int=1), certificate_id=certificate("N1"), reason="-")
    for found in (check(*events, award="course"), check(*events, review, award="course")):
        assert (found.decision.awardable, found.smallest_set, found.is_proven) == (True, (), True)


def test_the_smallest_set_closes_the_gap_and_the_earlier_certificate_is_taken() -> None:
    held = (awarded("N1", credits="2"), awarded("N2"), awarded("N3"), awarded("N4", level="高级"))
    found = check(*held)
    assert (numbers(found), found.is_proven) == (["N2", "N4"], True)
    assert numbers(check(*held, award="certificate")) == ["N2"]
    assert numbers(check(*held, converted(1, grant("N4", "6")))) == ["N2"]


def test_certificates_without_credits_left_or_on_hold_close_no_gap() -> None:
    used = converted(1, grant("N1", "6"), institution="other college")
    held = CertificateHeld(certificate_id=certificate("N2"), reason="-")
    found = check(awarded("N1"), awarded("N2"), used, held, award="certificate")
    assert (found.smallest_set, found.is_proven) == (None, True)


def test_what_a_ceiling_cuts_off_closes_no_gap() -> None:
    """Converted first, the first certificate leaves no room for the one of the higher level."""
    cap = {"id": "all", "measure": "credits", "limit": 8, "over": "drop", "reason": "CAP_PROGRAMME_TOTAL"}
    rules = {**RULES, "caps": [cap], "award": {"diploma": [{"id": "high", "match": {"level": "高级"}, "min": 6}]}}
    assert numbers(check(awarded("N1"), awarded("N2", level="高级"), rules=rules)) == ["N2"]


def test_where_there_are_too_many_sets_one_of_which_nothing_can_be_left_out_is_named() -> None:
    """30 certificates of 1 to 6 credits have 10^9 sets; 12 credits are those of two large ones and a small high one."""
    held = [awarded(f"N{number}", credits=str(1 + number % 6), level="中级") for number in range(30)]
    high = [awarded(f"N{number}", credits="1", level="高级") for number in range(30, 36)]
    found = check(*held, *high)
    assert not found.is_proven
    chosen = set(numbers(found))
    assert {f"N{number}" for number in range(30, 36)} < chosen
    assert len(chosen) == 7


def test_more_certificates_than_anybody_has_time_for_still_get_an_answer() -> None:
    found = check(*(awarded(f"N{number}", credits="0.1") for number in range(100)))
    assert (found.smallest_set, found.is_proven) == (None, False)


@pytest.mark.parametrize("award", ["unheard of", ""])
def test_an_award_that_the_rulebook_lacks_is_refused(award: str) -> None:
    with pytest.raises(errors.Invalid) as found:
        check(award=award)
    assert [fault.pointer for fault in found.value.faults] == ["/award"]
