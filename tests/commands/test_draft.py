"""Drafts: what a command decides counts when it is kept, and the next command sees it from then on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from creditbank.commands.draft import Draft, Needs, Unit
from creditbank.domain.accounts import open_account
from creditbank.domain.events import AccountErased, AccountMerged, AccountSuspended, CertificateReceived
from creditbank.ledger.database import writing
from creditbank.projections import accounts as heads
from tests.commands.bank import bank_on, events_in, history, holder
from tests.domain.facts import COLLEGE, awarded, certificate

SUSPENDED = AccountSuspended(reason="inquiry")
LI = holder("Li")


@contextmanager
def unit(engine: Engine) -> Iterator[Unit]:
    """A transaction's worth of decisions, written at the end."""
    with writing(engine) as connection:
        one = Unit(bank_on(engine), connection, ())
        yield one
        one.flush()


def draft_of(one: Unit) -> Draft:
    return Draft(unit=one, actor="authority:test", causation=uuid4())


@pytest.fixture
def account_id(engine: Engine) -> UUID:
    """An account that stands in the database, opened for Li, with one certificate."""
    new = uuid4()
    with unit(engine) as one:
        draft = draft_of(one)
        draft.begin(new)
        draft.append(new, open_account("college"), awarded("N1"))
        draft.seal(new, LI)
        draft.keep()
    return new


def test_what_is_kept_is_written_and_what_is_not_leaves_no_trace(engine: Engine, account_id: UUID) -> None:
    with unit(engine) as one:
        kept, refused = draft_of(one), draft_of(one)
        refused.append(account_id, SUSPENDED)
        refused.seal(uuid4(), holder("Wang"))
        kept.append(account_id, awarded("N2"))
        kept.keep()
    assert history(engine, account_id)[2:] == [awarded("N2")]


def test_a_draft_that_was_dropped_starts_anew(engine: Engine, account_id: UUID) -> None:
    with unit(engine) as one:
        draft = draft_of(one)
        draft.append(account_id, SUSPENDED)
        draft.drop()
        assert draft.head(account_id).status == "open"
        draft.keep()
    assert len(history(engine, account_id)) == 2


def test_the_next_draft_sees_what_was_kept_and_not_what_was_refused(engine: Engine, account_id: UUID) -> None:
    with unit(engine) as one:
        refused = draft_of(one)
        refused.append(account_id, awarded("N9"))
        assert certificate("N9") in refused.account(account_id).lots
        kept = draft_of(one)
        kept.append(account_id, awarded("N2"))
        kept.keep()
        assert set(draft_of(one).account(account_id).lots) == {certificate("N1"), certificate("N2")}


def test_an_account_loaded_by_a_refused_draft_still_has_what_was_decided_before(
    engine: Engine, account_id: UUID
) -> None:
    with unit(engine) as one:
        kept = draft_of(one)
        kept.append(account_id, SUSPENDED)
        kept.keep()
        assert draft_of(one).account(account_id).head.status == "suspended"
        assert draft_of(one).account(account_id).head == draft_of(one).head(account_id)


def test_accounts_loaded_together_have_what_was_decided_before(engine: Engine, account_id: UUID) -> None:
    with unit(engine) as one:
        kept = draft_of(one)
        kept.append(account_id, SUSPENDED)
        kept.keep()
        one.load_accounts([account_id])
        assert one.accounts[account_id].head.version == 3


def test_loading_again_does_not_turn_back_what_was_decided(engine: Engine, account_id: UUID) -> None:
    with unit(engine) as one:
        kept = draft_of(one)
        kept.append(account_id, SUSPENDED)
        kept.keep()
        one.load([Needs(accounts=[account_id], documents=[LI.document])])
        assert draft_of(one).head(account_id).status == "suspended"


def test_an_account_that_nobody_opened_has_version_0(engine: Engine) -> None:
    with unit(engine) as one:
        assert draft_of(one).head(UUID(int=1)).version == 0
        assert draft_of(one).account(UUID(int=1)).lots == {}


def test_a_person_sealed_in_a_group_is_found_by_the_next_command(engine: Engine) -> None:
    wang, new = holder("Wang"), uuid4()
    with unit(engine) as one:
        refused, kept = draft_of(one), draft_of(one)
        assert refused.account_of(wang.document) is None
        refused.seal(uuid4(), wang)
        kept.begin(new)
        kept.append(new, open_account("college"))
        kept.seal(new, wang)
        kept.keep()
        assert draft_of(one).account_of(wang.document) == new


def test_a_merge_moves_documents_and_numbers_for_the_next_command(engine: Engine, account_id: UUID) -> None:
    survivor = uuid4()
    with unit(engine) as one:
        one.load([Needs(documents=[LI.document], certificates=[certificate("N1")])])
        draft = draft_of(one)
        assert (draft.account_of(LI.document), draft.holder(certificate("N1"))) == (account_id, account_id)
        draft.begin(survivor)
        received = CertificateReceived(merged_from=account_id, awarded=awarded("N1"))
        draft.append(survivor, open_account("college"), received)
        draft.append(account_id, AccountMerged(survivor=survivor, reason="same person"))
        draft.keep()
        after = draft_of(one)
        assert (after.account_of(LI.document), after.holder(certificate("N1"))) == (survivor, survivor)


def test_after_an_erasure_the_document_finds_nobody(engine: Engine, account_id: UUID) -> None:
    with unit(engine) as one:
        draft = draft_of(one)
        assert draft.account_of(LI.document) == account_id
        draft.append(account_id, AccountErased(reason="asked", receipt=UUID(int=1)))
        draft.keep()
        assert draft_of(one).account_of(LI.document) is None


def test_reference_data_counts_its_versions_over_the_drafts_of_a_group(engine: Engine) -> None:
    stream = uuid4()
    with unit(engine) as one:
        for _ in range(2):
            draft = draft_of(one)
            draft.append_reference(stream, COLLEGE)
            draft.keep()
        refused = draft_of(one)
        refused.append_reference(stream, COLLEGE)
        assert draft_of(one).catalogue.organisations == {"college": one.catalogue.organisations["college"]}
        assert [entry.version for entry in one.entries] == [1, 2]
        assert one.catalogue.epoch + 1 == refused.catalogue.epoch
    assert events_in(engine) == 2


def test_the_projection_agrees_with_what_the_draft_said(engine: Engine, account_id: UUID) -> None:
    with unit(engine) as one:
        draft = draft_of(one)
        draft.append(account_id, SUSPENDED)
        expected = draft.head(account_id)
        draft.keep()
    with engine.connect() as connection, connection.begin():
        assert heads.heads(connection, [account_id]) == {account_id: expected}
