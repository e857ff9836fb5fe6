"""An exported bank: every event is checked by the key of the log, and nothing can be left out or added."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from creditbank.audit import wholebank
from tests.audit.bank import fill, publisher
from tests.audit.test_proofs import prover
from tests.commands.bank import Clock

HOUR = 3_600_000_000


def test_a_bank_with_epochs_and_many_rounds_is_exported_whole(engine: Engine, tmp_path: Path) -> None:
    clock = Clock()
    one = publisher(engine, tmp_path, clock)
    for number in range(4):
        fill(engine, 5, first=5 * number, furnished=number > 0)
        one.publish()
        clock.now += HOUR

    count = wholebank.export(prover(one), tmp_path / "bank", None)

    assert count >= 20
    assert list(wholebank.faults(tmp_path / "bank", one.verifier_keys(), None)) == []
    for number, line in enumerate(lines := (tmp_path / "bank" / "events.ndjson").read_text().splitlines()):
        left_out = [*lines[:number], *lines[number + 1 :]]
        (tmp_path / "bank" / "events.ndjson").write_text("".join(f"{one}\n" for one in left_out))
        assert list(wholebank.faults(tmp_path / "bank", one.verifier_keys(), None)), line
