"""`creditbank publish`, `export` and `verify`: what one writes another one checks, with nothing else at hand."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, make_url, text, update

from creditbank.audit.heads import HeadTrees
from creditbank.audit.proofs import Prover
from creditbank.audit.transparency import notes
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.notes import Note
from creditbank.audit.transparency.shelf import Shelf
from creditbank.domain.values import organisation_id
from creditbank.ledger import sequence
from creditbank.ledger.database import open_engine
from creditbank.ledger.tables import event
from creditbank.vault import logkeys
from tests.cli.conftest import Command, Operator
from tests.cli.history import ACCOUNT, award, open_account, register


def _published(url: str, folder: Path, *, has_issuer: bool) -> None:
    engine = open_engine(url)
    if has_issuer:
        register(engine, "BIM-EVAL", "issuer")
    open_account(engine)
    award(engine)
    engine.dispose()
    operator = Operator(url, folder)
    operator.run("rebuild")
    operator.run("publish", "--once")


BEGINNINGS = {"bank": partial(_published, has_issuer=True), "file_of_bank": partial(_published, has_issuer=False)}


@pytest.fixture
def bank(database_url: str, creditbank: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line on a bank whose log is published."""
    monkeypatch.setenv("CREDITBANK_DATABASE_URL", database_url)
    return creditbank


def key_of(bank: Command) -> str:
    return bank("keys", "log").out.strip()


def test_an_untouched_bank_verifies(bank: Command) -> None:
    ended = bank("verify", "--json")

    assert ended.code == 0, ended.err
    assert (ended.json["verified"], ended.json["unpublished"], ended.json["fault"]) == (3, 0, None)
    assert bank("verify").out.startswith("3 events are what was published; the answers follow from them\n4 leaves of ")


def test_a_changed_event_is_named_with_exit_code_3(bank: Command, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE event SET actor = 'somebody' WHERE type = 'certificate-awarded/1'"))

    ended = bank("verify", "--json")

    assert ended.code == 3
    assert "certificate-awarded/1" in ended.json["fault"]["where"]


def test_a_changed_answer_is_named_too(bank: Command, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE lot SET credits = credits + 1"))

    assert bank("verify").code == 3


@pytest.mark.parametrize("is_changed", [False, True])
def test_an_older_checkpoint_does_not_shorten_what_is_verified(
    bank: Command, engine: Engine, tmp_path: Path, is_changed: bool
) -> None:
    """Somebody who changes an event may also put back the checkpoint that did not cover it yet."""
    checkpoint, key = tmp_path / "data" / "log" / "checkpoint", key_of(bank)
    older = checkpoint.read_text()
    register(engine, "LATER", "issuer")
    assert bank("rebuild").code == 0
    assert bank("publish", "--once", "--json").json["size"] == 6
    checkpoint.write_text(older)
    if is_changed:
        is_last = event.c.stream_id == organisation_id("LATER")
        with engine.begin() as connection:
            connection.execute(update(event).where(is_last).values(actor="somebody"))

    ended = bank("verify", "--key", key)

    assert ended.code == (3 if is_changed else 0), ended.err
    if is_changed:
        assert "is not what was published" in ended.err
    else:
        assert ended.out.startswith("4 events are what was published; the answers follow from them; 2 signed leaves"
                                    " are not shown yet\n6 leaves of ")  # fmt: skip


def test_a_bank_that_has_published_is_not_verified_without_its_checkpoint(bank: Command, tmp_path: Path) -> None:
    log, key = tmp_path / "data" / "log", key_of(bank)
    (log / "checkpoint").unlink()
    assert (bank("verify", "--key", key).code, bank("verify").code) == (3, 3)
    rmtree(log)
    ended = bank("verify", "--key", key)
    assert (ended.code, ended.out, ended.err) == (3, "", "checkpoint: is not there\n")


def test_a_checkpoint_of_another_history_is_found(bank: Command, engine: Engine, tmp_path: Path) -> None:
    """The keys have signed it, but the log does not go on from it."""
    [signing], [key] = logkeys.signing(tmp_path / "data"), notes.verifier_keys(key_of(bank))
    head = Checkpoint(origin=key.name, size=2, root=bytes(32))
    note = str(Note(text=head.text, signatures=(notes.sign(head.text, signing, key.name),)))
    (tmp_path / "data" / "log" / "checkpoint").write_text(note)

    ended = bank("verify")

    assert (ended.code, ended.err) == (3, "checkpoint: is not what was signed: 2 leaves have another root\n")


def test_a_folder_without_a_checkpoint_is_not_whole(bank: Command, tmp_path: Path) -> None:
    folder, key = tmp_path / "bank", key_of(bank)
    bank("export", str(folder))
    (folder / "log" / "checkpoint").unlink()
    (folder / "events.ndjson").write_text("")
    (tmp_path / "nothing").mkdir()

    for path in (folder, folder / "log", tmp_path / "nothing"):
        ended = bank("verify", str(path), "--key", key)
        assert (ended.code, ended.out, ended.err) == (3, "", "checkpoint: is not there\n"), path


def test_a_bundle_is_verified_by_the_key_alone(bank: Command, tmp_path: Path) -> None:
    file, key = tmp_path / "account.json", key_of(bank)
    assert bank("export", str(file), "--account", str(ACCOUNT)).code == 0

    assert bank("verify", str(file), "--key", key, "--json").json["events"] == 2
    assert "nothing is said of completeness yet" in bank("verify", str(file), "--key", key).out
    assert bank("verify", str(file)).code == 2
    changed = json.loads(file.read_text())
    changed["events"].reverse()
    file.write_text(json.dumps(changed))
    assert bank("verify", str(file), "--key", key).code == 3
    assert bank("verify", str(tmp_path / "nothing"), "--key", key).code == 1


def transcript_of(engine: Engine, folder: Path) -> dict[str, Any]:
    """The transcript of the one account, as the API answers it with proofs."""
    log, heads = Shelf(folder / "log"), HeadTrees(folder / "log-heads")
    prover = Prover(engine=engine, shelf=log, trees=heads, salting=logkeys.salting(folder))
    proofs = [str(proof) for proof in prover.stream(ACCOUNT)]
    entries = [{"kind": "certificate", "credits": "6", "recorded_version": 2, "proof": proofs[1]}]
    waiting = {"kind": "conversion", "credits": "6", "recorded_version": 3, "proof": None}
    return {"account_id": str(ACCOUNT), "version": 3, "entries": [*entries, waiting], "as_of": None}


def test_a_saved_transcript_is_verified_entry_by_entry(bank: Command, engine: Engine, tmp_path: Path) -> None:
    file, key = tmp_path / "transcript.json", key_of(bank)
    saved = transcript_of(engine, tmp_path / "data")
    file.write_text(json.dumps(saved))

    ended = bank("verify", str(file), "--key", key)

    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"1 of 2 entries of {ACCOUNT} are proven, as these events:\n"
                                "  version 2: certificate-awarded/1 at ")  # fmt: skip
    assert "nothing is said of what came after, nor of completeness" in ended.out
    assert bank("verify", str(file), "--key", key, "--json").json["events"] == 1
    entry = saved["entries"][0]
    for changed in (
        {**saved, "account_id": str(UUID(int=7))},
        {**saved, "entries": [{**entry, "recorded_version": 1}]},
        {**saved, "entries": [{**entry, "proof": entry["proof"].replace("index ", "index 1")}]},
        {**saved, "entries": [{**entry, "proof": "no proof"}]},
    ):
        file.write_text(json.dumps(changed))
        ended = bank("verify", str(file), "--key", key)
        assert (ended.code, "transcript.json: entry 1: " in ended.err) == (3, True)


@pytest.mark.parametrize(
    "content", [b"", b"some words\n", b"\xff\xfe", b"{}", b"[]", b"{", b"[" * 100_000,
                b'{"account_id":"00000000-0000-0000-0000-000000000001","entries":[{"recorded_version":2}]}']
)  # fmt: skip
def test_a_file_that_proves_nothing_is_the_wrong_file(bank: Command, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)

    ended = bank("verify", str(tmp_path / "file"), "--key", key_of(bank))

    assert (ended.code, ended.err) == (2, "file: neither a proof, nor a bundle, nor a transcript with proofs\n")


def test_a_whole_bank_is_exported_and_verified(bank: Command, tmp_path: Path) -> None:
    folder, key = tmp_path / "bank", key_of(bank)
    assert bank("export", str(folder), "--json").json["events"] == 3
    assert bank("export", str(folder)).code == 1

    assert bank("verify", str(folder), "--key", key).code == 0
    assert bank("verify", str(folder / "log"), "--key", key).code == 0
    for path in (folder, folder / "log"):
        assert "vouch for themselves" in bank("verify", str(path)).out
        assert "vouch for themselves" not in bank("verify", str(path), "--key", key).out
    lines = (folder / "events.ndjson").read_text().splitlines()
    for changed in (lines[:-1], [*lines, lines[-1]], [line.replace("BIM", "BIN") for line in lines], [*lines, "x"]):
        (folder / "events.ndjson").write_text("".join(f"{line}\n" for line in changed))
        assert bank("verify", str(folder), "--key", key).code == 3


def test_an_event_that_no_checkpoint_covers_is_not_exported(bank: Command, engine: Engine, tmp_path: Path) -> None:
    register(engine, "LATER", "issuer")

    assert bank("export", str(tmp_path / "bank"), "--json").json["events"] == 3
    assert bank("verify", "--json").json["unpublished"] == 1


def test_a_bank_that_has_published_nothing_says_so(
    database_url: str, engine: Engine, creditbank: Command, tmp_path: Path
) -> None:
    register(engine, "BIM-EVAL", "issuer")

    exported = creditbank("export", str(tmp_path / "bank"), url=database_url)

    assert exported.code == 1
    assert "nothing is published yet" in exported.err
    assert not (tmp_path / "bank").exists()
    assert creditbank("rebuild").code == 0
    ended = creditbank("verify")
    assert (ended.code, ended.out) == (0, "nothing is published: history was replayed, and compared with nothing\n")


def test_the_doctor_names_what_a_database_lacks_of_what_was_published(bank: Command, engine: Engine) -> None:
    def of_log(ended: Any) -> dict[str, Any]:
        return next(check for check in ended.json["checks"] if check["check"] == "public log")

    assert of_log(bank("doctor", "--json"))["ok"] is True
    with engine.begin() as connection:
        connection.execute(text("UPDATE log_tree SET published = 0"))

    found = of_log(bank("doctor", "--json"))

    assert (found["ok"], "leaves 0 to 3" in found["seen"]) == (False, True)


def test_one_more_key_signs_beside_the_first(bank: Command, engine: Engine, tmp_path: Path) -> None:
    first = key_of(bank)
    both = bank("keys", "log", "--add").out.split()
    assert (both[0], len(both)) == (first, 2)
    register(engine, "LATER", "issuer")
    assert bank("publish", "--once").code == 0
    bank("export", str(tmp_path / "bank"))

    for key in both:
        assert bank("verify", str(tmp_path / "bank"), "--key", key).code == 0


def test_a_log_keeps_the_name_that_it_was_given(bank: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITBANK_ORIGIN", "another.example/log")

    ended = bank("publish", "--once")

    assert ended.code == 1
    assert "cannot be called another.example/log" in ended.err


@pytest.mark.parametrize("command", [("publish", "--once"), ("keys", "log")])
def test_a_log_is_given_no_name_that_nobody_chose(
    database_url: str, engine: Engine, creditbank: Command, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    open_account(engine)
    monkeypatch.delenv("CREDITBANK_ORIGIN")

    refused = creditbank(*command, url=database_url)

    assert refused.code == 1
    assert "set CREDITBANK_PUBLIC_URL" in refused.err
    with engine.connect() as connection:
        assert sequence.known_name(connection) is None
    monkeypatch.setenv("CREDITBANK_PUBLIC_URL", "https://bank.example")
    assert creditbank(*command).code == 0
    monkeypatch.delenv("CREDITBANK_PUBLIC_URL")
    assert creditbank("keys", "log").out.startswith("bank.example/log/v1+")


@pytest.fixture
def keys(bank: Command, tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys"


def test_the_publisher_needs_the_keys_of_the_log_and_makes_no_others(bank: Command, engine: Engine, keys: Path) -> None:
    for path in keys.glob("*.key"):
        if path.name != "salting.key":
            path.unlink()
    register(engine, "LATER", "issuer")

    ended = bank("publish", "--once")

    assert (ended.code, ended.err) == (0, "")
    assert {path.name for path in keys.rglob("*.key")} == {"salting.key", "signing-1.key"}


def test_nothing_is_published_with_the_keys_of_another_log(bank: Command, engine: Engine, keys: Path) -> None:
    register(engine, "LATER", "issuer")
    (keys / "log" / "signing-1.key").rename(keys / "kept")

    missing = bank("publish", "--once")
    assert (missing.code, "are not in" in missing.err) == (1, True)
    assert not list((keys / "log").iterdir())

    (keys / "log" / "signing-1.key").write_text("ab" * 32)
    foreign = bank("publish", "--once")
    assert (foreign.code, "was signed with other keys" in foreign.err) == (1, True)


COMMANDS = (("verify",), ("replay", "--all"), ("replay", "--account", str(ACCOUNT)))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_database_is_made_where_there_is_none(creditbank: Command, tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "nothing.db"

    ended = creditbank(*command, url=f"sqlite:///{file}")

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"there is no database {file}: ")
    assert not list(tmp_path.glob("*.db*"))


@pytest.fixture
def file_of_bank(sqlite_url: str, creditbank: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one file of a bank whose log is published."""
    monkeypatch.setenv("CREDITBANK_DATABASE_URL", sqlite_url)
    return Path(str(make_url(sqlite_url).database))


@pytest.mark.parametrize("size", [0, 1, 50, 4_096, 20_000, -4_096, -8_192])
def test_a_truncated_file_is_told_as_damage(file_of_bank: Path, creditbank: Command, size: int) -> None:
    content = file_of_bank.read_bytes()
    file_of_bank.write_bytes(content[:size])
    for command in (("verify",), ("replay", "--all")):
        ended = creditbank(*command)
        assert (ended.code, ended.out) == (3, ""), ended.err
        assert "is damaged: " in ended.err
    assert file_of_bank.read_bytes() == content[:size], "nothing is written"


def test_a_file_in_a_folder_with_odd_signs_is_found(file_of_bank: Path, creditbank: Command, tmp_path: Path) -> None:
    moved = tmp_path / "a % and #" / "b k.db"
    moved.parent.mkdir()
    file_of_bank.rename(moved)

    ended = creditbank(
        "verify", "--processes", "2", url=make_url("sqlite://").set(database=str(moved)).render_as_string()
    )

    assert ended.code == 0, ended.err
    assert [path.name for path in moved.parent.iterdir()] == [moved.name]


@pytest.mark.parametrize("statement", ["DROP TABLE event", "DROP TABLE lot", "DELETE FROM log_tree"])
def test_what_a_database_lacks_is_told_as_damage(bank: Command, engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            statement = statement.replace("DROP TABLE event", "DROP TABLE event CASCADE")
        connection.execute(text(statement))

    ended = bank("verify")

    assert (ended.code, ended.out) == (3, ""), ended.err
    assert ended.err.startswith("the database is damaged: ")
