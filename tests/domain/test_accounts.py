"""Decisions about an account as a whole: open, suspend, reinstate, close, merge, erase, deal with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from creditbank.domain import account as account_states
from creditbank.domain import accounts, certificates, errors
from creditbank.domain.account import Account, Dealing, Head
from creditbank.domain.balance import balance
from creditbank.domain.events import (
    AccountClosed,
    AccountErased,
    AccountEvent,
    AccountMerged,
    AccountOpened,
    AccountReceived,
    AccountReinstated,
    AccountRestricted,
    AccountSuspended,
    CertificateHeld,
    CertificateRevoked,
    ConversionReversed,
    DealingOpened,
    ExemptionReviewOpened,
    HolderCorrected,
    RestrictionLifted,
)
from tests.domain.facts import (
    ACCREDITATION,
    LEARNER,
    NOW,
    THIRD,
    TODAY,
    TWIN,
    awarded,
    certificate,
    converted,
    exempted,
    given,
    grant,
)

SUSPENDED = AccountSuspended(reason="inquiry")
CLOSED = AccountClosed(reason="left")
RESTRICTED = AccountRestricted(reason="disputed")
ERASED = AccountErased(reason="asked", receipt=UUID(int=7))
MERGED = AccountMerged(survivor=TWIN, reason="same person")


def merged_together(survivor: Account, merged: Account) -> tuple[Account, Account]:
    """Both accounts after the merge."""
    received, ended = accounts.merge(survivor, merged, "same person")
    return account_states.replay(survivor, received), account_states.evolve(merged, ended)


def erase(head: Head, reason: str) -> AccountErased:
    return accounts.erase(head, reason, UUID(int=7))


def correct(head: Head, reason: str) -> AccountEvent:
    event = accounts.correct(head, ("name",), "change", reason)
    assert event is not None
    return event


def restrict(head: Head, reason: str) -> AccountRestricted:
    return accounts.restrict(Account(head=head), reason)


def lift(head: Head, reason: str) -> RestrictionLifted:
    return accounts.lift_restriction(Account(head=head), reason)


STATES: dict[str, tuple[AccountEvent, ...]] = {
    "open": (),
    "suspended": (SUSPENDED,),
    "reinstated": (SUSPENDED, AccountReinstated(reason="cleared")),
    "closed": (CLOSED,),
    "restricted": (RESTRICTED,),
    "erased": (ERASED,),
    "merged": (MERGED,),
}
ALLOWED: dict[Callable[[Head, str], AccountEvent], set[str]] = {
    accounts.suspend: {"open", "reinstated"},
    accounts.reinstate: {"suspended"},
    accounts.close: {"open", "suspended", "reinstated"},
    erase: {"open", "suspended", "reinstated", "closed", "restricted"},
    correct: {"open", "suspended", "reinstated", "closed", "restricted"},
    restrict: {"open", "suspended", "reinstated", "closed"},
    lift: {"restricted"},
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("decide", ALLOWED)
def test_each_state_allows_its_changes_and_no_others(decide: Callable[[Head, str], AccountEvent], state: str) -> None:
    head = given(*STATES[state]).head
    if state in ALLOWED[decide]:
        assert decide(head, "reason").reason == "reason"  # type: ignore[union-attr]
        return
    with pytest.raises(errors.AccountMerged if state == "merged" else errors.WrongState):
        decide(head, "reason")


@pytest.mark.parametrize("decide", ALLOWED)
def test_an_account_that_was_never_opened_is_not_found(decide: Callable[[Head, str], AccountEvent]) -> None:
    with pytest.raises(errors.NotFound):
        decide(Head(account_id=LEARNER), "reason")


# Merging


def test_a_merge_moves_every_certificate_once_with_its_state() -> None:
    other = given(
        awarded("A"),
        awarded("B"),
        awarded("C"),
        CertificateHeld(certificate_id=certificate("B"), reason="inquiry"),
        CertificateRevoked(certificate_id=certificate("C"), reason="forged", effective_from=TODAY),
        account_id=TWIN,
    )
    survivor, ended = merged_together(given(awarded("D")), other)
    assert {lot.number: lot.status for lot in survivor.lots.values()} == {
        "A": "active",
        "B": "held",
        "C": "revoked",
        "D": "active",
    }
    assert survivor.lots[certificate("C")].revoked_from == TODAY
    assert (ended.head.status, ended.head.merged_into, ended.lots, ended.uses) == ("merged", LEARNER, {}, {})


@pytest.mark.parametrize("cause", [{"accreditation_id": ACCREDITATION}, {"by_authority": True}])
def test_a_certificate_that_the_authority_holds_is_after_a_merge_still_its_to_lift(cause: dict[str, Any]) -> None:
    held = CertificateHeld(certificate_id=certificate("A"), reason="inspection", **cause)
    survivor, _ = merged_together(given(), given(awarded("A"), held, account_id=TWIN))
    assert survivor.lots[certificate("A")].status == "held"
    with pytest.raises(errors.Forbidden):
        certificates.release(survivor, certificate("A"), "cleared", by_issuer=True)


@pytest.mark.parametrize("cause", [{"accreditation_id": ACCREDITATION}, {"by_authority": True}])
def test_what_was_revoked_while_the_authority_held_it_stays_revoked_in_a_merge(cause: dict[str, Any]) -> None:
    held = CertificateHeld(certificate_id=certificate("A"), reason="inspection", **cause)
    revoked = CertificateRevoked(certificate_id=certificate("A"), reason="forged", effective_from=TODAY)
    survivor, _ = merged_together(given(), given(awarded("A"), held, revoked, account_id=TWIN))
    assert survivor.lots[certificate("A")].status == "revoked"
    assert survivor.lots[certificate("A")].revoked_from == TODAY


def test_nothing_used_becomes_free_by_merging() -> None:
    other = given(
        awarded("A"),
        converted(1, grant("A", "1")),
        converted(2, grant("A", "1")),
        ConversionReversed(conversion_id=UUID(int=2), reason="asked"),
        exempted(3, grant("A", "2", "BIM1")),
        ExemptionReviewOpened(exemption_id=UUID(int=3), certificate_id=certificate("A"), reason="doubt"),
        account_id=TWIN,
    )
    survivor, _ = merged_together(given(awarded("B"), converted(4, grant("B", "6"))), other)
    assert {use.use_id.int: use.status for use in survivor.uses.values()} == {
        1: "active",
        2: "reversed",
        3: "under_review",
        4: "active",
    }
    sheet = balance(survivor.lots.values(), survivor.uses.values(), TODAY, NOW)
    assert (sheet.earned, sheet.used, sheet.available) == (120_000, 90_000, 30_000)


def test_after_a_merge_each_institution_deals_for_the_longer_of_its_two_terms() -> None:
    def until(day: date | None, institution: str = "other college") -> DealingOpened:
        return DealingOpened(institution=institution, basis="lookup", until=day)

    near, far = TODAY, TODAY + timedelta(days=90)
    for ours, theirs, expected in ((near, far, far), (far, near, far), (near, None, None), (None, far, None)):
        survivor, _ = merged_together(given(until(ours)), given(until(theirs), account_id=TWIN))
        assert survivor.dealings["other college"] == Dealing(institution="other college", until=expected)


def test_in_a_chain_of_merges_the_last_account_knows_all_that_were_the_same_person() -> None:
    second, _ = merged_together(given(awarded("B"), account_id=TWIN), given(awarded("C"), account_id=THIRD))
    first, ended = merged_together(given(awarded("A")), second)
    assert first.absorbed == (TWIN, THIRD)
    assert {lot.number for lot in first.lots.values()} == {"A", "B", "C"}
    assert ended.head.merged_into == LEARNER


def test_a_merge_is_recorded_on_both_sides_with_its_reason() -> None:
    received, ended = accounts.merge(given(), given(account_id=TWIN), "same document")
    assert received == [AccountReceived(merged_from=TWIN, reason="same document")]
    assert ended == AccountMerged(survivor=LEARNER, reason="same document")


def test_an_account_is_never_merged_into_itself() -> None:
    with pytest.raises(errors.Invalid) as refused:
        accounts.merge(given(), given(), "typing error")
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [("same_account", "/merged")]


@pytest.mark.parametrize(
    ("survivor", "merged", "refusal"),
    [
        ("open", "suspended", None),
        ("suspended", "open", errors.AccountNotOpen),
        ("closed", "open", errors.AccountNotOpen),
        ("merged", "open", errors.AccountMerged),
        ("restricted", "open", errors.AccountNotOpen),
        ("open", "restricted", errors.WrongState),
        ("open", "closed", errors.WrongState),
        ("open", "erased", errors.WrongState),
        ("open", "merged", errors.AccountMerged),
    ],
)
def test_a_merge_needs_an_open_survivor_and_a_living_other(
    survivor: str, merged: str, refusal: type[errors.BankError] | None
) -> None:
    ours, theirs = given(*STATES[survivor], account_id=THIRD), given(*STATES[merged])
    if refusal is None:
        accounts.merge(ours, theirs, "same person")
        return
    with pytest.raises(refusal):
        accounts.merge(ours, theirs, "same person")


def test_an_account_that_is_not_there_cannot_be_merged() -> None:
    for ours, theirs in ((given(), account_states.empty(TWIN)), (account_states.empty(TWIN), given())):
        with pytest.raises(errors.NotFound):
            accounts.merge(ours, theirs, "same person")


# Dealings


def test_a_look_up_is_good_for_180_days_and_the_same_again_writes_nothing() -> None:
    event = accounts.open_dealing(None, "college", date(2026, 1, 1))
    assert event == DealingOpened(institution="college", basis="lookup", until=date(2026, 6, 30))
    standing = Dealing(institution="college", until=event.until)
    assert accounts.open_dealing(standing, "college", date(2026, 1, 1)) is None
    longer = accounts.open_dealing(standing, "college", date(2026, 1, 2))
    assert longer is not None
    assert longer.until == date(2026, 7, 1)


def test_a_dealing_without_end_is_not_opened_again() -> None:
    assert accounts.open_dealing(given().dealings["college"], "college", TODAY) is None


def test_who_opens_an_account_may_deal_with_it_without_end() -> None:
    opened: Any = accounts.open_account("college")
    assert opened == AccountOpened(opened_by="college")
    assert given().dealings == {"college": Dealing(institution="college", until=None)}


def test_a_look_up_lets_an_institution_deal_with_the_account_to_the_last_day() -> None:
    account = given(DealingOpened(institution="other college", basis="lookup", until=TODAY))
    accounts.require_dealing(account, "other college", TODAY)
    for institution, day in (("other college", TODAY + timedelta(days=1)), ("third college", TODAY)):
        with pytest.raises(errors.NotFound):
            accounts.require_dealing(account, institution, day)


def test_a_use_lets_its_institution_deal_with_the_account_while_it_stands() -> None:
    conversion = converted(1, grant("A", "2"), institution="other college")
    account = given(awarded("A"), conversion)
    accounts.require_dealing(account, "other college", TODAY)
    with pytest.raises(errors.NotFound):
        reversed_ = ConversionReversed(conversion_id=UUID(int=1), reason="-")
        accounts.require_dealing(account_states.evolve(account, reversed_), "other college", TODAY)


def test_nobody_deals_with_an_account_that_was_never_opened() -> None:
    with pytest.raises(errors.NotFound):
        accounts.require_dealing(account_states.empty(LEARNER), "college", TODAY)


def test_a_restriction_ends_where_it_began() -> None:
    for before, status in (((), "open"), ((SUSPENDED,), "suspended"), ((CLOSED,), "closed")):
        account = given(*before, RESTRICTED)
        assert account.head.status == "restricted"
        lifted = accounts.lift_restriction(account, "settled")
        assert lifted == RestrictionLifted(reason="settled", status=status)
        assert account_states.evolve(account, lifted).head.status == status


def test_nobody_deals_with_a_restricted_account_not_even_who_has_a_use_on_it() -> None:
    account = given(awarded("A"), converted(1, grant("A", "2")), RESTRICTED)
    with pytest.raises(errors.NotFound):
        accounts.require_dealing(account, "college", TODAY)


def test_a_correction_names_the_fields_and_changes_no_credit() -> None:
    before = given(awarded("A"))
    corrected = accounts.correct(before.head, ("name", "document"), "change", "married")
    assert corrected == HolderCorrected(fields=("name", "document"), cause="change", reason="married")
    after = account_states.evolve(before, corrected)
    assert after == replace(before, head=replace(before.head, version=before.head.version + 1))


def test_a_correction_of_nothing_is_not_recorded() -> None:
    assert accounts.correct(given().head, (), "error", "typing error") is None


def test_an_erasure_leaves_credits_and_history_where_they_are() -> None:
    before = given(awarded("A"), converted(1, grant("A", "2")))
    after = account_states.evolve(before, accounts.erase(before.head, "asked", UUID(int=7)))
    assert (after.lots, after.uses) == (before.lots, before.uses)
    assert after.head == replace(before.head, status="erased", version=before.head.version + 1)
