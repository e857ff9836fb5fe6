"""`creditbank rules diff` shows what changes, and for whom it would have changed something."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from creditbank.commands import uses
from creditbank.commands.accounts import LookUp
from tests.cli.conftest import Command
from tests.commands.bank import RULES, award, bank_on, body, furnish, holder, open_desk, tell
from tests.domain.facts import TODAY, wish

CAP = {"id": "each", "measure": "credits", "limit": 4, "per": ["outcome"], "over": "drop", "reason": "CAP_PER_OUTCOME"}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(name: str, rules: dict[str, Any], **more: Any) -> str:
        path = tmp_path / name
        document = {"format": "creditbank-rulebook/1", "id": "exemptions", "rules": rules, **more}
        path.write_text(json.dumps(document), "utf-8")
        return str(path)

    return written


@pytest.fixture
def account_id(engine: Engine) -> UUID:
    """A learner whose certificate replaces two courses under the rulebook `exemptions`, version 1."""
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        learner = holder("learner")
        account_id = UUID(body(tell(desk, award("N1", learner)))["account_id"])
        tell(desk, LookUp(holder=learner, institution="college"))
        exemption = uses.Use(
            kind="exemption",
            account_id=account_id,
            institution="college",
            programme=("college", "construction"),
            applied_on=TODAY,
            wishes=[wish("N1", target="CAD"), wish("N1", target="BIM1")],
            mode="partial",
            explain=lambda _: "",
        )
        tell(desk, exemption)
    return account_id


def test_two_files_are_compared_without_a_bank(write: Any, creditbank: Command) -> None:
    before = write("a.json", {**RULES, "caps": [CAP | {"limit": 8}], "grade": "pass"})
    after = write("b.json", {**RULES, "caps": [CAP], "once": [{"scope": "target", "reason": "TWICE"}]})
    ended = creditbank("rules", "diff", before, after, url="postgresql://nobody@127.0.0.1:1/none")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        'CHANGED /caps/0  {"limit": 8} -> {"limit": 4}',
        'REMOVED /grade  "pass"',
        'ADDED   /once/0  {"scope": "target", "reason": "TWICE"}',
        "clauses: 3 changed",
    ]


def test_a_version_of_the_bank_is_compared_and_its_accounts_are_named(
    write: Any, creditbank: Command, account_id: UUID, database_url: str
) -> None:
    after = write("b.json", {**RULES, "caps": [CAP]}, id="draft")
    ended = creditbank("rules", "diff", "exemptions@1", after, url=database_url)
    assert ended.code == 0
    assert ended.out.splitlines()[1:] == [
        "clauses: 1 changed",
        f"{account_id}  6 -> 4  BIM1 2 -> 0 CAP_PER_OUTCOME /caps/0",
        "accounts: 1 would change, 1 decisions of exemptions read",
    ]


def test_two_files_are_tried_on_the_bank_when_it_is_asked_for(
    write: Any, creditbank: Command, account_id: UUID, database_url: str
) -> None:
    before, after = write("a.json", RULES), write("b.json", {**RULES, "caps": [CAP]})
    assert str(account_id) not in creditbank("rules", "diff", before, after, url=database_url).out
    lines = creditbank("rules", "diff", before, after, "--bank", "--json", url=database_url).out.splitlines()
    change, changes, account, summary = map(json.loads, lines)
    assert (change["change"], change["pointer_after"], change["after"]) == ("added", "/caps/0", CAP)
    assert changes == {"changes": 1}
    assert (account["account_id"], account["before"], account["after"]) == (str(account_id), "6", "4")
    (grant,) = account["uses"][0]["grants"]
    assert (grant["target"], grant["before"], grant["after"]) == ("BIM1", "2", "0")
    assert (grant["reason"], grant["clause"]) == ("CAP_PER_OUTCOME", "/caps/0")
    assert summary == {"rulebook": "exemptions", "decisions": 1, "accounts_changed": 1}


def test_what_is_neither_a_file_nor_in_the_bank_is_refused_in_a_sentence(
    write: Any, creditbank: Command, account_id: UUID, database_url: str
) -> None:
    file = write("a.json", RULES)
    ended = creditbank("rules", "diff", file, "exemptions@7", url=database_url)
    assert (ended.code, ended.err) == (
        1, "exemptions@7 is neither a file nor in the bank, which has the versions 1\n",
    )  # fmt: skip
    assert creditbank("rules", "diff", file, "other@1").err == "other@1 is neither a file nor in the bank\n"
    assert creditbank("rules", "diff", file, "b.json").err == "b.json cannot be read: No such file or directory\n"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "7", '{"format": "creditbank-rulebook-cases/1", "rulebooks": []}', '{"caps": 7}', '{"rules": []}'],
)
def test_a_file_that_is_no_rulebook_is_refused_in_a_sentence(
    content: str, write: Any, creditbank: Command, tmp_path: Path
) -> None:
    other = tmp_path / "odd.json"
    other.write_text(content, "utf-8")
    for pair in ((write("a.json", RULES), str(other)), (str(other), write("a.json", RULES))):
        ended = creditbank("rules", "diff", *pair)
        assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
        assert str(other) in ended.err


def test_rules_without_an_id_are_not_tried_on_the_bank(
    creditbank: Command, account_id: UUID, database_url: str, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(RULES), "utf-8")
    ended = creditbank("rules", "diff", str(bare), str(bare), "--bank", url=database_url)
    assert ended.code == 1
    assert ended.err.startswith("neither of the two files says which rulebook it is")
    assert creditbank("rules", "diff", str(bare), "exemptions@1").out.splitlines() == [
        "clauses: 0 changed",
        "accounts: 0 would change, 1 decisions of exemptions read",
    ]
