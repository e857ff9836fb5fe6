"""Two persons: what waits, for how long, and who counts as another person."""

from __future__ import annotations

from uuid import UUID

import pytest

from creditbank.domain import approvals, errors
from creditbank.domain.acts import Erasure
from creditbank.domain.approvals import Approval, Signatory, Step, is_another

NOBODY: frozenset[str] = frozenset()
ACT = Erasure(act="erasure", account_id=UUID(int=7), reason="asked for")


def signatory(
    credential: str, *, person: str | None = None, role: str = "authority", of: str | None = None
) -> Signatory:
    return Signatory(
        role=role, organisation=of, actor=f"{of or role}:{credential}", credential=credential, person=person
    )


def waiting(*more: Step, by: Signatory | None = None) -> Approval:
    first = by or signatory("one")
    asked = Step(approvals.request(ACT, first, '"4"', now=100), first.actor, 100)
    found = approvals.replay(UUID(int=1), [asked, *more])
    assert found is not None
    return found


def test_an_act_waits_for_seven_days() -> None:
    approval = waiting()

    assert (approval.act, approval.if_match, approval.requested_at) == (ACT, '"4"', 100)
    assert approval.state_at(100 + approvals.TERM_MICROSECONDS - 1) == "pending"
    assert approval.state_at(100 + approvals.TERM_MICROSECONDS) == "expired"


def test_what_was_given_is_over() -> None:
    approval = waiting(Step(approvals.give(waiting(), is_another=True, now=101), "authority:two", 101))

    assert (approval.state_at(10**18), approval.decided_by, approval.decided_at) == ("approved", "authority:two", 101)
    with pytest.raises(errors.WrongState) as refused:
        approvals.give(approval, is_another=True, now=102)
    assert refused.value.members == {"current_status": "approved"}


def test_what_was_refused_is_over() -> None:
    approval = waiting(Step(approvals.refuse(waiting(), "not agreed", now=101), "authority:two", 101))

    assert (approval.state_at(102), approval.reason) == ("refused", "not agreed")
    with pytest.raises(errors.WrongState):
        approvals.refuse(approval, "again", now=102)


def test_what_has_waited_too_long_is_over() -> None:
    late = 100 + approvals.TERM_MICROSECONDS

    with pytest.raises(errors.WrongState):
        approvals.give(waiting(), is_another=True, now=late)
    with pytest.raises(errors.WrongState):
        approvals.refuse(waiting(), "late", now=late)


def test_one_person_alone_is_not_enough() -> None:
    with pytest.raises(errors.SecondPersonNeeded):
        approvals.give(waiting(), is_another=False, now=101)


def test_all_authorities_are_the_bank_and_other_organisations_are_themselves() -> None:
    assert signatory("one", of="BUREAU").party == signatory("two").party == ("authority", None)
    assert signatory("one", role="issuer", of="A").party != signatory("two", role="issuer", of="B").party


def test_another_key_is_another_person() -> None:
    assert is_another(signatory("one"), signatory("two"), NOBODY, NOBODY)
    assert not is_another(signatory("one"), signatory("one"), NOBODY, NOBODY)


def test_who_made_a_key_is_not_another_person_than_who_holds_it() -> None:
    one, two = signatory("one"), signatory("two")

    assert not is_another(one, two, NOBODY, frozenset({"between", "one"}))
    assert not is_another(one, two, frozenset({"two"}), NOBODY)


def test_two_keys_that_one_hand_made_are_two_persons_where_that_hand_is_not_of_their_party() -> None:
    third = frozenset({"three"})
    ours = [signatory(name, role="issuer", of="SCHOOL") for name in ("one", "two")]

    assert is_another(*ours, third, third)
    assert not is_another(signatory("one"), signatory("two"), third, third)


def test_one_member_at_two_desks_is_one_person() -> None:
    one, two = signatory("desk-1", person="li"), signatory("desk-2", person="li")

    assert not is_another(one, two, NOBODY, NOBODY)
    assert is_another(one, signatory("desk-2", person="zhang"), NOBODY, NOBODY)


def test_a_member_is_the_same_person_as_the_key_that_the_member_made() -> None:
    member, key = signatory("desk-1", person="li"), signatory("key")

    assert not is_another(member, key, NOBODY, frozenset({"li"}))
    assert not is_another(key, member, frozenset({"desk-1"}), NOBODY)
