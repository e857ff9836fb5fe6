"""The desk: those who gathered share a transaction, and each is answered as if alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, insert, select, text

from creditbank.audit import replay
from creditbank.commands import accounts, certificates, learner_requests, uses
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.commands.keys import IssueKey
from creditbank.domain import errors
from creditbank.ledger.tables import command_log
from creditbank.vault.tables import installation, person, person_claim
from tests.commands.bank import (
    NOW,
    Clock,
    asked,
    award,
    bank_on,
    body,
    events_in,
    furnish,
    history,
    holder,
    open_desk,
    tell,
    together,
)
from tests.domain.facts import certificate, wish


@dataclass(slots=True)
class Faulty:
    """A command whose run or statement fails in a way that no one expected."""

    statement: str | None = None

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        if self.statement is None:
            raise ZeroDivisionError
        draft.unit.connection.execute(text(self.statement))
        return Answer(status=200, body={})


@dataclass(slots=True)
class Rival:
    """A command that meets, `times` times, what somebody else was faster to write."""

    times: int
    runs: list[int] = field(default_factory=list)

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        self.runs.append(len(self.runs))
        rows = 2 if len(self.runs) <= self.times else 1
        for _ in range(rows):
            draft.statements.append(self.write)
        return Answer(status=200, body={"runs": len(self.runs)})

    def write(self, connection: Any) -> None:
        connection.execute(insert(installation).values(name="rival", generation=1, fingerprint=b"-", state="current"))


def differences(engine: Engine) -> list[replay.Difference]:
    return list(replay.differences(engine))


def test_everybody_in_a_group_gets_their_own_verdict(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        first, taken, same, other = together(
            desk,
            asked(award("N1", holder("Li"))),
            asked(award("N1", holder("Wang"))),
            asked(award("N1", holder("Li"))),
            asked(award("N2", holder("Wang"))),
        )
    assert body(first)["number"] == "N1"
    assert isinstance(taken, errors.CertificateNumberTaken)
    assert isinstance(same, errors.CertificateDuplicate)
    assert body(other)["account_id"] != body(first)["account_id"]
    assert differences(engine) == []


def test_a_refused_command_leaves_no_trace(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        before = events_in(engine)
        refused, fine = together(desk, asked(award("N1", holder("Li"), level="大师")), asked(award("N2", holder("Li"))))
        assert isinstance(refused, errors.LevelUnknown)
        assert events_in(engine) == before + 2, "the account and one certificate"
        account_id = UUID(body(fine)["account_id"])
        assert len(history(engine, account_id)) == 2
    assert differences(engine) == []


def test_positions_are_those_of_the_commands_own_events(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        answers = together(desk, *(asked(award(f"N{number}", holder(f"P{number}"))) for number in range(5)))
        for answer in answers:
            account_id = UUID(body(answer)["account_id"])
            with engine.connect() as connection, connection.begin():
                rows = connection.execute(
                    text("SELECT partition_id, position FROM event WHERE stream_id = :one ORDER BY version DESC"),
                    {"one": account_id if engine.dialect.name == "postgresql" else account_id.hex},
                ).all()
            assert answer.position == f"{rows[0].partition_id}:{rows[0].position}"  # type: ignore[union-attr]


# Idempotency


def test_a_repeated_key_gets_the_stored_answer_and_nothing_happens_again(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        first = tell(desk, award("N1", holder("Li")), key="k")
        count = events_in(engine)
        again = tell(desk, award("N1", holder("Li")), key="k")
        assert (again.status, again.body, again.position) == (first.status, first.body, first.position)
        assert (first.replayed, again.replayed) == (False, True)
        assert events_in(engine) == count


def test_the_same_key_twice_in_one_group_is_one_execution_and_a_replay(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        count = events_in(engine)
        first, again, other = together(
            desk,
            asked(award("N1", holder("Li")), key="k"),
            asked(award("N1", holder("Li")), key="k"),
            asked(award("N2", holder("Li")), key="k", fingerprint=b"other"),
        )
        assert events_in(engine) == count + 2
    assert body(first) == body(again)
    assert (first.replayed, again.replayed) == (False, True)  # type: ignore[union-attr]
    assert isinstance(other, errors.IdempotencyKeyReused)


def test_another_body_under_a_used_key_is_refused(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        tell(desk, award("N1", holder("Li")), key="k")
        with pytest.raises(errors.IdempotencyKeyReused):
            tell(desk, award("N2", holder("Li")), key="k", fingerprint=b"other")


def test_a_refusal_does_not_use_up_its_key(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        refused, fine = together(
            desk,
            asked(award("N1", holder("Li"), level="大师"), key="k"),
            asked(award("N1", holder("Li")), key="k", fingerprint=b"corrected"),
        )
        assert isinstance(refused, errors.LevelUnknown)
        assert body(fine)
        assert tell(desk, award("N1", holder("Li")), key="k", fingerprint=b"corrected").replayed


def test_keys_of_two_organisations_have_nothing_to_do_with_each_other(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        tell(desk, award("N1", holder("Li")), key="k")
        request = asked(award("N2", holder("Li")), key="k", fingerprint=b"other")
        object.__setattr__(request, "key", ("other college", "k"))
        assert not desk.call(request).replayed


@pytest.mark.parametrize("in_one_group", [True, False])
def test_what_is_shown_once_is_never_stored(engine: Engine, in_one_group: bool) -> None:
    issue = IssueKey(organisation="college", role="institution", created_by="authority", expires_at=None)
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        if in_one_group:
            first, again = together(desk, asked(issue, key="k"), asked(issue, key="k"))
        else:
            first, again = tell(desk, issue, key="k"), tell(desk, issue, key="k")
    secret = body(first)["key"]
    assert "key" not in body(again)
    assert body(again)["key_id"] == body(first)["key_id"]
    with engine.connect() as connection, connection.begin():
        rows = connection.execute(select(command_log.c.body).where(command_log.c.key == "k")).scalars()
        assert all(secret.encode() not in bytes(row) for row in rows)


# Failures


def test_an_unexpected_failure_reaches_only_its_caller(engine: Engine) -> None:
    the_failure(engine, None)


@pytest.mark.parametrize("statement", ["SELECT no_such_column FROM event", "SELECT 1/0"])
def test_a_statement_that_the_database_cannot_carry_out_reaches_only_its_caller(
    postgresql_engine: Engine, statement: str
) -> None:
    the_failure(postgresql_engine, statement)


def the_failure(engine: Engine, statement: str | None) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        fine, failed, also_fine = together(
            desk,
            asked(award("N1", holder("Li")), key="k"),
            asked(Faulty(statement)),
            asked(award("N2", holder("Li"))),
        )
        assert isinstance(failed, Exception)
        assert body(fine)["account_id"] == body(also_fine)["account_id"]
        assert tell(desk, award("N1", holder("Li")), key="k").replayed
    assert differences(engine) == []


def test_a_lost_race_in_a_group_is_decided_anew_one_by_one(engine: Engine) -> None:
    rival = Rival(times=1)
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        fine, second = together(desk, asked(award("N1", holder("Li"))), asked(rival))
        assert body(second) == {"runs": 2}
        assert body(fine)["account_id"]
    assert differences(engine) == []


def test_who_loses_every_race_is_asked_to_come_again(engine: Engine) -> None:
    rival = Rival(times=1_000)
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        fine, unlucky = together(desk, asked(award("N1", holder("Li"))), asked(rival))
        assert body(fine)["account_id"]
        assert isinstance(unlucky, errors.Unavailable)
    assert 2 < len(rival.runs) < 20


def test_where_the_database_is_gone_nobody_hears_of_a_conflict(postgresql_engine: Engine) -> None:
    with open_desk(bank_on(postgresql_engine)) as desk:
        furnish(desk)
        first = tell(desk, award("N1", holder("Li")), key="k")
        ending = Faulty("SELECT pg_terminate_backend(pg_backend_pid())")
        known, ended, unknown = together(
            desk,
            asked(award("N1", holder("Li")), key="k"),
            asked(ending),
            asked(award("N2", holder("Li")), key="new"),
        )
    assert known.body == first.body  # type: ignore[union-attr]
    assert isinstance(ended, errors.Unavailable)
    assert isinstance(unknown, errors.Unavailable)


def test_closing_the_desk_finishes_what_was_asked(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        count = events_in(engine)
        tell(desk, award("N1", holder("Li")))
    assert events_in(engine) == count + 2
    with pytest.raises(RuntimeError):
        tell(desk, award("N2", holder("Li")))


# Seen by those who come next in the group


def opened(desk: Any, name: str) -> UUID:
    command = accounts.OpenAccount(holder=holder(name), opened_by="college", institution="college")
    return UUID(body(tell(desk, command))["account_id"])


def use_of(account_id: UUID, number: str, expires_at: int | None = None) -> uses.Use:
    return uses.Use(
        kind="conversion",
        account_id=account_id,
        institution="college",
        programme=("college", "construction"),
        applied_on=None,
        wishes=[wish(number)],
        mode="partial",
        explain=lambda refusal: refusal.reason,
        expires_at=expires_at,
    )


def test_a_suspension_counts_for_the_next_in_the_group_even_after_a_refusal(engine: Engine) -> None:
    """The refused one loads the whole account; what was decided before it must not be lost with it."""
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        account_id = opened(desk, "Li")
        use = use_of(account_id, "N1")
        tell(desk, award("N1", account_id))
        suspend = accounts.ChangeStatus(account_id=account_id, change="suspension", reason="inquiry")
        suspended, refused, refused_too = together(desk, asked(suspend), asked(use), asked(use))
    assert body(suspended)["status"] == "suspended"
    assert isinstance(refused, errors.AccountNotOpen)
    assert isinstance(refused_too, errors.AccountNotOpen)
    assert differences(engine) == []


def test_after_a_merge_the_next_in_the_group_find_what_it_moved(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        survivor, merged = opened(desk, "Li"), opened(desk, "Li before")
        tell(desk, award("N1", merged))
        together_merged, revoked, awarded = together(
            desk,
            asked(accounts.Merge(account_id=survivor, merged=merged, reason="same person")),
            asked(certificates.revoke(certificate("N1"), "BIM-EVAL", "forged", None)),
            asked(award("N2", holder("Li before"))),
        )
    assert body(together_merged)["status"] == "open"
    assert body(revoked)["status"] == "revoked"
    assert body(awarded)["account_id"] == str(survivor)
    assert differences(engine) == []


def test_after_a_merge_the_next_in_the_group_find_uses_and_requests_where_they_went(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        survivor, merged = opened(desk, "Li"), opened(desk, "Li before")
        tell(desk, award("N1", merged))
        use = use_of(merged, "N1")
        tell(desk, use)
        request = learner_requests.MakeRequest(account_id=merged, kind="correction", text=None)
        tell(desk, request)
        _, reversed_, settled = together(
            desk,
            asked(accounts.Merge(account_id=survivor, merged=merged, reason="same person")),
            asked(uses.reversal("conversion", use.use_id, "college", "asked", None)),
            asked(learner_requests.SettleRequest(request_id=request.request_id, outcome="done", reason="done")),
        )
    assert (body(reversed_)["status"], body(reversed_)["account_id"]) == ("reversed", str(survivor))
    assert (body(settled)["status"], body(settled)["account_id"]) == ("done", str(survivor))
    assert differences(engine) == []


def test_after_an_erasure_the_same_person_gets_a_new_account_in_the_same_group(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        erased = opened(desk, "Li")
        done, awarded = together(
            desk, asked(accounts.Erase(account_id=erased, reason="asked")), asked(award("N1", holder("Li")))
        )
    assert body(done)["status"] == "erased"
    assert body(awarded)["account_id"] != str(erased)
    assert differences(engine) == []


def test_erasing_the_last_of_a_chain_of_merges_erases_every_trace_of_the_person(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        first, second, third = (opened(desk, name) for name in ("Li", "Li before", "Li long before"))
        tell(desk, accounts.Merge(account_id=second, merged=third, reason="same person"))
        tell(desk, accounts.Merge(account_id=first, merged=second, reason="same person"))
        tell(desk, accounts.Erase(account_id=first, reason="asked"))
    with engine.connect() as connection, connection.begin():
        assert connection.execute(select(person)).all() == []
        assert connection.execute(select(person_claim)).all() == []


def test_two_uses_in_one_group_never_take_the_same_credits(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        account_id = opened(desk, "Li")
        tell(desk, award("N1", account_id))
        granted, refused = together(desk, asked(use_of(account_id, "N1")), asked(use_of(account_id, "N1")))
    assert body(granted)["status"] == "active"
    assert isinstance(refused, errors.NotEligible)
    assert refused.members["refused"][0]["reason"] == "CREDITS_USED"
    assert differences(engine) == []


def test_a_clock_that_is_behind_cannot_confirm_a_reservation_whose_credits_are_gone(engine: Engine) -> None:
    """Two servers, one of which is ahead: for it the reservation is over, and its credits are free."""
    behind, ahead = Clock(), Clock()
    with open_desk(bank_on(engine, behind)) as desk, open_desk(bank_on(engine, ahead)) as other:
        furnish(desk)
        account_id = opened(desk, "Li")
        tell(desk, award("N1", account_id))
        reservation = use_of(account_id, "N1", expires_at=NOW + 1_000)
        tell(desk, reservation)
        ahead.now += 1_000
        assert body(tell(other, use_of(account_id, "N1")))["status"] == "active"
        with pytest.raises(errors.WrongState) as refused:
            tell(desk, uses.confirmation(reservation.use_id, "college", None))
    assert refused.value.members["current_status"] == "lapsed"
    assert differences(engine) == []


def test_a_rival_who_commits_between_two_look_ups_is_not_taken_for_somebody_else(postgresql_engine: Engine) -> None:
    """Two servers award one certificate to one new person at once: the later one finds it there already."""
    bank, rival_bank = bank_on(postgresql_engine), bank_on(postgresql_engine)
    same = award("N1", holder("Li"))
    met: list[str] = []

    with open_desk(bank) as desk, open_desk(rival_bank) as rival:
        furnish(desk)

        def rival_is_faster(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            looks_up = "FROM person_claim" in statement or "FROM certificate_claim" in statement
            if looks_up and "SELECT" in statement:
                met.append(statement)
                if len(met) == 2:  # between the first look-up and the second
                    tell(rival, same)

        event.listen(postgresql_engine, "before_cursor_execute", rival_is_faster)
        with pytest.raises(errors.CertificateDuplicate):
            tell(desk, same)
    assert differences(postgresql_engine) == []
