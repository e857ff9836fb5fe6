"""`creditbank verify`: recompute everything that the public log says, and name the first fault."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

from creditbank.audit import bundles, checking, files, transcripts, wholebank
from creditbank.audit.files import Fault
from creditbank.audit.transparency import notes
from creditbank.audit.transparency.checkpoints import PROOF, Checkpoint
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.merkle import Unproven
from creditbank.audit.transparency.notes import VerifierKey
from creditbank.audit.transparency.shelf import KEYS, Shelf
from creditbank.audit.whole import Bank
from creditbank.cli import installation
from creditbank.cli.outcome import INTEGRITY, USAGE, Failed, say, say_json
from creditbank.cli.progress import progress


def run(*, path: Path | None, keys: list[str], as_json: bool, processes: int | None = None) -> None:
    """Verify what there is at the path. Raises Failed with the first fault."""
    if path is None:
        _database(keys, as_json, processes)
    elif (path / wholebank.EVENTS).is_file():
        _bank(path, keys, as_json)
    elif path.is_dir():
        _log(path, keys, as_json)
    else:
        _file(path, keys, as_json)


def _database(key: list[str], as_json: bool, processes: int | None) -> None:
    """History against the public log, the log against itself, and the answers against history."""
    chosen = installation.settings()
    started = monotonic()
    with installation.existing(chosen) as engine, progress("verifying") as advanced:
        shelf = Shelf(chosen.data_dir / "log")
        bank = Bank(engine=engine, shelf=shelf, data_dir=chosen.data_dir, keys=_keys(key, shelf))
        found = bank.verify(installation.processes(engine, processes), advanced)
    head, shown = found.head, found.shown
    said = {
        "verified": found.verified,
        "unpublished": found.unpublished,
        "shown": None if shown is None else shown.size,
        "seconds": round(monotonic() - started, 3),
    }
    sentence = "nothing is published: history was replayed, and compared with nothing"
    if head is not None and shown is not None:
        waiting = f", {found.unpublished} not published yet" if found.unpublished else ""
        hidden = f"; {head.size - shown.size} signed leaves are not shown yet" if head.size > shown.size else ""
        sentence = f"{found.verified} events are what was published{waiting}; the answers follow from them{hidden}"
    _tell(head, found.fault, as_json, said, sentence)


def _bank(folder: Path, key: list[str], as_json: bool) -> None:
    """A bank that was exported: every event, by the keys of the log alone."""
    shelf = Shelf(folder / wholebank.LOG)
    with progress("verifying") as advanced:
        found = next(wholebank.faults(folder, _keys(key, shelf), advanced), None)
    note = shelf.checkpoint()
    head = None if note is None or found else checking.head_of(note)
    _tell(head, found, as_json, {}, f"every event of the bank is what was published{_by(key)}")


def _log(folder: Path, key: list[str], as_json: bool) -> None:
    """Published files alone, as anybody can copy them: every hash, up to the signed root."""
    shelf = Shelf(folder)
    head, faults = files.check(shelf, _keys(key, shelf))
    _tell(head, faults[0] if faults else None, as_json, {}, f"the log is whole{_by(key)}")


def _file(file: Path, key: list[str], as_json: bool) -> None:
    """One proof, the bundle of an account, or a transcript with its proofs."""
    if not key:
        raise Failed("name the key of the log with --key: a proof cannot vouch for its own signer", USAGE)
    keys = _keys(key, None)
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        text = ""  # as little of anything that could be verified
    except OSError as error:
        raise Failed(f"{file}: {error.strerror}") from None
    try:
        head, said, sentence = _checked(text, file.name, keys)
    except (Malformed, Unproven) as error:
        raise Failed(f"{file.name}: {error}", INTEGRITY) from None
    _tell(head, None, as_json, said, sentence)


def _checked(text: str, name: str, keys: list[VerifierKey]) -> tuple[Checkpoint | None, dict[str, Any], str]:
    """Under which head a file holds, and what it then says. Raises Malformed, Unproven, and Failed for another file."""
    if text.startswith(PROOF):
        proven = checking.event(text, keys)
        said: dict[str, Any] = {"index": proven.index, "record": proven.record}
        return proven.checkpoint, said, f"{proven.record['type']} at {proven.record['at']} is leaf {proven.index}"
    if (transcript := transcripts.read(text)) is not None:
        return _transcript(transcripts.check(transcript, keys))
    if bundles.FORMAT in text:
        checked = bundles.check(text, keys)
        complete, count = checked.complete_to, len(checked.events)
        whole = "nothing is said of completeness yet" if complete is None else f"complete to version {complete}"
        said = {"events": count, "complete_to": complete}
        return checked.checkpoint, said, f"{count} events of {checked.events[0].record['stream']}, {whole}"
    raise Failed(f"{name}: neither a proof, nor a bundle, nor a transcript with proofs", USAGE)


def _transcript(checked: transcripts.Checked) -> tuple[Checkpoint | None, dict[str, Any], str]:
    records = [one.record for one in checked.events]
    lines = [f"{len(records)} of {checked.entries} entries of {checked.account_id} are proven, as these events:"]
    lines += [f"  version {record['version']}: {record['type']} at {record['at']}" for record in records]
    lines.append("nothing is said of what came after, nor of completeness, nor of what the entries say beside it")
    head = max((one.checkpoint for one in checked.events), key=lambda one: one.size, default=None)
    return head, {"entries": checked.entries, "events": len(records), "records": records}, "\n".join(lines)


def _tell(head: Checkpoint | None, fault: Fault | None, as_json: bool, said: dict[str, Any], sentence: str) -> None:
    """Print the outcome. Raises Failed for a fault."""
    under = {} if head is None else {"origin": head.origin, "size": head.size, "root": head.root.hex()}
    if as_json:
        say_json({**said, **under, "fault": None if fault is None else asdict(fault)})
    if fault is not None:
        raise Failed(f"{fault.where}: {fault.what}", INTEGRITY)
    if not as_json:
        say(sentence)
        if head is not None:
            say(f"{head.size} leaves of {head.origin}, root {head.root.hex()}")


def _by(key: list[str]) -> str:
    return "" if key else ", by the keys beside the log, which vouch for themselves: name the bank's with --key"


def _keys(key: list[str], shelf: Shelf | None) -> list[VerifierKey]:
    """The keys that were named, or those beside the log: then it is verified against itself only."""
    texts = key or ((shelf and shelf.text(KEYS)) or "").splitlines()
    try:
        return [notes.verifier_key(text) for text in texts]
    except Malformed as error:
        raise Failed(f"a key cannot be read: {error}") from None
