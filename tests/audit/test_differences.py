"""The auditor names whatever is stored and is not what history says, and history that contradicts itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, Executable, Insert, Table, delete, insert, literal, select, update

from creditbank.audit.rebuild import rebuild
from creditbank.audit.replay import differences
from creditbank.commands.accounts import LookUp
from creditbank.commands.acts import command_of
from creditbank.commands.approvals import Propose
from creditbank.commands.uses import Use
from creditbank.domain.acts import Erasure
from creditbank.domain.approvals import Signatory
from creditbank.domain.events import UseKind
from creditbank.ledger.database import open_engine
from creditbank.ledger.tables import event
from creditbank.projections.accounts import account, dealing
from creditbank.projections.approvals import approval
from creditbank.projections.catalogue import catalogue
from creditbank.projections.claims import certificate_claim
from creditbank.projections.lots import lot
from creditbank.projections.usages import usage
from tests.commands.bank import NOW, award, bank_on, body, furnish, holder, open_desk, tell
from tests.domain.facts import TODAY, wish

STRANGER = UUID(int=77)


def _audited(url: str, _folder: Path) -> None:
    """A bank whose one learner has two certificates, an exemption and a reservation."""
    engine = open_engine(url)
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        learner = holder("learner")
        account_id = UUID(body(tell(desk, award("N1", learner)))["account_id"])
        tell(desk, LookUp(holder=learner, institution="college"))
        tell(desk, award("N2", learner))
        tell(desk, use("exemption", account_id, "N1", "BIM1"))
        tell(desk, use("conversion", account_id, "N2", expires_at=NOW + 1_000_000))
        tell(desk, waiting(account_id))
    engine.dispose()


BEGINNINGS = {"audited": _audited}


@pytest.fixture
def audited(engine: Engine) -> Engine:
    return engine


def use(kind: UseKind, account_id: UUID, number: str, target: str | None = None, expires_at: int | None = None) -> Use:
    return Use(
        kind=kind,
        account_id=account_id,
        institution="college",
        programme=("college", "construction"),
        applied_on=TODAY,
        wishes=[wish(number, target=target)],
        mode="partial",
        explain=lambda _: "",
        expires_at=expires_at,
    )


def waiting(account_id: UUID) -> Propose:
    act = Erasure(act="erasure", account_id=account_id, reason="asked for")
    by = Signatory(role="authority", organisation=None, actor="authority:desk", credential="desk", person=None)
    return Propose(act=act, command=command_of(act, None), by=by, if_match=None)


def found(engine: Engine) -> list[str]:
    return [difference.what for difference in differences(engine)]


def test_a_bank_that_was_left_alone_agrees_with_its_history(audited: Engine) -> None:
    assert found(audited) == []


def copied(table: Table, column: str) -> Insert:
    """A row of a table once more, with an id that is nobody's."""
    columns = [literal(STRANGER) if each.name == column else each for each in table.c]
    return insert(table).from_select(list(table.c), select(*columns).limit(1))


TAMPERED: dict[str, Executable] = {
    "head": update(account).values(version=9),
    "certificates": update(lot).values(credits=90_000),
    "uses": delete(usage).where(usage.c.expires_at.is_(None)),
    "dealings": update(dealing).values(until=date(2030, 1, 1)),
    "claims": delete(certificate_claim),
    "rows in account": copied(account, "account_id"),
    f"claim of certificate {STRANGER}": copied(certificate_claim, "certificate_id"),
    "state": update(approval).values(settled="approved", decided_by="authority:desk"),
    "rows in approval": copied(approval, "approval_id"),
    "standard-published/1": delete(catalogue).where(catalogue.c.type == "standard-published/1"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_an_answer_that_was_tampered_with_is_named_and_mended_by_a_rebuild(audited: Engine, what: str) -> None:
    with audited.begin() as connection:
        connection.execute(TAMPERED[what])
    named = found(audited)
    assert len(named) == 1
    assert named[0].startswith(what)
    rebuild(audited)
    assert found(audited) == []


def test_a_missing_event_is_a_gap_in_its_partition(audited: Engine) -> None:
    with audited.begin() as connection:
        connection.execute(delete(event).where(event.c.type == "reservation-made/1"))
    assert found(audited)[0] == "count, first and last position"


def test_a_grant_that_its_rules_do_not_give_is_named(audited: Engine) -> None:
    with audited.begin() as connection:
        body = connection.execute(select(event.c.body).where(event.c.type == "courses-exempted/1")).scalar_one()
        more = body.replace(b'"credits":20000', b'"credits":30000', 1)
        assert more != body
        connection.execute(update(event).where(event.c.type == "courses-exempted/1").values(body=more))
    assert [what.partition(" of ")[0] for what in found(audited)] == ["uses", "decision"]


def test_rules_that_were_changed_after_a_decision_are_named(audited: Engine) -> None:
    with audited.begin() as connection:
        for table in (event, catalogue):
            published = table.c.type == "rulebook-version-published/1"
            body = connection.execute(select(table.c.body).where(published)).scalar_one()
            other = body.replace(b'"carry":true', b'"fixed":1', 1)
            assert other != body
            connection.execute(update(table).where(published).values(body=other))
    assert [what.partition(" of ")[0] for what in found(audited)] == ["decision", "decision"]
