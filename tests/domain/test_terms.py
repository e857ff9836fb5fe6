"""Whoever audits comes for a time; others stay for as long as they were given."""

from __future__ import annotations

import pytest

from creditbank.domain import errors
from creditbank.domain.terms import DAY, ends_at

NOW = 1_788_220_800_000_000


@pytest.mark.parametrize("role", ["authority", "issuer", "institution", "learner"])
@pytest.mark.parametrize("wanted", [None, NOW + 10_000 * DAY])
def test_who_does_not_audit_stays_as_long_as_they_were_given(role: str, wanted: int | None) -> None:
    assert ends_at(role, wanted, NOW) == wanted


def test_an_auditor_stays_for_ninety_days_where_nothing_is_said() -> None:
    assert ends_at("auditor", None, NOW) == NOW + 90 * DAY


def test_an_auditor_stays_for_a_year_at_most() -> None:
    assert ends_at("auditor", NOW + 366 * DAY, NOW) == NOW + 366 * DAY
    with pytest.raises(errors.Invalid) as refused:
        ends_at("auditor", NOW + 366 * DAY + 1, NOW)
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [("term_too_long", "/expires_at")]
