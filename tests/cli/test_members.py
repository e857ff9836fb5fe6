"""`creditbank members` makes members that the server knows, only for organisations that are there, and ends them."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from creditbank.ledger.database import writing
from creditbank.vault import members, sessions
from creditbank.vault.sessions import Session
from tests.cli.conftest import Command
from tests.cli.history import register

ISSUER = "https://idp.example/"
OFFICER = ["officer", "--role", "authority", "--issuer", ISSUER]


@pytest.fixture
def bank(database_url: str, engine: Engine, creditbank: Command) -> Command:
    """The command line on a bank with an issuer that audits too."""
    register(engine, "BIM-EVAL", "issuer", "auditor")
    assert creditbank("rebuild", url=database_url).code == 0
    return creditbank


def test_the_first_member_is_added_and_known_by_its_subject(bank: Command, engine: Engine) -> None:
    member_id = bank("members", "add", *OFFICER).out.removesuffix("\n")
    with engine.connect() as connection:
        stored = members.of_subject(connection, ISSUER, "officer")
    assert stored is not None
    assert (stored.member_id, stored.role, stored.created_by) == (member_id, "authority", "command-line")


def test_the_issuer_is_the_banks_own_where_nobody_names_one(bank: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bank("members", "add", "officer", "--role", "authority").code == 2
    monkeypatch.setenv("CREDITBANK_OIDC_ISSUER", ISSUER)
    added = bank("members", "add", "officer", "--role", "authority", "--json").json
    assert (added["issuer"], added["subject"], added["status"]) == (ISSUER, "officer", "active")


def test_a_subject_is_a_member_once(bank: Command) -> None:
    first = bank("members", "add", *OFFICER).out.strip()
    again = bank("members", "add", *OFFICER)
    assert (again.code, again.err) == (1, f"this subject is the member {first} already: remove that one first\n")
    assert bank("members", "remove", first).out == f"member {first} is removed\n"
    assert bank("members", "add", *OFFICER).code == 0
    assert [one["status"] for one in bank("members", "list", "--json").json] == ["removed", "active"]
    assert f"{first}  removed  authority" in bank("members", "list").out


def test_an_auditor_is_one_for_a_time(bank: Command) -> None:
    options = ["--role", "auditor", "--organisation", "BIM-EVAL", "--issuer", ISSUER]
    assert bank("members", "add", "a", *options, "--json").json["expires_at"] is not None
    assert bank("members", "add", "b", *options, "--expires-at", "2099-01-01T00:00:00Z").code == 1
    assert bank("members", "add", "c", *options, "--expires-at", "2020-01-01T00:00:00Z").code == 0
    again = bank("members", "add", "c", *options, "--json").json
    statuses = {one["member_id"]: one["status"] for one in bank("members", "list", "--json").json}
    assert sorted(statuses.values()) == ["active", "active", "removed"]
    assert statuses[again["member_id"]] == "active"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--role", "issuer", "--organisation", "GHOST"], 1),
        (["--role", "institution", "--organisation", "BIM-EVAL"], 1),
        (["--role", "issuer"], 2),
        (["--role", "learner"], 2),
        (["--role", "janitor"], 2),
    ],
)
def test_nobody_is_added_for_what_is_not_there(options: list[str], code: int, bank: Command) -> None:
    assert bank("members", "add", "somebody", "--issuer", ISSUER, *options).code == code
    assert bank("members", "list", "--json").json == []


@pytest.mark.parametrize("subject", ["", "a\nb", "x" * 300])
def test_a_subject_can_be_printed(subject: str, bank: Command) -> None:
    assert bank("members", "add", subject, "--role", "authority", "--issuer", ISSUER).code == 2


def test_whoever_is_removed_has_no_session_left(bank: Command, engine: Engine) -> None:
    member_id = bank("members", "add", *OFFICER).out.strip()
    session = Session(
        session_id=sessions.new_id(),
        member_id=member_id,
        account_id=None,
        created_at=1,
        authenticated_at=None,
        seen_at=1,
        expires_at=2,
    )
    with writing(engine) as connection:
        sessions.add(connection, session, sessions.new_secret())
    bank("members", "remove", member_id)
    with engine.connect() as connection:
        assert sessions.of_member(connection, member_id) == []


def test_a_member_that_is_not_there_cannot_be_removed(sqlite_url: str, creditbank: Command) -> None:
    refused = creditbank("members", "remove", "ghost", url=sqlite_url)
    assert (refused.code, refused.err) == (1, "there is no member ghost: `creditbank members list` shows them\n")
