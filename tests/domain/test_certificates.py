"""Decisions about certificates: given what happened, when somebody decides, then events or a refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from creditbank.domain import catalogue as catalogues
from creditbank.domain import errors
from creditbank.domain.account import Account, Head, evolve
from creditbank.domain.certificates import amend, award, hold, hold_for_withdrawal, objections, release, revoke
from creditbank.domain.events import (
    AccountClosed,
    AccountErased,
    AccountEvent,
    AccountMerged,
    AccountSuspended,
    AccreditationWithdrawn,
    CertificateHeld,
    CertificateHoldReleased,
    CertificateRevoked,
    ConversionReversed,
    ExemptionReviewed,
    ExemptionReviewOpened,
    Particulars,
    Score,
)
from tests.domain.facts import (
    ACCREDITATION,
    CATALOGUE,
    ISSUER,
    LEARNER,
    TODAY,
    TWIN,
    awarded,
    catalogue_of,
    certificate,
    converted,
    exempted,
    given,
    grant,
    posted,
)

N1 = certificate("N1")
SUSPENDED = AccountSuspended(reason="inquiry")
MERGED = AccountMerged(survivor=TWIN, reason="same person")
HELD = CertificateHeld(certificate_id=N1, reason="inquiry")
REVOKED = CertificateRevoked(certificate_id=N1, reason="forged", effective_from=TODAY)


def test_an_award_takes_its_credits_and_accreditation_from_the_catalogue() -> None:
    assert award(given().head, posted(), None, CATALOGUE, TODAY) == awarded(credits="6")


def said(**changes: Any) -> list[str]:
    """The codes of everything that speaks against an award, of which some could not be read."""
    read = posted()
    fields = {
        "issuer": read.issuer,
        "number": read.number,
        "standard": read.standard,
        "level": read.level,
        "issued_on": read.issued_on,
        "expires_on": read.expires_on,
    }
    found = objections(CATALOGUE, TODAY, **(fields | changes))
    return [one.faults[0].code if isinstance(one, errors.Invalid) else one.code for one in found]


def test_nothing_speaks_against_an_award_that_is_fit() -> None:
    assert said() == []


def test_all_that_speaks_against_an_award_is_named_at_once() -> None:
    tomorrow = TODAY + timedelta(days=1)
    assert said(level="none", issued_on=tomorrow, expires_on=TODAY) == [
        "level_unknown", "dates_reversed", "issued_in_future",
    ]  # fmt: skip
    assert said(standard="none", issued_on=tomorrow) == ["standard_unknown", "issued_in_future"]
    assert said(issuer="nobody") == ["organisation_not_accredited"]


def test_what_could_not_be_read_is_not_judged() -> None:
    assert said(number=None, standard=None, level=None, issued_on=None) == []
    assert said(level=None, standard="none") == ["standard_unknown"]
    assert said(standard=None, level="none") == []


def test_an_award_keeps_what_the_issuer_says_besides() -> None:
    particulars = Particulars(hours=120, score=Score(value="91.5", scale="100"), fields={"prize": "first"})
    event = award(given().head, posted(particulars=particulars, expires_on=date(2030, 1, 1)), None, CATALOGUE, TODAY)
    lot = evolve(given(), event).lots[N1]
    assert (lot.particulars, lot.expires_on, lot.version) == (particulars, date(2030, 1, 1), 2)


FUTURE = TODAY + timedelta(days=1)
LADDER: list[tuple[dict[str, Any], type[errors.BankError]]] = [
    ({"standard": "unheard of"}, errors.StandardUnknown),
    ({"level": "大师"}, errors.LevelUnknown),
    ({"issued_on": FUTURE}, errors.IssuedInFuture),
    ({"number": "S000044000000255000001", "issued_on": date(2026, 7, 1)}, errors.NumberContradictsRecord),
    ({"issuer": "someone else"}, errors.OrganisationNotAccredited),
]


@pytest.mark.parametrize("rung", range(len(LADDER)))
def test_of_several_refusals_the_earlier_in_the_order_is_given(rung: int) -> None:
    """Each rung commits its own fault and every later one, on a closed account and with a taken number."""
    merged: dict[str, Any] = {}
    for fault, _ in reversed(LADDER[rung:]):
        merged |= fault
    wrong = replace(posted(), **merged)
    closed = given(AccountClosed(reason="left")).head
    with pytest.raises(LADDER[rung][1]):
        award(closed, wrong, TWIN, CATALOGUE, TODAY)


def test_a_claimed_number_is_refused_before_the_state_of_the_account() -> None:
    closed = given(AccountClosed(reason="left")).head
    with pytest.raises(errors.CertificateNumberTaken) as taken:
        award(closed, posted(), TWIN, CATALOGUE, TODAY)
    assert str(TWIN) not in repr((taken.value.members, taken.value.facts))
    with pytest.raises(errors.AccountNotOpen):
        award(closed, posted(), None, CATALOGUE, TODAY)


def test_a_certificate_is_awarded_once() -> None:
    with pytest.raises(errors.CertificateDuplicate) as duplicate:
        award(given(awarded()).head, posted(), LEARNER, CATALOGUE, TODAY)
    assert duplicate.value.members == {"certificate_id": str(N1)}


def test_a_contradicting_number_is_named_field_by_field() -> None:
    with pytest.raises(errors.NumberContradictsRecord) as refused:
        award(
            given().head,
            posted(number="S000044000000255000001", level="中级", issued_on=date(2026, 7, 1)),
            None,
            CATALOGUE,
            TODAY,
        )
    assert [fault.pointer for fault in refused.value.faults] == ["/issued_on"]


@pytest.mark.parametrize(
    ("event", "refusal"),
    [
        (SUSPENDED, errors.AccountNotOpen),
        (AccountClosed(reason="left"), errors.AccountNotOpen),
        (AccountErased(reason="asked", receipt=UUID(int=9)), errors.AccountNotOpen),
        (MERGED, errors.AccountMerged),
    ],
)
def test_only_an_open_account_takes_an_award(event: Any, refusal: type[errors.BankError]) -> None:
    with pytest.raises(refusal):
        award(given(event).head, posted(), None, CATALOGUE, TODAY)


def test_an_account_that_was_never_opened_takes_no_award() -> None:
    with pytest.raises(errors.NotFound):
        award(Head(account_id=LEARNER), posted(), None, CATALOGUE, TODAY)


@pytest.mark.parametrize(
    ("issued_on", "covered"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_an_accreditation_covers_both_ends_of_its_term(issued_on: date, covered: bool) -> None:
    later = date(2027, 6, 1)
    if covered:
        award(given().head, posted(issued_on=issued_on), None, CATALOGUE, later)
    else:
        with pytest.raises(errors.OrganisationNotAccredited):
            award(given().head, posted(issued_on=issued_on), None, CATALOGUE, later)


def test_a_level_that_is_not_accredited_is_not_awarded() -> None:
    with pytest.raises(errors.OrganisationNotAccredited):
        award(given().head, posted(level="高级"), None, CATALOGUE, TODAY)


def test_a_certificate_issued_on_the_day_of_a_withdrawal_is_not_covered_and_one_of_the_day_before_is() -> None:
    withdrawn = AccreditationWithdrawn(
        organisation="BIM-EVAL", accreditation_id=ACCREDITATION, effective_from=date(2026, 7, 1), reason="inspection"
    )
    after = catalogues.evolve(CATALOGUE, withdrawn)
    award(given().head, posted(issued_on=date(2026, 6, 30)), None, after, TODAY)
    with pytest.raises(errors.OrganisationNotAccredited):
        award(given().head, posted(issued_on=date(2026, 7, 1)), None, after, TODAY)


# Amendments


def test_an_amendment_to_a_lower_level_that_leaves_enough_credits_touches_no_use() -> None:
    account = given(awarded(), converted(1, grant("N1", "3")))
    (event,) = amend(account, N1, {"level": "初级"}, "re-marked", CATALOGUE, TODAY)
    lot = evolve(account, event).lots[N1]
    assert (lot.level, lot.rank, lot.credits) == ("初级", 1, 30_000)


def test_an_amendment_that_loses_credits_in_use_takes_dependants_along_as_a_revocation_does() -> None:
    account = given(awarded(), converted(1, grant("N1", "2")), exempted(2, grant("N1", "2", "BIM1")))
    events = amend(account, N1, {"level": "初级"}, "re-marked", CATALOGUE, TODAY)
    assert events[1:] == [
        ConversionReversed(conversion_id=UUID(int=1), reason="re-marked", certificate_id=N1),
        ExemptionReviewOpened(exemption_id=UUID(int=2), reason="re-marked", certificate_id=N1),
    ]


def test_an_amendment_that_loses_nothing_leaves_an_upheld_exemption_in_peace() -> None:
    upheld = ExemptionReviewed(exemption_id=UUID(int=1), outcome="upheld", reason="learned elsewhere")
    account = given(awarded(credits="3"), exempted(1, grant("N1", "4", "CAD")), upheld)
    assert len(amend(account, N1, {"level": "中级", "hours": 90}, "hours", CATALOGUE, TODAY)) == 1


def test_an_amendment_that_keeps_the_level_keeps_the_credits_once_recognised() -> None:
    account = given(awarded(credits="5.5"))
    (event,) = amend(account, N1, {"hours": 90}, "hours", CATALOGUE, TODAY)
    lot = evolve(account, event).lots[N1]
    assert (lot.credits, lot.particulars.hours) == (55_000, 90)


def test_an_amendment_changes_what_it_names_and_nothing_else() -> None:
    particulars = Particulars(hours=80, site="Wuhan", fields={"prize": "first"})
    account = given(awarded(expires_on=date(2029, 7, 1), particulars=particulars))
    (event,) = amend(account, N1, {"expires_on": None, "hours": None}, "no term", CATALOGUE, TODAY)
    before, after = account.lots[N1], evolve(account, event).lots[N1]
    assert after == replace(before, expires_on=None, particulars=replace(particulars, hours=None))


def test_an_amended_certificate_on_hold_stays_on_hold() -> None:
    account = given(awarded(), HELD)
    (event,) = amend(account, N1, {"hours": 90}, "hours", CATALOGUE, TODAY)
    assert evolve(account, event).lots[N1].status == "held"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"level": "大师"}, errors.LevelUnknown),
        ({"level": "高级"}, errors.OrganisationNotAccredited),
        ({"issued_on": FUTURE}, errors.IssuedInFuture),
        ({"issued_on": date(2025, 7, 1)}, errors.OrganisationNotAccredited),
        ({"expires_on": date(2026, 6, 30)}, errors.Invalid),
    ],
)
def test_an_amendment_must_stand_as_an_award_would(changes: dict[str, Any], refusal: type[errors.BankError]) -> None:
    with pytest.raises(refusal):
        amend(given(awarded()), N1, changes, "correction", CATALOGUE, TODAY)


def test_a_day_of_issue_cannot_be_moved_behind_the_last_day_of_the_certificate() -> None:
    account = given(awarded(issued_on=date(2026, 2, 1), expires_on=date(2026, 3, 1)))
    with pytest.raises(errors.Invalid) as refused:
        amend(account, N1, {"issued_on": date(2026, 3, 2)}, "typing error", CATALOGUE, TODAY)
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [("dates_reversed", "/changes")]


def test_a_contradiction_in_an_amendment_points_into_its_changes() -> None:
    account = given(awarded("S000044000000264000001"))
    with pytest.raises(errors.NumberContradictsRecord) as refused:
        amend(account, certificate("S000044000000264000001"), {"issued_on": date(2025, 7, 1)}, "-", CATALOGUE, TODAY)
    assert [fault.pointer for fault in refused.value.faults] == ["/changes/issued_on"]


# Hold, release, revoke


def test_a_certificate_is_held_and_released() -> None:
    account = given(awarded())
    assert hold(account, N1, "inquiry", by_issuer=True) == [HELD]
    released = CertificateHoldReleased(certificate_id=N1, reason="cleared")
    assert release(evolve(account, HELD), N1, "cleared", by_issuer=True) == [released]


def test_a_hold_that_a_withdrawal_imposed_is_the_authoritys_to_lift() -> None:
    account = given(awarded(), replace(HELD, accreditation_id=ACCREDITATION))
    with pytest.raises(errors.Forbidden):
        release(account, N1, "cleared", by_issuer=True)
    assert len(release(account, N1, "cleared", by_issuer=False)) == 1


def test_a_hold_by_the_authoritys_hand_is_the_authoritys_to_lift() -> None:
    account = given(awarded("N1"))
    [imposed] = hold(account, N1, "inquiry", by_issuer=False)
    held = evolve(account, imposed)
    with pytest.raises(errors.Forbidden):
        release(held, N1, "cleared", by_issuer=True)
    [cleared] = release(held, N1, "cleared", by_issuer=False)
    lifted = evolve(held, cleared)
    [doubted] = hold(lifted, N1, "inquiry", by_issuer=True)
    again = evolve(lifted, doubted)
    assert len(release(again, N1, "cleared", by_issuer=True)) == 1


def lift(account: Account, certificate_id: UUID, reason: str) -> list[AccountEvent]:
    return release(account, certificate_id, reason, by_issuer=False)


def set_aside(account: Account, certificate_id: UUID, reason: str) -> list[AccountEvent]:
    return hold(account, certificate_id, reason, by_issuer=True)


@pytest.mark.parametrize("decide", [set_aside, lift])
@pytest.mark.parametrize("last", [None, HELD, REVOKED])
def test_only_an_active_one_is_held_and_only_a_held_one_released(decide: Any, last: Any) -> None:
    account = given(awarded(), *([last] if last else []))
    status = account.lots[N1].status
    if (decide, status) in ((set_aside, "active"), (lift, "held")):
        assert len(decide(account, N1, "reason")) == 1
        return
    with pytest.raises(errors.WrongState) as refused:
        decide(account, N1, "reason")
    assert refused.value.members == {"current_status": status}


def test_a_withdrawal_holds_what_is_active_and_passes_over_the_rest() -> None:
    events = hold_for_withdrawal(given(awarded()), N1, ACCREDITATION, "inspection")
    assert events == [CertificateHeld(certificate_id=N1, reason="inspection", accreditation_id=ACCREDITATION)]
    for account in (given(awarded(), HELD), given(awarded(), REVOKED), given()):
        assert hold_for_withdrawal(account, N1, ACCREDITATION, "inspection") == []


def test_a_revocation_reverses_conversions_and_asks_about_exemptions_in_one_list() -> None:
    account = given(
        awarded("N1"),
        awarded("N2"),
        converted(1, grant("N1", "1")),
        converted(2, grant("N2", "1")),
        exempted(3, grant("N2", "1", "CAD"), grant("N1", "1", "BIM1")),
        exempted(4, grant("N1", "2", "WORK")),
        ExemptionReviewOpened(exemption_id=UUID(int=4), certificate_id=N1, reason="earlier doubt"),
        converted(5, grant("N1", "1")),
        ConversionReversed(conversion_id=UUID(int=5), reason="asked"),
    )
    assert revoke(account, N1, "forged", TODAY, TODAY) == [
        REVOKED,
        ConversionReversed(conversion_id=UUID(int=1), reason="forged", certificate_id=N1),
        ExemptionReviewOpened(exemption_id=UUID(int=3), reason="forged", certificate_id=N1),
    ]


def test_a_held_certificate_is_revoked_and_a_revoked_one_never_again() -> None:
    assert revoke(given(awarded(), HELD), N1, "forged", TODAY, TODAY)[0] == REVOKED
    with pytest.raises(errors.WrongState):
        revoke(given(awarded(), REVOKED), N1, "forged", TODAY, TODAY)


def test_nothing_is_revoked_in_advance() -> None:
    with pytest.raises(errors.Invalid) as refused:
        revoke(given(awarded()), N1, "forged", TODAY + timedelta(days=1), TODAY)
    assert [fault.pointer for fault in refused.value.faults] == ["/effective_from"]


def test_a_revocation_takes_effect_on_the_day_of_issue_at_the_earliest() -> None:
    account = given(awarded(issued_on=date(2026, 7, 1)))
    revoke(account, N1, "forged", date(2026, 7, 1), TODAY)
    with pytest.raises(errors.Invalid) as refused:
        revoke(account, N1, "forged", date(2026, 6, 30), TODAY)
    assert [fault.pointer for fault in refused.value.faults] == ["/effective_from"]


@pytest.mark.parametrize(
    "event", [SUSPENDED, AccountClosed(reason="left"), AccountErased(reason="-", receipt=UUID(int=1))]
)
def test_the_truth_about_a_certificate_does_not_wait_for_the_account(event: Any) -> None:
    assert revoke(given(awarded(), event), N1, "forged", TODAY, TODAY) == [REVOKED]


def test_on_a_merged_account_a_correction_is_sent_to_the_survivor() -> None:
    with pytest.raises(errors.AccountMerged) as refused:
        revoke(given(awarded(), MERGED), N1, "forged", TODAY, TODAY)
    assert refused.value.members == {"merged_into": str(TWIN)}


def test_a_certificate_that_is_not_in_the_account_is_not_found() -> None:
    for decide in (lambda: hold(given(), N1, "-", by_issuer=True), lambda: revoke(given(), N1, "-", TODAY, TODAY)):
        with pytest.raises(errors.NotFound):
            decide()


def test_an_old_certificate_is_still_revoked_when_its_standard_is_gone() -> None:
    nothing = catalogue_of(ISSUER)
    account = given(awarded())
    assert revoke(account, N1, "forged", TODAY, TODAY) == [REVOKED]
    with pytest.raises(errors.StandardUnknown):
        amend(account, N1, {"hours": 1}, "-", nothing, TODAY)
