"""Rotation: a new generation of a key takes the place of the old one while people come; nothing is lost or double."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, select

from creditbank.commands import bank, presence
from creditbank.commands import rotation as rotations
from creditbank.commands.accounts import Erase, Merge
from creditbank.commands.corrections import CorrectHolder, Particulars
from creditbank.commands.rotation import NotReadable, Rotation, StillNeeded
from creditbank.domain.errors import Unavailable
from creditbank.ledger.database import writing
from creditbank.projections import catalogue
from creditbank.vault import apikeys, generations, keyfiles, readers
from creditbank.vault.keyfiles import RINGS
from creditbank.vault.persons import IdentityDocument
from creditbank.vault.readers import Use
from creditbank.vault.tables import person_claim
from tests.commands.bank import body, tell
from tests.commands.rotating import (
    Process,
    clock,
    holder,
    opening,
    populate,
    rotate_under_a_crowd,
    rotation,
    serving,
    stored,
)

PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _small_batches_and_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who announces something and who waits for it look for each other all the time."""
    monkeypatch.setattr(rotations, "BATCH", 7)
    monkeypatch.setattr(rotations, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(presence, "AGAIN_MICROSECONDS", 200_000)
    monkeypatch.setattr(bank, "CATALOGUE_FRESH_MICROSECONDS", 0)


@pytest.fixture
def process(database_url: str, tmp_path: Path) -> Iterator[Process]:
    with serving(database_url, tmp_path) as one:
        yield one


def rotated(database_url: str, tmp_path: Path, name: str) -> rotations.Rotated:
    with rotation(database_url, tmp_path) as turning:
        return turning.rotate(name)


def files(tmp_path: Path, name: str) -> list[str]:
    return sorted(path.name for path in keyfiles.folder_of(tmp_path).glob(f"{name}.*"))


def accounts_of(process: Process, *documents: IdentityDocument) -> list[UUID | None]:
    with process.bank.engine.connect() as connection, connection.begin():
        found = process.bank.vault.accounts_of(connection, documents)
    return [found.get(document) for document in documents]


def test_all_keys_are_rotated_while_people_come(
    database_url: str, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every newcomer comes to every desk at once, and must have one account."""
    monkeypatch.setattr(rotations, "BATCH", 25)
    processes = 2 if backend == "postgresql" else 1
    found, figures = rotate_under_a_crowd(database_url, tmp_path, persons=75, processes=processes, threads=2)
    assert found == []
    assert figures["wrapping changed"] >= 75
    assert figures["blind-index changed"] >= 75
    assert figures["acts in all"] > 0


def test_a_process_that_runs_writes_under_the_new_generation_from_then_on(
    process: Process, database_url: str, tmp_path: Path
) -> None:
    before = populate(process, 3)
    for name in ("wrapping", "blind-index"):
        assert rotated(database_url, tmp_path, name).generation == 2
    new = UUID(body(tell(process.desk, opening(holder("new"))))["account_id"])
    assert stored(process.bank.engine) == ([2] * 4, [2] * 4)
    with process.bank.engine.connect() as connection, connection.begin():
        opened = process.bank.vault.open(connection, [new, before["old0"]])
    assert opened == {new: holder("new").person, before["old0"]: holder("old0").person}


def test_the_old_generation_stays_until_it_is_retired(process: Process, database_url: str, tmp_path: Path) -> None:
    populate(process, 3)
    rotated(database_url, tmp_path, "wrapping")
    assert files(tmp_path, "wrapping") == ["wrapping.1.key", "wrapping.2.key"]
    with rotation(database_url, tmp_path) as turning:
        assert turning.retire("wrapping") == [1]
        assert turning.retire("wrapping") == []
    assert files(tmp_path, "wrapping") == ["wrapping.2.key"]
    assert keyfiles.load(tmp_path).wrapping.current == 2
    with serving(database_url, tmp_path) as another:
        assert accounts_of(another, holder("old1").document) != [None]


class Killed(Exception):
    """The rotation ends here, as by kill -9: nothing is cleaned up."""


@pytest.mark.parametrize(
    ("name", "batches"), [("wrapping", 0), ("wrapping", 1), ("blind-index", 0), ("blind-index", 2), ("blind-index", 4)]
)
def test_a_rotation_that_was_killed_between_two_batches_goes_on_where_it_was(
    process: Process, database_url: str, tmp_path: Path, name: str, batches: int
) -> None:
    before = populate(process, 20)
    seen = iter(range(batches))

    def progress(_done: int, _total: int) -> None:
        if next(seen, None) is None:
            raise Killed

    with pytest.raises(Killed), rotation(database_url, tmp_path, progress) as turning:
        turning.rotate(name)
    for one in ("old3", "new"):
        tell(process.desk, opening(holder(one)))
    done = rotated(database_url, tmp_path, name)
    assert (done.generation, done.resumed) == (2, True)
    assert set(stored(process.bank.engine)[RINGS.index(name)]) == {2}
    assert accounts_of(process, *(holder(one).document for one in before)) == list(before.values())
    assert rotated(database_url, tmp_path, name).generation == 3, "it is finished: this is another one"


KILLED = """
import os, pathlib, signal, sys
from creditbank.commands import bank, presence
from creditbank.commands import rotation as rotations
from tests.commands.rotating import rotation
rotations.BATCH = 7
def progress(done, total):
    if done > 7:
        os.kill(os.getpid(), signal.SIGKILL)
with rotation(sys.argv[1], pathlib.Path(sys.argv[2]), progress) as turning:
    turning.rotate("blind-index")
"""


def test_a_process_that_was_killed_leaves_nothing_that_another_cannot_finish(
    process: Process, database_url: str, tmp_path: Path
) -> None:
    before = populate(process, 20)
    killed = subprocess.run([sys.executable, "-c", KILLED, database_url, str(tmp_path)], cwd=PROJECT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert sorted(stored(process.bank.engine)[1]) == [1] * 20 + [2] * 14
    tell(process.desk, opening(holder("new")))
    assert rotated(database_url, tmp_path, "blind-index").resumed
    assert stored(process.bank.engine)[1] == [2] * 21
    assert accounts_of(process, *(holder(one).document for one in before)) == list(before.values())


@pytest.mark.parametrize("is_published", [True, False])
def test_a_rotation_that_was_killed_before_anybody_knew_goes_on(
    process: Process, database_url: str, tmp_path: Path, is_published: bool
) -> None:
    with rotation(database_url, tmp_path) as turning, writing(turning.engine) as connection:
        catalogue.turn(connection)
        secret = keyfiles.draft(keyfiles.folder_of(tmp_path), "wrapping", 2)
        generations.enter(connection, "wrapping", 2, secret)
    if is_published:
        keyfiles.publish(keyfiles.folder_of(tmp_path), "wrapping", 2)
    with serving(database_url, tmp_path):
        done = rotated(database_url, tmp_path, "wrapping")
    assert (done.generation, done.resumed) == (2, True)
    assert bytes.fromhex((tmp_path / "keys" / "wrapping.2.key").read_text()) == secret


def test_a_draft_that_nobody_knows_of_is_no_key(process: Process, database_url: str, tmp_path: Path) -> None:
    keyfiles.draft(keyfiles.folder_of(tmp_path), "wrapping", 2)
    with serving(database_url, tmp_path):
        assert rotated(database_url, tmp_path, "wrapping").generation == 2
    assert files(tmp_path, "wrapping") == ["wrapping.1.key", "wrapping.2.key"]


def test_a_generation_whose_file_was_lost_before_its_use_is_made_again(
    process: Process, database_url: str, tmp_path: Path
) -> None:
    with writing(process.bank.engine) as connection:
        generations.enter(connection, "wrapping", 2, b"lost" * 8)
    assert rotated(database_url, tmp_path, "wrapping").generation == 2


def report(process: Process, name: str, writes: int, *reads: int) -> None:
    """What another process says of itself, on another machine."""
    with writing(process.bank.engine) as connection:
        readers.report(connection, "elsewhere:1", {name: Use(writes=writes, reads=reads)}, clock())


@pytest.mark.parametrize("name", RINGS)
def test_nothing_is_written_under_a_generation_that_another_process_cannot_read(
    process: Process, database_url: str, tmp_path: Path, name: str
) -> None:
    report(process, name, 1, 1)
    with rotation(database_url, tmp_path, patience=0.0) as hasty, rotation(database_url, tmp_path) as turning:
        with pytest.raises(NotReadable, match=rf"cannot read {name}\.2\.key: .*elsewhere:1"):
            hasty.rotate(name)
        tell(process.desk, opening(holder("new")))
        assert stored(process.bank.engine) == ([1], [1])
        report(process, name, 1, 1, 2)
        assert turning.rotate(name).resumed
        with pytest.raises(NotReadable, match=rf"do not use generation 2 of {name} yet: .*elsewhere:1"):
            hasty.retire(name)
        assert len(files(tmp_path, name)) == 2
        report(process, name, 2, 1, 2)
        assert turning.retire(name) == [1]


def test_a_process_that_has_been_silent_for_long_is_not_waited_for(
    process: Process, database_url: str, tmp_path: Path
) -> None:
    with writing(process.bank.engine) as connection:
        readers.report(connection, "dead:1", {}, clock() - readers.ALIVE_MICROSECONDS - 1_000_000)
    with rotation(database_url, tmp_path) as turning:
        assert turning.rotate("wrapping").generation == 2


def test_who_cannot_read_what_is_current_stands_still(process: Process, database_url: str, tmp_path: Path) -> None:
    tell(process.desk, opening(holder("old")))
    with writing(process.bank.engine) as connection:
        catalogue.turn(connection)
        generations.enter(connection, "wrapping", 2, b"away" * 8)
        generations.advance(connection, "wrapping", 2, "current")
    with pytest.raises(Unavailable):
        tell(process.desk, opening(holder("new")))
    assert stored(process.bank.engine)[0] == [1]


def claimed(connection: Connection, account_id: UUID) -> set[int]:
    statement = select(person_claim.c.generation).where(person_claim.c.account_id == account_id)
    return set(connection.execute(statement).scalars())


def joining(turning: Rotation, engine: Engine) -> None:
    """Bring the blind index to the step at which two generations are written."""
    with writing(engine) as connection:
        catalogue.turn(connection)
        generations.enter(connection, "blind-index", 2, keyfiles.draft(turning.data_dir / "keys", "blind-index", 2))
        generations.advance(connection, "blind-index", 2, "joining")
    keyfiles.publish(turning.data_dir / "keys", "blind-index", 2)


def test_while_a_generation_joins_every_new_person_is_claimed_under_both(
    process: Process, database_url: str, tmp_path: Path
) -> None:
    with rotation(database_url, tmp_path) as turning:
        joining(turning, process.bank.engine)
    first = UUID(body(tell(process.desk, opening(holder("new"))))["account_id"])
    with process.bank.engine.connect() as connection, connection.begin():
        assert claimed(connection, first) == {1, 2}
    assert UUID(body(tell(process.desk, opening(holder("new"))))["account_id"]) == first


def test_former_documents_and_those_of_merged_accounts_are_claimed_anew_too(
    process: Process, database_url: str, tmp_path: Path
) -> None:
    before = populate(process, 3)
    changed, merged, wrong = (holder(name).document for name in ("changed", "old1", "old2"))
    for cause, name in (("change", "old0"), ("error", "old2")):
        particulars = Particulars(document=changed if cause == "change" else holder("right").document)
        command = CorrectHolder(account_id=before[name], particulars=particulars, cause=cause, reason="asked")  # type: ignore[arg-type]
        tell(process.desk, command)
    tell(process.desk, Merge(account_id=before["old0"], merged=before["old1"], reason="same person"))
    rotated(database_url, tmp_path, "blind-index")
    with rotation(database_url, tmp_path) as turning:
        turning.retire("blind-index")
    survivor = before["old0"]
    found = accounts_of(process, holder("old0").document, changed, merged, wrong, holder("right").document)
    assert found == [survivor, survivor, survivor, None, before["old2"]]


def test_who_is_merged_or_erased_or_corrected_while_a_generation_joins_leaves_no_claim_behind(
    process: Process, database_url: str, tmp_path: Path
) -> None:
    before = populate(process, 4)
    with rotation(database_url, tmp_path) as turning:
        joining(turning, process.bank.engine)
        tell(process.desk, Merge(account_id=before["old0"], merged=before["old1"], reason="same person"))
        tell(process.desk, Erase(account_id=before["old2"], reason="asked"))
        right = Particulars(document=holder("right").document)
        tell(process.desk, CorrectHolder(account_id=before["old3"], particulars=right, cause="error", reason="typo"))
        assert turning.rotate("blind-index").resumed
    found = accounts_of(process, *(holder(f"old{number}").document for number in range(4)), holder("right").document)
    assert found == [before["old0"], before["old0"], None, None, before["old3"]]
    assert stored(process.bank.engine)[1] == [2] * 3


def made(process: Process) -> str:
    with writing(process.bank.engine) as connection:
        return apikeys.make(
            connection,
            process.bank.vault.keys,
            role="authority",
            organisation=None,
            account_id=None,
            created_by="test",
            now=clock(),
            expires_at=None,
        )[1]


def test_stored_digests_keep_verifying_until_nothing_needs_their_pepper(
    process: Process, database_url: str, tmp_path: Path
) -> None:
    old = made(process)
    rotated(database_url, tmp_path, "api-keys")
    tell(process.desk, opening(holder("new")))  # by now this process has noticed
    young = made(process)
    with process.bank.engine.connect() as connection, connection.begin():
        kept = [apikeys.find(connection, str(apikeys.id_of(key))) for key in (old, young)]
    assert [one and one.pepper for one in kept] == [1, 2]
    keys = process.bank.vault.keys
    assert all(one is not None and apikeys.opens(keys, one, key) for one, key in zip(kept, (old, young), strict=True))
    with rotation(database_url, tmp_path) as turning:
        with pytest.raises(StillNeeded, match="1 stored values need generation 1 of the key api-keys"):
            turning.retire("api-keys")
        with writing(process.bank.engine) as connection:
            apikeys.revoke(connection, str(apikeys.id_of(old)), clock())
        assert turning.retire("api-keys") == [1]
    tell(process.desk, opening(holder("newer")))
    assert kept[0] is not None
    assert not apikeys.opens(keys, kept[0], old), "of a pepper that was destroyed nothing verifies any more"
