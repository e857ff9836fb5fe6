"""Reservations: credits are kept for an application until it is confirmed, released, or its time is over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from creditbank.domain import account as accounts
from creditbank.domain import certificates, errors, reservations, uses
from creditbank.domain.account import Account
from creditbank.domain.balance import balance
from creditbank.domain.events import (
    AccountMerged,
    CertificateHeld,
    CertificateRevoked,
    CoursesExempted,
    CreditsConverted,
    ReservationConfirmed,
    ReservationLapsed,
    ReservationMade,
    ReservationReleased,
    UseReceived,
)
from creditbank.domain.reservations import LONGEST_MICROSECONDS
from tests.domain.facts import (
    CATALOGUE,
    DECISION,
    NOW,
    TODAY,
    TWIN,
    awarded,
    certificate,
    converted,
    dealing,
    given,
    grant,
    wish,
)

RESERVATION, USE = UUID(int=1), UUID(int=2)
LAPSES = NOW + 1000


def reserved(number: str = "N1", credits: str = "4", target: str | None = "CAD", **changes: Any) -> ReservationMade:
    fields = {
        "reservation_id": RESERVATION,
        "kind": "exemption" if target else "conversion",
        "institution": "college",
        "programme": "construction",
        "grants": (grant(number, credits, target),),
        "decision": DECISION,
        "expires_at": LAPSES,
        **changes,
    }
    return ReservationMade(**fields)


def amounts(account: Account, now: int = NOW) -> tuple[int, int, int]:
    """Used, reserved and available credits."""
    found = balance(account.lots.values(), account.uses.values(), TODAY, now)
    return found.used // 10_000, found.reserved // 10_000, found.available // 10_000


@pytest.mark.parametrize("expires_at", [NOW + 1, NOW + LONGEST_MICROSECONDS])
def test_a_reservation_ends_in_the_future_within_thirty_days(expires_at: int) -> None:
    reservations.check_term(expires_at, NOW)


@pytest.mark.parametrize("expires_at", [NOW - 1, NOW, NOW + LONGEST_MICROSECONDS + 1])
def test_another_term_is_refused(expires_at: int) -> None:
    with pytest.raises(errors.Invalid) as found:
        reservations.check_term(expires_at, NOW)
    assert [fault.pointer for fault in found.value.faults] == ["/expires_at"]


def test_credits_are_reserved_until_the_moment_of_the_lapse() -> None:
    account = given(awarded("N1"), reserved())
    assert amounts(account, LAPSES - 1) == (0, 4, 2)
    assert amounts(account, LAPSES) == (0, 0, 6)
    assert reservations.status_at(account.uses[RESERVATION], LAPSES - 1) == "open"
    assert reservations.status_at(account.uses[RESERVATION], LAPSES) == "lapsed"


@pytest.mark.parametrize(("target", "event"), [("CAD", CoursesExempted), (None, CreditsConverted)])
def test_what_is_confirmed_becomes_the_use_that_it_was_decided_as(target: str | None, event: type) -> None:
    made = reserved(target=target)
    account = given(awarded("N1"), made)
    confirmed, use = reservations.confirm(account, RESERVATION, USE, NOW)
    assert confirmed == ReservationConfirmed(reservation_id=RESERVATION, use_id=USE)
    assert isinstance(use, event)
    assert (use.grants, use.decision, use.institution) == (made.grants, made.decision, "college")
    after = accounts.replay(account, [confirmed, use])
    assert amounts(after) == (4, 0, 2)
    assert amounts(after, LAPSES) == (4, 0, 2)


def test_what_is_released_is_free() -> None:
    account = given(awarded("N1"), reserved())
    (released,) = reservations.release(account, RESERVATION, "withdrawn", NOW)
    assert released == ReservationReleased(reservation_id=RESERVATION, reason="withdrawn")
    assert amounts(accounts.evolve(account, released)) == (0, 0, 6)


ENDS: dict[str, Any] = {
    "confirmed": ReservationConfirmed(reservation_id=RESERVATION, use_id=USE),
    "released": ReservationReleased(reservation_id=RESERVATION, reason="-"),
    "lapsed": ReservationLapsed(reservation_id=RESERVATION),
}


@pytest.mark.parametrize("status", ENDS)
def test_what_has_ended_is_neither_confirmed_nor_released_nor_lapsed(status: str) -> None:
    account = given(awarded("N1"), reserved(), ENDS[status])
    for decide in (
        lambda: reservations.confirm(account, RESERVATION, USE, NOW),
        lambda: reservations.release(account, RESERVATION, "-", NOW),
    ):
        with pytest.raises(errors.WrongState) as found:
            decide()
        assert found.value.members["current_status"] == status
    assert reservations.lapse(account, RESERVATION, LAPSES) == []


def test_what_has_lapsed_by_the_clock_is_not_confirmed_though_nobody_recorded_it() -> None:
    account = given(awarded("N1"), reserved())
    with pytest.raises(errors.WrongState) as found:
        reservations.confirm(account, RESERVATION, USE, LAPSES)
    assert found.value.members["current_status"] == "lapsed"


def test_a_lapse_is_recorded_once_its_time_is_over_and_holds_when_the_clock_is_set_back() -> None:
    account = given(awarded("N1"), reserved())
    assert reservations.lapse(account, RESERVATION, LAPSES - 1) == []
    assert reservations.lapse(account, UUID(int=9), LAPSES) == []
    (lapsed,) = reservations.lapse(account, RESERVATION, LAPSES)
    after = accounts.evolve(account, lapsed)
    assert amounts(after, NOW) == (0, 0, 6)
    assert reservations.status_at(after.uses[RESERVATION], NOW) == "lapsed"


def test_all_that_are_over_lapse_at_once_and_no_others() -> None:
    released = ReservationReleased(reservation_id=UUID(int=8), reason="-")
    account = given(
        awarded("N1"),
        reserved(credits="1"),
        reserved(credits="1", reservation_id=UUID(int=7), expires_at=LAPSES + 1),
        reserved(credits="1", reservation_id=UUID(int=8)),
        released,
    )
    assert reservations.lapse_all(account, LAPSES - 1) == []
    assert reservations.lapse_all(account, LAPSES) == [ReservationLapsed(reservation_id=RESERVATION)]


def test_a_certificate_on_hold_is_in_the_way_of_confirmation_and_not_of_release() -> None:
    account = given(awarded("N1"), reserved(), CertificateHeld(certificate_id=certificate("N1"), reason="-"))
    with pytest.raises(errors.WrongState) as found:
        reservations.confirm(account, RESERVATION, USE, NOW)
    assert found.value.members["current_status"] == "held"
    assert reservations.release(account, RESERVATION, "-", NOW)


def test_a_revocation_releases_what_rests_on_the_certificate() -> None:
    other = reserved("N2", reservation_id=UUID(int=7))
    account = given(awarded("N1"), awarded("N2"), reserved(), other)
    events = certificates.revoke(account, certificate("N1"), "forged", TODAY, TODAY)
    assert events == [
        CertificateRevoked(certificate_id=certificate("N1"), reason="forged", effective_from=TODAY),
        ReservationReleased(reservation_id=RESERVATION, reason="forged", certificate_id=certificate("N1")),
    ]
    assert amounts(accounts.replay(account, events)) == (0, 4, 2)


def test_an_amendment_releases_what_the_certificate_can_no_longer_pay() -> None:
    account = given(awarded("N1"), converted(5, grant("N1", "2")), reserved())
    changes = {"level": "初级"}
    events = certificates.amend(account, certificate("N1"), changes, "-", CATALOGUE, TODAY)
    assert [type(event) for event in events][1:] == [ReservationReleased]
    assert amounts(accounts.replay(account, events)) == (2, 0, 1)


def test_a_reservation_goes_over_with_a_merge_and_is_confirmed_where_it_went() -> None:
    received = UseReceived(merged_from=TWIN, use=reserved(), status="open")
    account = given(awarded("N1"), received)
    assert amounts(account) == (0, 4, 2)
    assert len(reservations.confirm(account, RESERVATION, USE, NOW)) == 2
    left = given(awarded("N1"), reserved(), AccountMerged(survivor=TWIN, reason="-"))
    with pytest.raises(errors.AccountMerged):
        reservations.confirm(left, RESERVATION, USE, NOW)


def test_a_reservation_that_is_not_there_is_not_found() -> None:
    with pytest.raises(errors.NotFound):
        reservations.release(given(awarded("N1")), RESERVATION, "-", NOW)


# What is reserved counts as history: it may become a use without another question to the rules


def decide(account: Account, rules: dict[str, Any], target: str | None = None, now: int = NOW) -> list[str]:
    """The reasons why a second certificate is refused."""
    outcome = uses.decide(dealing(account, rules, now=now), [wish("N2", target=target)])
    return [refusal.reason for refusal in outcome.refusals]


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"once": [{"scope": "target", "reason": "COURSE_ALREADY_SATISFIED"}]}, "COURSE_ALREADY_SATISFIED"),
        (
            {"caps": [{"id": "all", "measure": "credits", "limit": 7, "over": "drop", "reason": "CAP_TOTAL"}]},
            "CAP_TOTAL",
        ),
    ],
)
def test_what_the_programme_has_reserved_counts_until_it_lapses(rules: dict[str, Any], reason: str) -> None:
    rules = {"sources": [{"value": {"target": True}}], **rules}
    account = given(awarded("N1"), awarded("N2"), reserved(target="CAD"))
    assert decide(account, rules, target="CAD") == [reason]
    assert decide(account, rules, target="CAD", now=LAPSES) == []
    released = accounts.evolve(account, ENDS["released"])
    assert decide(released, rules, target="CAD") == []
    theirs = given(awarded("N1"), awarded("N2"), reserved(target="CAD", institution="other college"))
    assert decide(theirs, rules, target="CAD") == []


def test_what_may_happen_once_may_not_happen_while_another_programme_has_reserved_it() -> None:
    rules = {
        "sources": [{"value": {"carry": True}}],
        "once": [{"scope": "outcome", "reason": "ALREADY_REDEEMED"}],
        "consume": {"amount": "none"},
    }
    made = reserved("N2", target=None, institution="other college")
    assert decide(given(awarded("N2"), made), rules) == ["ALREADY_REDEEMED"]
    assert decide(given(awarded("N2"), made), rules, now=LAPSES) == []
