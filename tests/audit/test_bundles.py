"""Bundles: one account with all its proofs, complete up to the last epoch, checked by the keys alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from creditbank.audit import bundles
from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency import notes
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.merkle import Unproven
from creditbank.audit.transparency.notes import VerifierKey
from creditbank.ledger.database import open_engine, writing
from creditbank.vault import logkeys
from tests.audit.bank import ORIGIN, fill, publisher
from tests.audit.test_proofs import longest_stream, prover
from tests.commands.bank import Clock

HOUR = 3_600_000_000


def _published(url: str, folder: Path) -> None:
    """A log with an epoch of account heads, and something behind it."""
    engine, clock = open_engine(url), Clock()
    one = publisher(engine, folder, clock)
    fill(engine, 6)
    one.publish()
    clock.now += HOUR + 1
    one.publish()
    fill(engine, 3, first=6, furnished=True)
    one.publish()
    engine.dispose()


BEGINNINGS = {"published": _published}


@pytest.fixture
def published(engine: Engine, tmp_path: Path) -> Publisher:
    clock = Clock()
    clock.now += HOUR + 1
    return publisher(engine, tmp_path, clock)


def bundled(one: Publisher) -> dict[str, Any]:
    found = bundles.bundle(prover(one), longest_stream(one.engine))
    assert found is not None
    document: dict[str, Any] = json.loads(found.model_dump_json())
    return document


def check(one: Publisher, document: dict[str, Any]) -> bundles.Checked:
    return bundles.check(json.dumps(document), one.verifier_keys())


def test_a_bundle_proves_a_whole_history(published: Publisher) -> None:
    document = bundled(published)

    checked = check(published, document)

    assert len(checked.events) == len(document["events"]) >= 3
    assert checked.complete_to == len(checked.events)


def test_before_the_first_epoch_nothing_is_said_of_completeness(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 3)
    one.publish()

    assert check(one, bundled(one)).complete_to is None


def test_what_happened_after_the_epoch_is_proven_and_not_yet_known_to_be_all(published: Publisher) -> None:
    stream_id = longest_stream(published.engine)
    before = check(published, bundled(published)).complete_to
    with writing(published.engine) as connection:
        longest = "SELECT partition_id, stream_id, version FROM event ORDER BY version DESC LIMIT 1"
        row = connection.execute(text(longest)).one()
        connection.execute(
            text(
                "INSERT INTO event"
                " (partition_id, position, stream_id, version, recorded_at, causation, actor, type, body)"
                " SELECT partition_id, (SELECT head + 1 FROM log_partition WHERE partition_id = :p), stream_id,"
                " version + 1, recorded_at, causation, actor, 'account-suspended/1', body FROM event"
                " WHERE partition_id = :p AND stream_id = :s AND version = :v"
            ),
            {"p": row.partition_id, "s": row.stream_id, "v": row.version},
        )
        connection.execute(
            text("UPDATE log_partition SET head = head + 1 WHERE partition_id = :p"), {"p": row.partition_id}
        )
    published.publish()

    checked = check(published, bundled(published))

    assert longest_stream(published.engine) == stream_id
    assert (len(checked.events), checked.complete_to) == (row.version + 1, before)


def test_a_history_without_its_last_event_is_not_complete(published: Publisher) -> None:
    document = bundled(published)
    document["events"].pop()

    with pytest.raises(Unproven, match="longer"):
        check(published, document)


def test_an_empty_history_proves_nothing(published: Publisher) -> None:
    with pytest.raises(Unproven):
        check(published, bundled(published) | {"events": []})


@pytest.fixture
def document(published: Publisher) -> str:
    return json.dumps(bundled(published))


@pytest.fixture
def keys(published: Publisher) -> list[VerifierKey]:
    return published.verifier_keys()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(place=st.integers(0), sign=st.characters(codec="ascii"))
def test_a_bundle_with_one_sign_changed_is_refused(
    document: str, keys: list[VerifierKey], place: int, sign: str
) -> None:
    place %= len(document)
    changed = document[:place] + sign + document[place + 1 :]
    try:
        is_same = json.loads(changed) == json.loads(document)
    except ValueError:
        is_same = False
    if is_same:
        return

    with pytest.raises((Malformed, Unproven)):
        bundles.check(changed, keys)


@pytest.mark.parametrize("document", ["", "{}", "[]", "null", "{" * 100_000, '{"format": "creditbank-bundle/2"}'])
def test_whatever_is_no_bundle_is_malformed(document: str, tmp_path: Path) -> None:
    """And is so before anybody asks the bank's database."""
    with pytest.raises(Malformed):
        bundles.check(document, [notes.key_of(one, ORIGIN) for one in logkeys.signing(tmp_path)])
