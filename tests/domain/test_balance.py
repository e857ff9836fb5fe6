"""The balance of an account: what was earned, where it went, and what is left, on a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from creditbank.domain.balance import Balance, ProgrammeCredits, balance, certificate_status
from creditbank.domain.events import (
    AccountEvent,
    CertificateHeld,
    CertificateRevoked,
    ConversionReversed,
    ExemptionReviewOpened,
    ReservationMade,
    ReservationReleased,
)
from tests.domain.facts import DECISION, NOW, TODAY, awarded, certificate, converted, exempted, given, grant

HELD = CertificateHeld(certificate_id=certificate("N1"), reason="-")
REVOKED = CertificateRevoked(certificate_id=certificate("N1"), reason="-", effective_from=TODAY)
YESTERDAY = TODAY - timedelta(days=1)


def sheet(*events: AccountEvent, on: date = TODAY, now: int = NOW) -> Balance:
    account = given(*events)
    return balance(account.lots.values(), account.uses.values(), on, now)


def amounts(found: Balance) -> dict[str, int]:
    """What is not zero, in credits."""
    names = ("earned", "used", "reserved", "available", "expired", "held", "shortfall", "under_review")
    return {name: getattr(found, name) // 10_000 for name in names if getattr(found, name)}


def reserved(expires_at: int) -> ReservationMade:
    return ReservationMade(
        reservation_id=UUID(int=9),
        kind="exemption",
        institution="college",
        programme="construction",
        grants=(grant("N1", "4", "CAD"),),
        decision=DECISION,
        expires_at=expires_at,
    )


CASES: dict[str, tuple[tuple[AccountEvent, ...], dict[str, int]]] = {
    "nothing": ((), {}),
    "earned": ((awarded("N1"), awarded("N2")), {"earned": 12, "available": 12}),
    "used": ((awarded("N1"), converted(1, grant("N1", "2"))), {"earned": 6, "used": 2, "available": 4}),
    "used up": ((awarded("N1"), exempted(1, grant("N1", "6", "CAD"))), {"earned": 6, "used": 6}),
    "reversed": (
        (awarded("N1"), converted(1, grant("N1", "2")), ConversionReversed(conversion_id=UUID(int=1), reason="-")),
        {"earned": 6, "available": 6},
    ),
    "held": ((awarded("N1"), converted(1, grant("N1", "2")), HELD), {"earned": 6, "used": 2, "held": 4}),
    "expired": (
        (awarded("N1", expires_on=YESTERDAY), converted(1, grant("N1", "2"))),
        {"earned": 6, "used": 2, "expired": 4},
    ),
    "held and expired": ((awarded("N1", expires_on=YESTERDAY), HELD), {"earned": 6, "held": 6}),
    "revoked": ((awarded("N1"), awarded("N2"), REVOKED), {"earned": 6, "available": 6}),
    "revoked after use": (
        (
            awarded("N1"),
            exempted(1, grant("N1", "4", "CAD")),
            REVOKED,
            ExemptionReviewOpened(exemption_id=UUID(int=1), certificate_id=certificate("N1"), reason="-"),
        ),
        {"used": 4, "shortfall": 4, "under_review": 4},
    ),
    "a shortfall of one is not paid by another": (
        (awarded("N1", credits="1"), awarded("N2"), exempted(1, grant("N1", "4", "CAD"))),
        {"earned": 7, "used": 4, "shortfall": 3, "available": 6},
    ),
    "reserved": ((awarded("N1"), reserved(NOW + 1)), {"earned": 6, "reserved": 4, "available": 2}),
    "a reservation whose time is over": ((awarded("N1"), reserved(NOW)), {"earned": 6, "available": 6}),
    "released": (
        (awarded("N1"), reserved(NOW + 1), ReservationReleased(reservation_id=UUID(int=9), reason="-")),
        {"earned": 6, "available": 6},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_credit_is_somewhere(case: str) -> None:
    events, expected = CASES[case]
    assert amounts(sheet(*events)) == expected


@pytest.mark.parametrize(("on", "status"), [(TODAY, "active"), (TODAY + timedelta(days=1), "expired")])
def test_the_last_day_of_a_certificate_is_inclusive(on: date, status: str) -> None:
    lot = given(awarded("N1", expires_on=TODAY)).lots[certificate("N1")]
    assert certificate_status(lot, on) == status
    assert amounts(sheet(awarded("N1", expires_on=TODAY), on=on))["available" if status == "active" else "expired"] == 6


@pytest.mark.parametrize(("event", "status"), [(HELD, "held"), (REVOKED, "revoked")])
def test_the_word_for_a_held_or_revoked_certificate_is_never_expired(event: Any, status: str) -> None:
    lot = given(awarded("N1", expires_on=YESTERDAY), event).lots[certificate("N1")]
    assert certificate_status(lot, TODAY) == status


def test_converted_and_exempted_credits_are_summed_by_programme() -> None:
    found = sheet(
        awarded("N1"),
        awarded("N2"),
        converted(1, grant("N1", "1")),
        converted(2, grant("N2", "1.5")),
        converted(3, grant("N2", "1"), programme="art"),
        exempted(4, grant("N1", "2", "BIM1"), grant("N2", "2", "CAD")),
        converted(5, grant("N1", "1")),
        ConversionReversed(conversion_id=UUID(int=5), reason="-"),
    )
    assert found.converted == (
        ProgrammeCredits(institution="college", programme="art", credits=10_000),
        ProgrammeCredits(institution="college", programme="construction", credits=25_000),
    )
    assert found.exempted == (ProgrammeCredits(institution="college", programme="construction", credits=40_000),)
    assert found.certificates == 2


def test_a_revoked_certificate_is_not_counted() -> None:
    assert sheet(awarded("N1"), awarded("N2"), REVOKED).certificates == 1
