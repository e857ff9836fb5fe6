"""Two time lines: what was in force on a day, and what the bank knew at a moment."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from creditbank.domain import account as accounts
from creditbank.domain.account import Account
from creditbank.domain.balance import Balance, balance, certificate_status
from creditbank.domain.events import (
    AccountEvent,
    AccountOpened,
    CertificateAmended,
    CertificateHeld,
    CertificateHoldReleased,
    CertificateRevoked,
    ConversionReversed,
)
from creditbank.domain.timeline import Dated, Moment, account_at
from tests.domain.facts import ACCREDITATION, LEARNER, awarded, certificate, converted, exempted, grant

N1 = certificate("N1")
JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)


def noon(day: date) -> int:
    """A moment of a day; days and moments only need to be in the same order."""
    return day.toordinal() * 1000


def history(*recorded: tuple[date, AccountEvent]) -> list[Dated]:
    """An account that was opened at the beginning of 2026, and what was recorded about it on which day."""
    every = [(date(2026, 1, 1), AccountOpened(opened_by="college")), *recorded]
    return [
        Dated(event=event, version=number, recorded_at=noon(day), recorded_on=day)
        for number, (day, event) in enumerate(every, start=1)
    ]


def at(events: list[Dated], as_of: date | None = None, known: date | None = None) -> Account:
    moment = Moment(as_of=as_of, known_at=None if known is None else noon(known))
    return account_at(accounts.empty(LEARNER), events, moment)


def amounts(events: list[Dated], as_of: date, known: date | None = None) -> dict[str, int]:
    """The balance of a day, without what is zero."""
    account = at(events, as_of, known)
    found = balance(account.lots.values(), account.uses.values(), as_of, noon(as_of))
    _adds_up(found)
    names = ("earned", "used", "reserved", "available", "expired", "held", "shortfall", "under_review")
    return {name: value // 10_000 for name in names if (value := getattr(found, name))}


def _adds_up(found: Balance) -> None:
    taken = found.used + found.reserved + found.expired + found.held
    assert found.earned - taken + found.shortfall == found.available
    assert min(found.available, found.shortfall, found.expired, found.held) >= 0


def revoked(effective_from: date) -> CertificateRevoked:
    return CertificateRevoked(certificate_id=N1, reason="-", effective_from=effective_from)


def amended(credits: int, issued_on: date = JULY, expires_on: date | None = None) -> CertificateAmended:
    return CertificateAmended(
        certificate_id=N1,
        reason="-",
        level="初级",
        rank=1,
        credits=credits * 10_000,
        issued_on=issued_on,
        expires_on=expires_on,
        accreditation_id=ACCREDITATION,
    )


def test_a_certificate_is_in_force_from_the_day_of_issue_however_late_it_was_posted() -> None:
    events = history((date(2026, 9, 15), awarded("N1", issued_on=JULY)))
    assert amounts(events, date(2026, 6, 30)) == {}
    assert amounts(events, JULY) == {"earned": 6, "available": 6}


def test_what_was_posted_late_was_not_known_before() -> None:
    events = history((date(2026, 9, 15), awarded("N1", issued_on=JULY)))
    assert amounts(events, AUGUST, known=date(2026, 9, 14)) == {}
    assert amounts(events, AUGUST, known=date(2026, 9, 15)) == {"earned": 6, "available": 6}


def test_a_certificate_that_was_revoked_later_was_active_then() -> None:
    events = history((JULY, awarded("N1")), (date(2026, 10, 1), revoked(date(2026, 9, 1))))
    assert amounts(events, date(2026, 8, 31)) == {"earned": 6, "available": 6}
    assert amounts(events, date(2026, 9, 1)) == {}
    assert at(events, date(2026, 8, 31)).lots[N1].status == "active"
    assert at(events, date(2026, 9, 1)).lots[N1].status == "revoked"


def test_a_revocation_that_reaches_back_was_not_known_before_it_was_recorded() -> None:
    events = history((JULY, awarded("N1")), (date(2026, 10, 1), revoked(JULY)))
    assert amounts(events, AUGUST) == {}
    assert amounts(events, AUGUST, known=date(2026, 9, 30)) == {"earned": 6, "available": 6}


def test_a_revocation_in_the_future_is_known_today_and_not_yet_in_force() -> None:
    events = history((JULY, awarded("N1")), (AUGUST, revoked(date(2026, 12, 1))))
    assert at(events, date(2026, 11, 30)).lots[N1].status == "active"
    assert at(events, date(2026, 12, 1)).lots[N1].status == "revoked"


def test_holds_stand_from_the_day_of_their_record_to_that_of_their_end() -> None:
    events = history(
        (JULY, awarded("N1")),
        (AUGUST, CertificateHeld(certificate_id=N1, reason="-")),
        (date(2026, 9, 1), CertificateHoldReleased(certificate_id=N1, reason="-")),
    )
    assert amounts(events, date(2026, 7, 31)) == {"earned": 6, "available": 6}
    assert amounts(events, AUGUST) == {"earned": 6, "held": 6}
    assert amounts(events, date(2026, 9, 1)) == {"earned": 6, "available": 6}


def test_uses_stand_from_the_day_of_their_record_to_that_of_their_reversal() -> None:
    events = history(
        (JULY, awarded("N1")),
        (AUGUST, converted(1, grant("N1", "4"))),
        (date(2026, 9, 1), ConversionReversed(conversion_id=UUID(int=1), reason="-")),
    )
    assert amounts(events, date(2026, 7, 31)) == {"earned": 6, "available": 6}
    assert amounts(events, AUGUST) == {"earned": 6, "used": 4, "available": 2}
    assert amounts(events, date(2026, 9, 1)) == {"earned": 6, "available": 6}


def test_a_use_of_what_was_revoked_back_to_before_it_is_a_shortfall_on_those_days() -> None:
    events = history(
        (JULY, awarded("N1")),
        (AUGUST, exempted(1, grant("N1", "4", "CAD"))),
        (date(2026, 9, 1), revoked(JULY)),
    )
    assert amounts(events, AUGUST) == {"used": 4, "shortfall": 4}
    assert amounts(events, AUGUST, known=date(2026, 8, 31)) == {"earned": 6, "used": 4, "available": 2}


def test_a_correction_holds_for_every_day_and_was_unknown_before() -> None:
    events = history((JULY, awarded("N1")), (date(2026, 9, 1), amended(3)))
    assert amounts(events, AUGUST) == {"earned": 3, "available": 3}
    assert amounts(events, AUGUST, known=date(2026, 8, 31)) == {"earned": 6, "available": 6}


def test_a_corrected_day_of_issue_is_the_one_that_counts() -> None:
    events = history((AUGUST, awarded("N1", issued_on=AUGUST)), (date(2026, 9, 1), amended(3, issued_on=JULY)))
    assert amounts(events, JULY) == {"earned": 3, "available": 3}
    assert amounts(events, JULY, known=AUGUST) == {}


def test_the_last_day_of_a_certificate_is_inclusive_on_every_day_that_is_asked_about() -> None:
    events = history((JULY, awarded("N1", expires_on=date(2026, 8, 31))))
    assert amounts(events, date(2026, 8, 31)) == {"earned": 6, "available": 6}
    assert amounts(events, date(2026, 9, 1)) == {"earned": 6, "expired": 6}
    lot = at(events, date(2026, 9, 1)).lots[N1]
    assert [certificate_status(lot, date(2026, 8, 31)), certificate_status(lot, date(2026, 9, 1))] == [
        "active",
        "expired",
    ]


def test_both_ends_are_inclusive_and_without_a_day_all_that_was_known_counts() -> None:
    events = history((JULY, awarded("N1", issued_on=date(2026, 12, 31))), (AUGUST, revoked(date(2026, 12, 31))))
    assert at(events, known=JULY).lots[N1].status == "active"
    assert at(events, known=AUGUST).lots[N1].status == "revoked"
    assert at(events, known=date(2025, 12, 31)).head.version == 0


@pytest.mark.parametrize("as_of", [date(2025, 1, 1), JULY, AUGUST, date(2027, 1, 1)])
def test_the_version_names_the_state_of_knowledge_not_the_day(as_of: date) -> None:
    events = history((JULY, awarded("N1")), (AUGUST, converted(1, grant("N1", "4"))))
    assert at(events, as_of).head.version == 3
    assert at(events, as_of, known=JULY).head.version == 2


def test_certificates_and_uses_keep_the_version_of_their_record() -> None:
    events = history((AUGUST, exempted(1, grant("N1", "4", "CAD"))), (date(2026, 9, 1), awarded("N1")))
    assert at(events, JULY).lots[N1].version == 3
    assert at(events, AUGUST).uses[UUID(int=1)].version == 2


def moments(events: list[Dated]) -> Any:
    days = [date(2026, month, day) for month in range(6, 13) for day in (1, 28)]
    return [(as_of, known) for as_of in days for known in [None, *days]]


def test_the_balance_adds_up_at_every_moment() -> None:
    events = history(
        (JULY, awarded("N1", expires_on=date(2026, 11, 1))),
        (date(2026, 7, 15), awarded("N2", issued_on=date(2026, 6, 15))),
        (AUGUST, converted(1, grant("N1", "4"), grant("N2", "6"))),
        (date(2026, 8, 15), CertificateHeld(certificate_id=N1, reason="-")),
        (date(2026, 9, 1), amended(3)),
        (date(2026, 9, 15), exempted(2, grant("N2", "2", "CAD"))),
        (date(2026, 10, 1), revoked(date(2026, 7, 20))),
        (date(2026, 10, 1), ConversionReversed(conversion_id=UUID(int=1), reason="-", certificate_id=N1)),
    )
    seen = {tuple(amounts(events, as_of, known).items()) for as_of, known in moments(events)}
    assert len(seen) > 10
