"""Members at rest: one for each subject at a time, on record after they are removed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from creditbank.ledger.database import writing
from creditbank.vault import apikeys, lineage, members
from creditbank.vault.members import Member
from tests.vault.keys import KEYS

NOW = 1_795_000_000_000_000
CLERK = Member(
    member_id="member-1",
    issuer="https://idp.example",
    subject="clerk",
    role="issuer",
    organisation="BIM-EVAL",
    created_at=NOW,
    created_by="command-line",
    expires_at=NOW + 10,
)


def added(engine: Engine, *people: Member) -> None:
    for one in people:
        with writing(engine) as connection:
            members.add(connection, one)


def test_a_member_is_found_as_it_was_added(engine: Engine) -> None:
    added(engine, CLERK)
    with engine.connect() as connection:
        assert members.of_subject(connection, CLERK.issuer, CLERK.subject) == CLERK
        assert members.find(connection, "member-1") == CLERK
        assert members.of_subject(connection, f"{CLERK.issuer}/", CLERK.subject) is None
        assert members.of_subject(connection, CLERK.issuer, "Clerk") is None


def test_a_subject_is_one_member_until_it_is_removed(engine: Engine) -> None:
    added(engine, CLERK)
    with pytest.raises(IntegrityError):
        added(engine, replace(CLERK, member_id="member-2"))
    with writing(engine) as connection:
        members.remove(connection, "member-1", NOW + 5)
        members.remove(connection, "member-1", NOW + 6)
    added(engine, replace(CLERK, member_id="member-2", created_at=NOW + 7))
    with engine.connect() as connection:
        listed = members.listed(connection, (0, ""))
    assert [(one.member_id, one.removed_at) for one in listed] == [("member-1", NOW + 5), ("member-2", None)]


def test_it_is_one_for_its_term() -> None:
    assert CLERK.is_valid(NOW + 9)
    assert not CLERK.is_valid(NOW + 10)
    assert replace(CLERK, expires_at=None).is_valid(NOW * 2)
    assert not replace(CLERK, removed_at=NOW).is_valid(NOW)


def test_no_subject_shows_in_a_log() -> None:
    assert "clerk" not in repr(replace(CLERK, created_by="x"))


def test_whoever_made_a_key_that_added_a_member_is_in_its_line(engine: Engine) -> None:
    with writing(engine) as connection:
        key_id, _ = apikeys.make(
            connection,
            KEYS,
            role="authority",
            organisation=None,
            account_id=None,
            created_by="authority:member-0",
            now=NOW,
            expires_at=None,
        )
    added(engine, replace(CLERK, created_by=f"authority:{key_id}"), replace(CLERK, member_id="member-0", subject="x"))
    with engine.connect() as connection:
        assert lineage.makers(connection, "member-1") == {key_id, "member-0"}
        assert lineage.makers(connection, "member-0") == frozenset()
