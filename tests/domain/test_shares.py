"""Shares: granted until a moment, opened while they stand, revoked at any time."""

from __future__ import annotations

from uuid import UUID

import pytest

from creditbank.domain import account as states
from creditbank.domain import accounts, errors, shares
from creditbank.domain.account import Account
from creditbank.domain.events import (
    AccountClosed,
    AccountErased,
    AccountRestricted,
    AccountSuspended,
    ConsentGiven,
    ShareGranted,
    ShareRevoked,
)
from tests.domain.facts import NOW, TODAY, TWIN, awarded, certificate, given

ONE = UUID(int=0xD1)
HOUR = 3_600_000_000
GRANTED = ShareGranted(share_id=ONE, what="balance", granted_at=NOW, expires_at=NOW + HOUR)
REVOKED = ShareRevoked(share_id=ONE)


def grant(account: Account, *certificates: UUID, expires_at: int = NOW + HOUR) -> ShareGranted:
    return shares.grant(account, ONE, "certificates", certificates, False, expires_at, NOW)


def test_certificates_of_the_account_are_shared_each_once() -> None:
    granted = grant(given(awarded("A"), awarded("B")), certificate("B"), certificate("B"))
    assert granted.certificates == (certificate("B"),)
    assert (granted.granted_at, granted.expires_at, granted.shows_name) == (NOW, NOW + HOUR, False)


def test_certificates_of_others_and_an_end_that_is_over_are_told_together() -> None:
    with pytest.raises(errors.Invalid) as refused:
        grant(given(awarded("A")), certificate("A"), certificate("B"), expires_at=NOW)
    faults = [(fault.code, fault.pointer) for fault in refused.value.faults]
    assert faults == [("certificate_unknown", "/certificates/1"), ("out_of_range", "/expires_at")]


def test_a_share_is_granted_on_an_open_account_only() -> None:
    for event in (AccountSuspended(reason="-"), AccountClosed(reason="-"), AccountRestricted(reason="-")):
        with pytest.raises(errors.AccountNotOpen):
            grant(given(event))


def test_a_share_is_opened_until_its_end() -> None:
    account = given(GRANTED)
    assert shares.opened(account, ONE, NOW + HOUR - 1).what == "balance"
    with pytest.raises(errors.NotFound):
        shares.opened(account, ONE, NOW + HOUR)
    with pytest.raises(errors.NotFound):
        shares.opened(given(), ONE, NOW)


def test_a_share_that_is_revoked_is_opened_no_more_and_revoked_once() -> None:
    account = given(GRANTED)
    assert shares.revoke(account, ONE) == REVOKED
    after = states.evolve(account, REVOKED)
    assert after.rights.shares[ONE].status_at(NOW) == "revoked"
    with pytest.raises(errors.NotFound):
        shares.opened(after, ONE, NOW)
    with pytest.raises(errors.WrongState):
        shares.revoke(after, ONE)
    with pytest.raises(errors.NotFound):
        shares.revoke(given(), ONE)


@pytest.mark.parametrize(
    ("event", "is_open"),
    [
        (AccountSuspended(reason="-"), True),
        (AccountClosed(reason="-"), True),
        (AccountRestricted(reason="-"), False),
        (AccountErased(reason="-", receipt=UUID(int=7)), False),
    ],
)
def test_a_share_ends_where_the_use_of_the_data_does(event: states.AccountEvent, is_open: bool) -> None:
    account = given(GRANTED, event)
    if is_open:
        assert shares.opened(account, ONE, NOW).share_id == ONE
        return
    with pytest.raises(errors.NotFound):
        shares.opened(account, ONE, NOW)


def test_an_erasure_ends_every_share_and_consent_for_good() -> None:
    consent = ConsentGiven(consent_id=UUID(int=0xC1), institution="college", until=TODAY, given_at=NOW)
    account = given(GRANTED, consent, AccountErased(reason="-", receipt=UUID(int=7)))
    assert [one.revoked for one in account.rights.shares.values()] == [True]
    assert [one.withdrawn for one in account.rights.consents.values()] == [True]


def test_in_a_merge_shares_that_stand_go_over_and_revoked_ones_stay_behind() -> None:
    other = ShareGranted(share_id=UUID(int=0xD2), what="transcript", granted_at=NOW, expires_at=NOW + HOUR)
    merged = given(GRANTED, other, REVOKED, account_id=TWIN)
    received, ended = accounts.merge(given(), merged, "same person")
    survivor = states.replay(given(), received)
    assert survivor.rights.shares == {other.share_id: merged.rights.shares[other.share_id]}
    assert states.evolve(merged, ended).rights.shares == {}
