"""Proofs: what the bank has proven can be checked without it, and nothing else can."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from creditbank.audit import checking
from creditbank.audit.proofs import Prover
from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.merkle import Unproven
from creditbank.audit.transparency.notes import VerifierKey
from creditbank.ledger.tables import event
from tests.audit.bank import fill, filled, publisher

PAGE = Path(__file__).parents[2] / "docs" / "trust.md"


def longest_stream(engine: Engine) -> UUID:
    with engine.connect() as connection, connection.begin():
        statement = select(event.c.stream_id).order_by(event.c.version.desc()).limit(1)
        return connection.execute(statement).scalar_one()


def prover(one: Publisher) -> Prover:
    return Prover(engine=one.engine, shelf=one.shelf, trees=one.trees, salting=one.salting)


BEGINNINGS = {"published": filled(6)}


@pytest.fixture
def published(engine: Engine, tmp_path: Path) -> Publisher:
    return publisher(engine, tmp_path)


def test_a_stream_is_proven_event_by_event(published: Publisher) -> None:
    stream_id = longest_stream(published.engine)
    proofs = [str(proof) for proof in prover(published).stream(stream_id)]

    proven = checking.stream(proofs, published.verifier_keys())

    assert [one.record["version"] for one in proven] == list(range(1, len(proofs) + 1))
    assert {one.record["stream"] for one in proven} == {str(stream_id)}
    assert proven[0].record["type"] == "account-opened/1"


def test_what_no_checkpoint_covers_has_no_proof_yet(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 3)
    stream_id = longest_stream(engine)
    assert prover(one).event(stream_id, 1) is None

    one.publish()
    fill(engine, 3, first=10, furnished=True)

    assert prover(one).event(stream_id, 1) is not None
    assert prover(one).event(stream_id, 1_000) is None


def test_a_left_out_or_swapped_event_is_noticed(published: Publisher) -> None:
    proofs = [str(proof) for proof in prover(published).stream(longest_stream(published.engine))]
    assert len(proofs) >= 3

    for changed in (proofs[1:], [proofs[0], *proofs[2:]], [proofs[1], proofs[0]], [proofs[0], proofs[0]]):
        with pytest.raises(Unproven, match="version"):
            checking.stream(changed, published.verifier_keys())


def test_a_proof_under_a_foreign_key_is_none(published: Publisher, tmp_path: Path) -> None:
    proof = prover(published).event(longest_stream(published.engine), 1)
    assert proof is not None
    foreign = publisher(published.engine, tmp_path / "foreign")

    with pytest.raises(Unproven, match="not signed"):
        checking.event(proof, foreign.verifier_keys())


@pytest.fixture
def proof(published: Publisher) -> str:
    found = prover(published).event(longest_stream(published.engine), 2)
    assert found is not None
    return found


@pytest.fixture
def keys(published: Publisher) -> list[VerifierKey]:
    return published.verifier_keys()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(place=st.integers(0), bit=st.integers(0, 7))
def test_a_proof_with_one_bit_changed_is_refused(proof: str, keys: list[VerifierKey], place: int, bit: int) -> None:
    raw = bytearray(proof.encode())
    raw[place % len(raw)] ^= 1 << bit

    with pytest.raises((Malformed, Unproven, UnicodeDecodeError)):
        checking.event(raw.decode(), keys)


def test_the_program_on_the_page_of_the_log_checks_a_proof(published: Publisher) -> None:
    """With the standard library alone, and none of our code."""
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    proof = prover(published).event(longest_stream(published.engine), 2)
    assert proof is not None

    def run(text: str) -> str:
        command = [sys.executable, "-I", "-c", program]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=60).stdout

    assert run(proof).startswith('True {"actor":')
    assert run(proof.replace("index ", "index 1")).startswith("False")
