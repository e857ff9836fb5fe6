"""What a learner asks the authority for: made in any state, settled once."""

from __future__ import annotations

from uuid import UUID

import pytest

from creditbank.domain import account as states
from creditbank.domain import accounts, errors, learner_requests
from creditbank.domain.events import (
    AccountClosed,
    AccountErased,
    AccountMerged,
    AccountRestricted,
    AccountSuspended,
    RequestMade,
    RequestSettled,
)
from tests.domain.facts import LEARNER, NOW, TWIN, given

ONE = UUID(int=0xF1)
MADE = RequestMade(request_id=ONE, kind="erasure", made_at=NOW)
ERASED = AccountErased(reason="asked", receipt=UUID(int=7))


def test_no_state_takes_the_right_to_ask_away() -> None:
    for event in (AccountSuspended(reason="-"), AccountClosed(reason="-"), AccountRestricted(reason="-")):
        assert learner_requests.make(given(event), ONE, "erasure", NOW) == MADE


def test_nobody_asks_for_an_account_that_is_gone() -> None:
    for account, refusal in (
        (given(ERASED), errors.WrongState),
        (given(AccountMerged(survivor=TWIN, reason="-")), errors.AccountMerged),
        (states.empty(LEARNER), errors.NotFound),
    ):
        with pytest.raises(refusal):
            learner_requests.make(account, ONE, "erasure", NOW)


def test_only_so_many_requests_wait_at_the_same_time() -> None:
    made = [RequestMade(request_id=UUID(int=number), kind="correction", made_at=NOW) for number in range(20)]
    account = given(*made)
    with pytest.raises(errors.TooManyOpenRequests):
        learner_requests.make(account, ONE, "correction", NOW)
    settled = RequestSettled(request_id=UUID(int=0), outcome="done", reason="-")
    assert learner_requests.make(states.evolve(account, settled), ONE, "correction", NOW).request_id == ONE


def test_a_request_is_settled_once_also_after_the_erasure() -> None:
    account = given(MADE, ERASED)
    settled = learner_requests.settle(account, ONE, "done", "erased")
    assert settled == RequestSettled(request_id=ONE, outcome="done", reason="erased")
    after = states.evolve(account, settled)
    assert (after.rights.requests[ONE].status, after.rights.requests[ONE].reason) == ("done", "erased")
    with pytest.raises(errors.WrongState):
        learner_requests.settle(after, ONE, "declined", "-")
    with pytest.raises(errors.NotFound):
        learner_requests.settle(given(), ONE, "done", "-")
    with pytest.raises(errors.AccountMerged):
        learner_requests.settle(given(MADE, AccountMerged(survivor=TWIN, reason="-")), ONE, "done", "-")


def test_in_a_merge_what_waits_for_an_answer_goes_over() -> None:
    settled = RequestMade(request_id=UUID(int=0xF2), kind="closure", made_at=NOW)
    answer = RequestSettled(request_id=settled.request_id, outcome="declined", reason="-")
    merged = given(MADE, settled, answer, account_id=TWIN)
    received, _ = accounts.merge(given(), merged, "same person")
    survivor = states.replay(given(), received)
    assert survivor.rights.requests == {ONE: merged.rights.requests[ONE]}
