"""Records and salts are made by short cuts, and are what the formats say."""

from __future__ import annotations

import hmac
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbank.audit.transparency import records
from creditbank.audit.transparency.records import Record, Salts

WORDS = st.text(st.characters(exclude_categories=["Cs"]))


@given(WORDS, WORDS | st.none(), WORDS, st.binary(min_size=32, max_size=32) | st.none())
def test_the_text_of_a_record_is_canonical(
    actor: str, approved_by: str | None, body: str, previous: bytes | None
) -> None:
    stream, causation = UUID(int=7), UUID(int=2**127)
    record = Record(
        at="17:42", stream=stream, version=3, type="account-opened/1", recorded_at=1_767_225_600_000_000, actor=actor,
        approved_by=approved_by, causation=causation, body=body.encode(), previous=previous,
    )  # fmt: skip

    assert record.text == records.canonical(
        {
            "actor": actor,
            "approved_by": approved_by,
            "at": "17:42",
            "body": body,
            "causation": str(causation),
            "prev": None if previous is None else records.short(previous),
            "recorded_at": 1_767_225_600_000_000,
            "stream": str(stream),
            "type": "account-opened/1",
            "version": 3,
        }
    )


@pytest.mark.parametrize("secret", [b"", b"s" * 32, b"s" * 64, b"s" * 65])
def test_a_salt_is_an_hmac(secret: bytes) -> None:
    stream, version = UUID(int=7).bytes, 2**40
    told = b"creditbank/salt/1\0event\0" + stream + version.to_bytes(8, "big")

    assert Salts(secret).event(stream, version) == hmac.digest(secret, told, "sha256")
    assert records.event_salt(secret, stream, version) == Salts(secret).event(stream, version)
