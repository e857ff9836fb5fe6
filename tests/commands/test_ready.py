"""Lines that were made ready come to what the same lines come to one by one, and never rest on what is over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from creditbank.audit import replay
from creditbank.commands import catalogue
from creditbank.commands.accounts import ChangeStatus, Merge
from creditbank.commands.awards import AwardBatch, AwardLine
from creditbank.commands.bank import Bank
from creditbank.commands.desk import Command, Desk, Settled
from creditbank.commands.ready import Knowledge, Maker
from creditbank.commands.ready_awards import AwardReady, Outdated
from creditbank.domain import errors
from creditbank.domain.errors import BankError
from creditbank.domain.events import Evidence, OrganisationRegistered, Particulars, Score
from creditbank.domain.minors import AGE_OF_OWN_CONSENT
from creditbank.vault.keyfiles import Ring, Standing
from creditbank.vault.persons import Holder, Person
from tests.commands.bank import award, bank_on, body, events_in, furnish, history, open_desk, tell
from tests.domain.facts import posted

CHILD = date(2026 - AGE_OF_OWN_CONSENT, 12, 31)

Way = Callable[[Bank, Sequence[AwardLine | BankError]], Command]


@pytest.fixture
def bank(engine: Engine) -> Bank:
    return bank_on(engine)


@pytest.fixture
def desk(bank: Bank) -> Iterator[Desk]:
    with open_desk(bank) as opened:
        furnish(opened)
        yield opened


def rendered(refusal: BankError) -> tuple[int, dict[str, Any]]:
    return 409, {"code": refusal.code, **refusal.members}


def plain(_bank: Bank, lines: Sequence[AwardLine | BankError]) -> AwardBatch:
    return AwardBatch(lines=lines, mode="partial", dry_run=False, render=rendered)


def ready(bank: Bank, lines: Sequence[AwardLine | BankError]) -> AwardReady:
    known = Knowledge(catalogue=bank.catalogue(), keys=bank.vault.keys, today=bank.today())
    made = Maker(known).lines(lines)
    return AwardReady(lines=made, made_by=known.stamp, issuer="BIM-EVAL", render=rendered, first=0)


def named(name: str, **more: Any) -> Holder:
    return Holder(person=Person(name=name, document_type="LOCAL", number=f"HB-{name}", **more))


def mixed(desk: Desk, prefix: str) -> list[AwardLine | BankError]:
    """Lines of every kind, for persons and numbers of their own."""

    def account(name: str) -> UUID:
        return UUID(body(tell(desk, award(f"{prefix}-{name}-first", named(f"{prefix}-{name}"))))["account_id"])

    def line(number: str, holder: Holder | UUID, **changes: Any) -> AwardLine:
        return AwardLine(award=posted(f"{prefix}-{number}", **changes), holder=holder)

    known, suspended, gone, other = (account(name) for name in ("known", "suspended", "gone", "other"))
    tell(desk, ChangeStatus(account_id=suspended, change="suspension", reason="test"))
    tell(desk, Merge(account_id=other, merged=gone, reason="test"))
    new, child = named(f"{prefix}-new"), named(f"{prefix}-child", birth_date=CHILD)
    said = Particulars(
        hours=48,
        score=Score(value="90", scale="0-100"),
        evidence=(Evidence(sha256="0" * 64, media_type="application/pdf"),),
        fields={"zone": "east"},
    )
    return [
        line("1", new),
        line("2", new, particulars=said, expires_on=date(2030, 1, 1)),
        line("1", new),
        line("1", named(f"{prefix}-late")),
        line("3", named(f"{prefix}-known")),
        line("4", known),
        line("known-first", known),
        line("known-first", named(f"{prefix}-third")),
        line("5", suspended),
        line("6", gone),
        line("7", named(f"{prefix}-gone")),
        line("8", uuid4()),
        line("9", child),
        line("10", Holder(person=child.person, guardian_consent=True)),
        line("11", new, level="特级"),
        line("12", named(f"{prefix}-early"), issued_on=date(2030, 1, 1)),
        errors.Forbidden(),
        line("13", named(f"{prefix}-early")),
    ]


def told(settled: Settled, accounts: dict[str, int]) -> list[dict[str, Any]]:
    """The verdicts, in which accounts are told by their order, and what is made of numbers is left out."""
    lines = []
    for line in body(settled)["results"]:
        assert ("position" in line) == (line["status"] == 201)
        shown = {"account": accounts.setdefault(line["account_id"], len(accounts))} if "account_id" in line else {}
        problem = {"problem": line["problem"]["code"]} if "problem" in line else {}
        lines.append({"index": line["index"], "status": line["status"], **shown, **problem})
    return lines


def recorded(engine: Engine, accounts: dict[str, int], prefix: str) -> list[list[str]]:
    """The events of each account, without ids and the prefix of names."""
    return [
        [
            re.sub(r"UUID\('[^']*'\)", "id", repr(event)).replace(prefix, "")
            for event in history(engine, UUID(account_id))
        ]
        for account_id in accounts
    ]


def test_lines_made_ready_come_to_the_same_as_plain_ones(engine: Engine, bank: Bank, desk: Desk) -> None:
    found = []
    for prefix, way in (("PLAIN", plain), ("READY", ready)):
        accounts: dict[str, int] = {}
        verdicts = told(tell(desk, way(bank, mixed(desk, prefix))), accounts)
        found.append((verdicts, recorded(engine, accounts, prefix)))

    assert found[0] == found[1]
    assert {line["status"] for line in found[0][0]} == {201, 409}
    assert list(replay.differences(engine)) == []


def test_a_person_is_sealed_and_found_as_ever(engine: Engine, bank: Bank, desk: Desk) -> None:
    holder = named("new", birth_date=date(1990, 1, 2))

    line = body(tell(desk, ready(bank, [AwardLine(award=posted("N1"), holder=holder)])))["results"][0]

    account_id = UUID(line["account_id"])
    with engine.connect() as connection, connection.begin():
        assert bank.vault.open(connection, [account_id]) == {account_id: holder.person}
        assert bank.vault.accounts_of(connection, [holder.document]) == {holder.document: account_id}
    again = body(tell(desk, award("N2", holder)))
    assert again["account_id"] == line["account_id"]


def test_the_answer_is_written_as_a_document_would_be(bank: Bank, desk: Desk) -> None:
    lines: list[AwardLine | BankError] = [AwardLine(award=posted("N1"), holder=named("one")), errors.Forbidden()]

    settled = tell(desk, ready(bank, lines))

    results = body(settled)["results"]
    assert list(results[0]) == ["index", "status", "certificate_id", "account_id", "position"]
    assert results[0]["position"] == settled.position
    assert results[1] == {"index": 1, "status": 409, "problem": {"code": "forbidden"}}
    assert settled.body.endswith(b'],"accepted":1,"refused":1}')


def test_the_same_key_gets_the_answer_that_was_given(engine: Engine, bank: Bank, desk: Desk) -> None:
    lines: list[AwardLine | BankError] = [AwardLine(award=posted("N1"), holder=named("one"))]
    first, count = tell(desk, ready(bank, lines), "k"), events_in(engine)

    again = tell(desk, ready(bank, lines), "k")

    assert (again.body, again.position, again.replayed) == (first.body, first.position, True)
    assert events_in(engine) == count


def a_new_catalogue(_bank: Bank, desk: Desk) -> None:
    tell(desk, catalogue.register(OrganisationRegistered(code="new", name="new", roles=("institution",))))


def a_new_day(bank: Bank, _desk: Desk) -> None:
    bank.clock.now += 86_400_000_000  # type: ignore[attr-defined]  # the clock of these tests can be set


def a_new_key(bank: Bank, _desk: Desk) -> None:
    keys = bank.vault.keys
    ring = Ring("wrapping", {1: keys.wrapping.of(1), 2: b"n" * 32})
    ring.stand(Standing(current=2, former=(1,)))
    object.__setattr__(keys, "wrapping", ring)


@pytest.mark.parametrize("change", [a_new_catalogue, a_new_day, a_new_key])
def test_what_was_made_ready_before_a_change_is_not_written(
    engine: Engine, bank: Bank, desk: Desk, change: Callable[[Bank, Desk], None]
) -> None:
    keys = bank.vault.keys
    former = keys.wrapping
    try:
        command = ready(bank, [AwardLine(award=posted("N1"), holder=named("one"))])
        change(bank, desk)
        count = events_in(engine)

        with pytest.raises(Outdated):
            tell(desk, command)

        assert events_in(engine) == count
        assert body(tell(desk, ready(bank, [AwardLine(award=posted("N1"), holder=named("one"))])))["accepted"] == 1
    finally:
        object.__setattr__(keys, "wrapping", former)
