"""`creditbank verify`: recompute everything that the public log says, and name the first fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from time import monotonic

from sqlalchemy import Engine

from creditbank.audit import checking, replay, verification
from creditbank.audit.transparency import notes
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.merkle import Unproven
from creditbank.audit.transparency.notes import VerifierKey
from creditbank.audit.transparency.shelf import KEYS, Shelf
from creditbank.audit.verification import Fault, History, Progress
from creditbank.cli import installation
from creditbank.cli.outcome import INTEGRITY, Failed, say, say_json
from creditbank.cli.progress import progress
from creditbank.ledger.database import snapshot
from creditbank.vault import logkeys


def run_database(*, key: list[str], as_json: bool) -> None:
    """History against the public log, the log against itself, and the answers against history."""
    chosen = installation.settings()
    started = monotonic()
    shelf = Shelf(chosen.data_dir / "log")
    keys = _keys(key, shelf)
    with installation.reached(chosen) as engine, progress("verifying") as advanced:
        head, faults = verification.files(shelf, keys)
        found = faults[0] if faults else None
        verified = unpublished = 0
        if head is not None and found is None:
            history = History(shelf=shelf, salting=logkeys.salting(chosen.data_dir), keys=keys, head=head)
            found = next(_history_faults(engine, history, advanced), None)
            verified, unpublished = history.verified, history.unpublished
        found = found or next(_answer_faults(engine, advanced), None)
    if as_json:
        say_json(
            {
                "verified": verified,
                "unpublished": unpublished,
                "size": head.size if head else 0,
                "root": head.root.hex() if head else None,
                "fault": None if found is None else asdict(found),
                "seconds": round(monotonic() - started, 3),
            }
        )
    if found is not None:
        raise Failed(f"{found.where}: {found.what}", INTEGRITY)
    if not as_json:
        root = f", root {head.root.hex()}" if head else ""
        waiting = f", {unpublished} not published yet" if unpublished else ""
        say(f"{verified} events are what was published{waiting}{root}; the answers are what history says")


def run_log(folder: Path, *, key: list[str], as_json: bool) -> None:
    """Published files alone, as anybody can copy them: every hash, up to the signed root."""
    shelf = Shelf(folder)
    head, faults = verification.files(shelf, _keys(key, shelf))
    if faults:
        raise Failed(f"{faults[0].where}: {faults[0].what}", INTEGRITY)
    size, root = (0, None) if head is None else (head.size, head.root.hex())
    if as_json:
        say_json({"size": size, "root": root})
    else:
        say(f"{size} leaves under the root {root}" if root else "nothing is published here")


def run_proof(file: Path, *, key: list[str], as_json: bool) -> None:
    """One proof, without any server. Prints the event that it proves."""
    if not key:
        raise Failed("name the key of the log with --key: a proof cannot vouch for its own signer", 2)
    try:
        proven = checking.event(file.read_text("utf-8"), [notes.verifier_key(one) for one in key])
    except (Malformed, Unproven, UnicodeDecodeError) as error:
        raise Failed(f"{file.name}: {error}", INTEGRITY) from None
    if as_json:
        say_json({"index": proven.index, "size": proven.checkpoint.size, "record": proven.record})
    else:
        what = f"{proven.record['type']} at {proven.record['at']}"
        say(f"{what} is leaf {proven.index} of {proven.checkpoint.size} in {proven.checkpoint.origin}")


def _history_faults(engine: Engine, history: History, advanced: Progress | None) -> Iterator[Fault]:
    with snapshot(engine) as connection:
        yield from history.faults(connection, advanced)


def _answer_faults(engine: Engine, advanced: Progress | None) -> Iterator[Fault]:
    for one in replay.differences(engine, advanced):
        what = f"{one.what} is not what history says\n  history: {one.expected}\n  stored:  {one.stored}"
        yield Fault(where=one.where, what=what)


def _keys(key: list[str], shelf: Shelf) -> list[VerifierKey]:
    """The keys that were named, or those beside the log: then it is verified against itself only."""
    texts = key or (shelf.text(KEYS) or "").splitlines()
    try:
        return [notes.verifier_key(text) for text in texts]
    except Malformed as error:
        raise Failed(f"a key cannot be read: {error}") from None
