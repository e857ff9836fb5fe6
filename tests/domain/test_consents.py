"""Consents: given to an institution until a day, taken back at once, asked for by bank or programme."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given as all_cases
from hypothesis import strategies as some

from creditbank.domain import account as states
from creditbank.domain import accounts, consents, errors
from creditbank.domain.events import AccountClosed, AccountMerged, AccountSuspended, ConsentGiven, ConsentWithdrawn
from tests.domain.facts import CATALOGUE, NOW, PROGRAMME, THIRD, TODAY, TWIN, given

ONE, OTHER = UUID(int=0xC1), UUID(int=0xC2)
NEXT_YEAR = date(2027, 8, 31)


def consent(consent_id: UUID = ONE, institution: str = "college", until: date = NEXT_YEAR) -> ConsentGiven:
    return ConsentGiven(consent_id=consent_id, institution=institution, until=until, given_at=NOW)


WITHDRAWN = ConsentWithdrawn(consent_id=ONE, institution="college")


def test_a_learner_consents_to_an_institution_until_a_day() -> None:
    event = consents.give(given(), ONE, "college", NEXT_YEAR, CATALOGUE, TODAY, NOW)
    assert event == consent()


def test_a_consent_may_end_today_but_not_before() -> None:
    assert consents.give(given(), ONE, "college", TODAY, CATALOGUE, TODAY, NOW).until == TODAY
    with pytest.raises(errors.Invalid) as refused:
        consents.give(given(), ONE, "college", TODAY - timedelta(days=1), CATALOGUE, TODAY, NOW)
    assert refused.value.faults[0].pointer == "/until"


@pytest.mark.parametrize("institution", ["nobody", "BIM-EVAL"])
def test_a_consent_names_an_institution_of_the_bank(institution: str) -> None:
    with pytest.raises(errors.OrganisationUnknown):
        consents.give(given(), ONE, institution, NEXT_YEAR, CATALOGUE, TODAY, NOW)


def test_a_consent_is_given_on_an_open_account_only() -> None:
    for event in (AccountSuspended(reason="-"), AccountClosed(reason="-")):
        with pytest.raises(errors.AccountNotOpen):
            consents.give(given(event), ONE, "college", NEXT_YEAR, CATALOGUE, TODAY, NOW)


def test_a_consent_opens_a_dealing_to_its_last_day() -> None:
    account = given(consent(institution="other college", until=TODAY))
    accounts.require_dealing(account, "other college", TODAY)
    with pytest.raises(errors.NotFound):
        accounts.require_dealing(account, "other college", TODAY + timedelta(days=1))


def test_a_consent_that_is_taken_back_opens_nothing_any_more() -> None:
    account = given(consent(institution="other college"))
    taken_back = consents.withdraw(account, ONE)
    assert taken_back == ConsentWithdrawn(consent_id=ONE, institution="other college")
    with pytest.raises(errors.NotFound):
        accounts.require_dealing(states.evolve(account, taken_back), "other college", TODAY)


def test_of_two_consents_the_other_one_stands_on() -> None:
    account = given(consent(), consent(OTHER), WITHDRAWN)
    found = consents.standing(account, "college", TODAY)
    assert found is not None
    assert found.consent_id == OTHER


def test_a_consent_is_taken_back_once_in_whatever_state_the_account_is() -> None:
    for event in (AccountSuspended(reason="-"), AccountClosed(reason="-")):
        assert consents.withdraw(given(consent(), event), ONE) == WITHDRAWN
    with pytest.raises(errors.WrongState):
        consents.withdraw(given(consent(), WITHDRAWN), ONE)
    with pytest.raises(errors.NotFound):
        consents.withdraw(given(), ONE)
    with pytest.raises(errors.AccountMerged):
        consents.withdraw(given(consent(), AccountMerged(survivor=TWIN, reason="-")), ONE)


def test_a_consent_is_asked_for_by_the_bank_or_by_the_programme() -> None:
    asking = replace(PROGRAMME, consent="required")
    without, with_one = given(), given(consent())
    consents.require_consent(without, PROGRAMME, TODAY, everywhere=False)
    for programme, everywhere in ((asking, False), (PROGRAMME, True)):
        consents.require_consent(with_one, programme, TODAY, everywhere=everywhere)
        for account in (without, given(consent(), WITHDRAWN), given(consent(institution="other college"))):
            with pytest.raises(errors.ConsentRequired):
                consents.require_consent(account, programme, TODAY, everywhere=everywhere)


def test_in_a_merge_consents_that_stand_go_over_under_their_ids() -> None:
    merged = given(consent(), consent(OTHER), WITHDRAWN, account_id=TWIN)
    received, ended = accounts.merge(given(), merged, "same person")
    survivor = states.replay(given(), received)
    assert list(survivor.rights.consents) == [OTHER]
    assert survivor.rights.consents[OTHER] == merged.rights.consents[OTHER]
    assert states.evolve(merged, ended).rights.consents == {}


@all_cases(
    some.lists(some.tuples(some.integers(0, 3), some.booleans(), some.integers(-3, 3)), max_size=12),
)
def test_a_dealing_by_consent_stands_exactly_while_one_of_the_consents_does(
    steps: list[tuple[int, bool, int]],
) -> None:
    account = given(account_id=THIRD)
    expected: dict[UUID, date] = {}
    for number, is_given, days in steps:
        consent_id, until = UUID(int=number), TODAY + timedelta(days=days)
        if is_given and consent_id not in account.rights.consents:
            account = states.evolve(account, consent(consent_id, "other college", until))
            expected[consent_id] = until
        elif consent_id in expected:
            account = states.evolve(account, consents.withdraw(account, consent_id))
            del expected[consent_id]
    stands = any(until >= TODAY for until in expected.values())
    assert (consents.standing(account, "other college", TODAY) is not None) is stands
