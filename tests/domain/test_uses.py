"""Decisions about uses: the ledger speaks before the rules and after them, and all wishes get one list of answers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from creditbank.domain import account as accounts
from creditbank.domain import errors, uses
from creditbank.domain.account import Account
from creditbank.domain.events import (
    AccountMerged,
    CertificateHeld,
    CertificateRevoked,
    ConversionReversed,
    CoursesExempted,
    CreditsConverted,
    ExemptionReversed,
    ExemptionReviewed,
    ExemptionReviewOpened,
    ReservationMade,
    RulebookVersionPublished,
    UseReceived,
)
from creditbank.domain.situations import Wish
from creditbank.domain.use import use_of
from creditbank.domain.uses import Outcome
from tests.domain.facts import (
    DECISION,
    NOW,
    PROGRAMME,
    TODAY,
    TWIN,
    awarded,
    certificate,
    converted,
    dealing,
    exempted,
    given,
    grant,
    wish,
)

CARRY: dict[str, Any] = {"sources": [{"value": {"carry": True}}]}
EXEMPT: dict[str, Any] = {
    "sources": [
        {"match": {"r.target": {"absent": True}}, "value": {"fixed": 2}},
        {"value": {"target": True}, "grade": "exempt"},
    ],
    "caps": [{"id": "all", "measure": "credits", "limit": 7, "over": "drop", "reason": "CAP_PROGRAMME_TOTAL"}],
}
VERSION = RulebookVersionPublished(
    rulebook="exemptions",
    owner="college",
    number=3,
    effective_from=date(2026, 1, 1),
    rules={},
    rules_sha256="ab" * 32,
)


def decide(account: Account, *wishes: Wish, rules: dict[str, Any] = EXEMPT, **changes: Any) -> Outcome:
    return uses.decide(dealing(account, rules, **changes), wishes)


def refused(outcome: Outcome) -> list[tuple[int, str]]:
    return [(refusal.request, refusal.reason) for refusal in outcome.refusals]


# What the ledger says before the rules

UNUSABLE: dict[str, tuple[Any, ...]] = {
    "OUTCOME_REVOKED": (
        awarded("N1"),
        CertificateRevoked(certificate_id=certificate("N1"), reason="-", effective_from=TODAY),
    ),
    "OUTCOME_HELD": (awarded("N1"), CertificateHeld(certificate_id=certificate("N1"), reason="-")),
    "OUTCOME_EXPIRED": (awarded("N1", expires_on=TODAY - timedelta(days=1)),),
}


@pytest.mark.parametrize("reason", UNUSABLE)
def test_a_certificate_that_may_not_be_used_is_refused_and_the_other_wishes_are_granted(reason: str) -> None:
    account = given(*UNUSABLE[reason], awarded("N2"))
    outcome = decide(account, wish("N1", target="CAD"), wish("N2", target="CAD"))
    assert refused(outcome) == [(0, reason)]
    assert [(one.certificate_ids, one.target) for one in outcome.grants] == [((certificate("N2"),), "CAD")]


def test_one_unusable_certificate_of_a_set_refuses_the_set() -> None:
    outcome = decide(given(*UNUSABLE["OUTCOME_HELD"], awarded("N2")), wish("N2", "N1", target="CAD"))
    assert refused(outcome) == [(0, "OUTCOME_HELD")]


def test_the_rules_are_never_asked_about_what_the_ledger_refused() -> None:
    outcome = decide(given(*UNUSABLE["OUTCOME_HELD"]), wish("N1", target="CAD"))
    assert (outcome.situation.get("requests", []), outcome.caps) == ([], ())


def test_the_last_day_of_a_certificate_is_inclusive_and_the_day_is_that_of_the_application() -> None:
    account = given(awarded("N1", expires_on=date(2026, 8, 31)))
    assert decide(account, wish("N1"), applied_on=date(2026, 8, 31)).grants
    late = decide(account, wish("N1"), applied_on=date(2026, 9, 1))
    assert [(one.reason, one.measured, one.limit) for one in late.refusals] == [
        ("OUTCOME_EXPIRED", "2026-09-01", "2026-08-31")
    ]


# What the ledger says after the rules


def test_a_grant_that_the_certificate_cannot_pay_for_is_refused_and_leaves_no_trace_in_a_ceiling() -> None:
    """CAD takes 4 of 5 free credits, BIM1 would take 2 more, and the ceiling of 7 still has room for the last."""
    account = given(awarded("N1", credits="5"), awarded("N2", credits="3"))
    outcome = decide(
        account,
        wish("N1", target="CAD"),
        wish("N1", target="BIM1"),
        wish("N2", target="WORK"),
    )
    assert refused(outcome) == [(1, "CREDITS_USED")]
    assert [one.target for one in outcome.grants] == ["CAD", "WORK"]
    assert [(cap["before"], cap["after"], cap["limit"]) for cap in outcome.caps] == [("0", "6", "7")]
    (refusal,) = outcome.refusals
    assert uses.refusal_document(refusal)["would_be"] == "2"
    assert uses.refusal_document(refusal)["limit"] == "1"


def test_a_wish_that_a_ceiling_refused_may_pass_when_an_earlier_one_fails_for_want_of_credits() -> None:
    account = given(awarded("N1", credits="3"), awarded("N2", credits="4"))
    rules = {**EXEMPT, "caps": [{**EXEMPT["caps"][0], "limit": 4}]}
    outcome = decide(account, wish("N1", target="CAD"), wish("N2", target="CAD"), rules=rules)
    assert refused(outcome) == [(0, "CREDITS_USED")]
    assert [one.certificate_ids for one in outcome.grants] == [(certificate("N2"),)]


def test_what_other_programmes_took_is_gone_and_what_was_reversed_is_back() -> None:
    account = given(awarded("N1"), converted(1, grant("N1", "6"), institution="other college"))
    assert refused(decide(account, wish("N1"))) == [(0, "CREDITS_USED")]
    back = accounts.evolve(account, ConversionReversed(conversion_id=UUID(int=1), reason="-"))
    assert decide(back, wish("N1")).grants


def test_rules_that_consume_nothing_never_want_for_credits() -> None:
    account = given(awarded("N1", credits="1"), converted(1, grant("N1", "1"), institution="other college"))
    outcome = decide(account, wish("N1", target="CAD"), rules={**EXEMPT, "consume": {"amount": "none"}})
    assert [(one.credits, one.consumed) for one in outcome.grants] == [(40_000, {})]


def test_a_set_is_used_up_in_its_order() -> None:
    account = given(awarded("N1", credits="3"), awarded("N2", credits="3"))
    (one,) = decide(account, wish("N1", "N2", target="CAD")).grants
    assert one.consumed == {certificate("N1"): 30_000, certificate("N2"): 10_000}
    assert one.credits == 40_000


def test_a_set_whose_first_certificate_is_partly_used_is_refused_whole() -> None:
    account = given(awarded("N1", credits="3"), awarded("N2", credits="3"), converted(1, grant("N1", "1")))
    assert refused(decide(account, wish("N1", "N2", target="CAD"))) == [(0, "CREDITS_USED")]


def test_a_shortfall_is_never_used_and_never_shown_below_zero() -> None:
    account = given(awarded("N1", credits="2"), exempted(1, grant("N1", "4", "CAD")))
    outcome = decide(account, wish("N1"))
    assert refused(outcome) == [(0, "CREDITS_USED")]
    assert uses.refusal_document(outcome.refusals[0])["limit"] == "0"


def reserved(use: int, credits: str, expires_at: int = NOW + 1) -> ReservationMade:
    return ReservationMade(
        reservation_id=UUID(int=use),
        kind="conversion",
        institution="other college",
        programme="other",
        grants=(grant("N1", credits),),
        decision=DECISION,
        expires_at=expires_at,
    )


def test_credits_that_are_reserved_are_in_the_way_until_their_time_is_over() -> None:
    account = given(awarded("N1", credits="6"), reserved(1, "6"))
    outcome = decide(account, wish("N1"))
    assert (refused(outcome), outcome.reserved_until) == ([(0, "OUTCOME_RESERVED")], NOW + 1)
    assert decide(account, wish("N1"), now=NOW + 1).grants


def test_credits_that_would_do_without_a_reservation_are_refused_as_reserved_not_as_used() -> None:
    account = given(awarded("N1", credits="6"), reserved(1, "5"))
    assert refused(decide(account, wish("N1"))) == [(0, "OUTCOME_RESERVED")]
    assert refused(decide(account, wish("N1", target="CAD"))) == [(0, "OUTCOME_RESERVED")]
    smaller = given(awarded("N1", credits="3"), reserved(1, "2"))
    assert refused(decide(smaller, wish("N1", target="CAD"))) == [(0, "CREDITS_USED")]


# What the rules see


def test_history_is_what_this_programme_granted_and_still_grants() -> None:
    once = {**EXEMPT, "once": [{"scope": "target", "reason": "COURSE_ALREADY_SATISFIED"}]}
    ours = exempted(1, grant("N1", "2", "BIM1"))
    theirs = exempted(2, grant("N1", "2", "BIM1"), institution="other college")
    other = exempted(3, grant("N1", "2", "BIM1"), programme="other")
    again = wish("N2", target="BIM1")
    stand = (awarded("N1", credits="6"), awarded("N2"))
    assert refused(decide(given(*stand, ours), again, rules=once)) == [(0, "COURSE_ALREADY_SATISFIED")]
    for events in ((theirs,), (other,), (ours, ExemptionReversed(exemption_id=UUID(int=1), reason="-"))):
        assert decide(given(*stand, *events), again, rules=once).grants


def test_answers_come_in_the_order_of_the_wishes() -> None:
    account = given(*UNUSABLE["OUTCOME_HELD"], awarded("N2"), awarded("N3", credits="1"))
    outcome = decide(
        account,
        wish("N3", target="CAD"),
        wish("N1", target="CAD"),
        wish("N2", target="CAD"),
        wish("N2", target="CAD"),
    )
    assert refused(outcome) == [(0, "CREDITS_USED"), (1, "OUTCOME_HELD"), (3, "CAP_PROGRAMME_TOTAL")]


def test_names_that_are_not_there_are_all_named_with_their_place() -> None:
    with pytest.raises(errors.Invalid) as found:
        decide(
            given(awarded("N1")),
            wish("N1", target="CAD"),
            wish("other", target="unheard of"),
            wish("N1", "other", target="CAD"),
        )
    assert [(fault.code, fault.pointer) for fault in found.value.faults] == [
        ("certificate_unknown", "/requests/1/certificate_id"),
        ("target_unknown", "/requests/1/target"),
        ("certificate_unknown", "/requests/2/certificate_ids"),
    ]


def test_a_field_that_the_rules_cannot_read_is_named_where_the_caller_wrote_it() -> None:
    account = given(*UNUSABLE["OUTCOME_HELD"], awarded("N2"))
    with pytest.raises(errors.Invalid) as found:
        decide(account, wish("N1"), wish("N2", on="yesterday"))
    assert [(fault.code, fault.pointer) for fault in found.value.faults] == [("situation_invalid", "/requests/1/on")]


# What is recorded


def test_a_recorded_decision_keeps_what_is_needed_to_evaluate_it_again() -> None:
    account = given(awarded("N1", credits="5"))
    application = dealing(account, EXEMPT)
    outcome = uses.decide(application, [wish("N1", target="CAD"), wish("N1", target="BIM1")])
    decision = uses.decision_of(outcome, application, VERSION)
    assert (decision.rulebook, decision.rulebook_version, decision.rules_sha256) == ("exemptions", 3, "ab" * 32)
    assert decision.applied_on == TODAY
    assert [refusal["reason"] for refusal in decision.refused] == ["CREDITS_USED"]
    assert [cap["after"] for cap in decision.caps] == ["4"]


@pytest.mark.parametrize(("kind", "event"), [("conversion", CreditsConverted), ("exemption", CoursesExempted)])
def test_the_kind_of_use_is_that_of_the_path(kind: Any, event: type) -> None:
    made = uses.use_event(kind, UUID(int=1), (PROGRAMME.institution, PROGRAMME.code), (), DECISION)
    assert isinstance(made, event)
    use = use_of(made, 2)
    assert (use.use_id, use.kind, use.institution, use.programme) == (UUID(int=1), kind, "college", "construction")


# Reversals and reviews

REVIEW = ExemptionReviewOpened(exemption_id=UUID(int=2), certificate_id=certificate("N1"), reason="-")
BOTH = (awarded("N1"), converted(1, grant("N1", "1")), exempted(2, grant("N1", "2", "BIM1")))


def test_a_use_is_reversed_once() -> None:
    account = given(*BOTH)
    for number, event in (
        (1, ConversionReversed(conversion_id=UUID(int=1), reason="asked")),
        (2, ExemptionReversed(exemption_id=UUID(int=2), reason="asked")),
    ):
        assert uses.reverse(account, UUID(int=number), "asked") == event
        with pytest.raises(errors.WrongState):
            uses.reverse(accounts.evolve(account, event), UUID(int=number), "asked")


def test_a_use_under_review_may_be_reversed_too() -> None:
    account = given(*BOTH, REVIEW)
    assert uses.reverse(account, UUID(int=2), "-") == ExemptionReversed(exemption_id=UUID(int=2), reason="-")


def test_a_review_is_answered_once_and_only_when_it_was_opened() -> None:
    with pytest.raises(errors.WrongState):
        uses.review(given(*BOTH), UUID(int=2), "upheld", "-")
    under_review = given(*BOTH, REVIEW)
    answer = uses.review(under_review, UUID(int=2), "withdrawn", "they agree")
    assert answer == ExemptionReviewed(exemption_id=UUID(int=2), outcome="withdrawn", reason="they agree")
    with pytest.raises(errors.WrongState):
        uses.review(accounts.evolve(under_review, answer), UUID(int=2), "upheld", "-")


def test_a_reservation_is_not_reversed_but_released() -> None:
    with pytest.raises(errors.WrongState):
        uses.reverse(given(awarded("N1"), reserved(1, "2")), UUID(int=1), "-")


def test_a_use_that_is_not_there_is_not_found_and_one_that_went_with_a_merge_is_sent_on() -> None:
    with pytest.raises(errors.NotFound):
        uses.reverse(given(), UUID(int=1), "-")
    with pytest.raises(errors.AccountMerged):
        uses.reverse(given(*BOTH, AccountMerged(survivor=TWIN, reason="-")), UUID(int=1), "-")


def test_a_use_that_came_with_a_merge_is_reversed_where_it_went() -> None:
    received = UseReceived(merged_from=TWIN, use=converted(1, grant("N1", "1")))
    assert isinstance(uses.reverse(given(awarded("N1"), received), UUID(int=1), "-"), ConversionReversed)
