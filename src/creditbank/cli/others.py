"""`creditbank witness`, `monitor` and `mirror`: what one organisation does for the log of another."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from uvicorn import Config, Server

from creditbank.api.witness import create_witness
from creditbank.audit import checking, remote
from creditbank.audit.remote import RemoteLog, Unreachable
from creditbank.audit.transparency import notes
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.merkle import Unproven
from creditbank.audit.transparency.notes import COSIGNATURE, VerifierKey
from creditbank.audit.transparency.shelf import Forked, Shelf
from creditbank.audit.witness import Witness
from creditbank.cli.outcome import INTEGRITY, USAGE, Failed, say, say_json
from creditbank.cli.progress import progress
from creditbank.clock import clock
from creditbank.vault import logkeys
from creditbank.vault.durable import Held, held, make_folder, replace_file


def witness(*, name: str, logs: list[str], folder: Path, host: str, port: int, show_key: bool) -> None:
    """Serve as a witness for these logs, or print the key under which it cosigns."""
    make_folder(folder)
    key = logkeys.signing(folder)[0]
    if show_key:
        say(str(notes.key_of(key, name, COSIGNATURE)))
        return
    known: dict[str, list[VerifierKey]] = {}
    for one in map(_key, logs):
        known.setdefault(one.name, []).append(one)
    if not known:
        raise Failed("name the logs to cosign, by their keys: --log KEY", USAGE)
    app = create_witness(Witness(name=name, key=key, logs=known, folder=folder, clock=clock))
    try:
        with held(folder):
            say(f"{name} cosigns {', '.join(known)} at http://{host}:{port}")
            Server(Config(app, host=host, port=port, log_level="error", server_header=False)).run()
    except Held as error:
        raise Failed(f"{error}: two witnesses in one folder could cosign a fork") from None


def monitor(*, url: str, keys: list[str], state: Path, every: float | None, as_json: bool) -> None:
    """Check that a log goes on from what was seen before; once, or again and again. Raises Failed where it does not."""
    verifiers = [_key(key) for key in keys]

    def look(source: RemoteLog) -> Checkpoint:
        known = checking.signed_checkpoint(state.read_text("utf-8"), verifiers) if state.exists() else None
        head, note = remote.follow(source, verifiers, known)
        replace_file(state, note)
        return head

    _again(url, look, every, as_json)


def mirror(*, url: str, keys: list[str], folder: Path, every: float | None, as_json: bool) -> None:
    """Keep a whole copy of a log, every entry checked, which any web server can show. Raises Failed as `monitor`."""
    verifiers = [_key(key) for key in keys]

    def copy(source: RemoteLog) -> Checkpoint:
        with progress("copying") as advanced:
            return remote.copy(source, verifiers, Shelf(folder), advanced)

    _again(url, copy, every, as_json)


def _again(url: str, work: Callable[[RemoteLog], Checkpoint], every: float | None, as_json: bool) -> None:
    with remote.client() as client:
        source = RemoteLog(client, url)
        while True:
            try:
                _tell(work(source), as_json)
            except (Forked, Malformed, Unproven) as fault:
                raise Failed(f"{url}: {fault}", INTEGRITY) from None
            except Unreachable as fault:
                if every is None:
                    raise Failed(f"{url}: {fault}") from None
                say(f"{url}: {fault}")
            if every is None:
                return
            time.sleep(every)


def _tell(head: Checkpoint, as_json: bool) -> None:
    if as_json:
        say_json({"origin": head.origin, "size": head.size, "root": head.root.hex()})
    else:
        say(f"{head.origin}: {head.size} leaves under the root {head.root.hex()}")


def _key(text: str) -> VerifierKey:
    try:
        return notes.verifier_key(text)
    except Malformed as error:
        raise Failed(f"the key {text} cannot be read: {error}", USAGE) from None
