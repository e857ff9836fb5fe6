"""The state of an account: every event counts as a version and changes what it names, and none is ever refused."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from creditbank.domain.account import Dealing, Head, empty, evolve, evolve_head, status_after
from creditbank.domain.events import (
    AccountClosed,
    AccountErased,
    AccountEvent,
    AccountMerged,
    AccountOpened,
    AccountReinstated,
    AccountSuspended,
    CertificateHeld,
    DealingOpened,
    ExemptionReversed,
    ExemptionReviewed,
    ExemptionReviewOpened,
)
from tests.domain.facts import LEARNER, TODAY, TWIN, awarded, certificate, converted, exempted, given, grant


def test_version_0_is_an_account_that_was_never_opened() -> None:
    assert empty(LEARNER).head == Head(account_id=LEARNER, status="open", version=0)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (AccountOpened(opened_by="college"), "open"),
        (AccountSuspended(reason="-"), "suspended"),
        (AccountReinstated(reason="-"), "open"),
        (AccountClosed(reason="-"), "closed"),
        (AccountErased(reason="-", receipt=UUID(int=1)), "erased"),
        (AccountMerged(survivor=TWIN, reason="-"), "merged"),
        (awarded(), None),
    ],
)
def test_an_event_gives_an_account_its_status_or_leaves_it_alone(event: AccountEvent, status: str | None) -> None:
    assert status_after(event) == status
    suspended = Head(account_id=LEARNER, status="suspended", version=4)
    assert evolve_head(suspended, event) == replace(
        suspended,
        version=5,
        status=status or "suspended",
        merged_into=TWIN if isinstance(event, AccountMerged) else None,
    )


def test_the_head_of_a_whole_account_is_the_head_alone() -> None:
    events = [AccountOpened(opened_by="c"), awarded(), AccountSuspended(reason="-"), awarded("N2")]
    head, account = Head(account_id=LEARNER), empty(LEARNER)
    for event in events:
        head, account = evolve_head(head, event), evolve(account, event)
        assert account.head == head


def test_a_lot_remembers_at_which_version_it_came() -> None:
    account = given(awarded("A"), CertificateHeld(certificate_id=certificate("A"), reason="-"), awarded("B"))
    assert [(lot.number, lot.version) for lot in account.lots.values()] == [("A", 2), ("B", 4)]


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([], "active"),
        (["open"], "under_review"),
        (["open", "upheld"], "active"),
        (["open", "withdrawn"], "reversed"),
        (["open", "upheld", "open"], "under_review"),
        (["reverse"], "reversed"),
        (["open", "reverse"], "reversed"),
    ],
)
def test_an_exemption_goes_through_its_review(events: list[str], status: str) -> None:
    use_id = UUID(int=1)
    facts = {
        "open": ExemptionReviewOpened(exemption_id=use_id, certificate_id=certificate("N1"), reason="-"),
        "upheld": ExemptionReviewed(exemption_id=use_id, outcome="upheld", reason="-"),
        "withdrawn": ExemptionReviewed(exemption_id=use_id, outcome="withdrawn", reason="-"),
        "reverse": ExemptionReversed(exemption_id=use_id, reason="-"),
    }
    account = given(awarded(), exempted(1, grant("N1", "2", "BIM1")), *(facts[name] for name in events))
    assert account.uses[use_id].status == status


def test_a_later_dealing_of_an_institution_takes_the_place_of_the_earlier() -> None:
    account = given(DealingOpened(institution="other", basis="lookup", until=None))
    after = evolve(account, DealingOpened(institution="other", basis="consent", until=TODAY))
    assert after.dealings["other"] == Dealing(institution="other", until=TODAY)


def test_evolve_never_changes_the_state_it_was_given() -> None:
    account = given(awarded("A"))
    lots, uses, dealings = dict(account.lots), dict(account.uses), dict(account.dealings)
    for event in (
        awarded("B"),
        CertificateHeld(certificate_id=certificate("A"), reason="-"),
        converted(1, grant("A", "1")),
        DealingOpened(institution="other", basis="lookup", until=TODAY),
        AccountMerged(survivor=TWIN, reason="-"),
    ):
        evolve(account, event)
    assert (account.lots, account.uses, account.dealings) == (lots, uses, dealings)
