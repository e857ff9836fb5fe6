"""`creditbank publish`: the publisher of the public log, as a process of its own; and the keys that it signs with."""

from __future__ import annotations

import os
import signal
import sys
from threading import Event, Thread

from sqlalchemy import Engine

from creditbank.audit import publishing
from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency import notes
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.shelf import Forked
from creditbank.cli import installation
from creditbank.cli.outcome import INTEGRITY, Failed, say, say_json
from creditbank.clock import clock
from creditbank.ledger import sequence
from creditbank.ledger.sequence import Renamed
from creditbank.publication import open_publisher
from creditbank.settings import Settings
from creditbank.vault import logkeys
from creditbank.vault.keyfiles import ForeignKeys

NAMING = {"origin", "public_url"}
"""The settings that name a log. Their defaults name one that any bank could be."""


def run(*, once: bool, until_input_ends: bool, as_json: bool) -> None:
    """Publish until told to stop, or what there is now. Raises Failed where history and log part."""
    chosen = installation.settings()

    def tell(head: Checkpoint) -> None:
        if as_json:
            say_json({"origin": head.origin, "size": head.size, "root": head.root.hex()})
        else:
            say(f"{head.origin}: {head.size} leaves")

    with installation.migrated(chosen) as engine:
        publisher = _publisher(chosen, engine)
        stopping = _stopping(publisher, until_input_ends=until_input_ends)
        try:
            if not once:
                publishing.follow(publisher, stopping, tell)
                return
            publisher.open()
            while (head := publisher.publish()) is not None:
                tell(head)
        except Forked as fork:
            raise Failed(f"nothing is signed: {fork}", INTEGRITY) from None


def _stopping(publisher: Publisher, *, until_input_ends: bool) -> Event:
    """Set when this process is told to stop; the publisher then waits for no witness."""
    stopping = Event()

    def stop(*_: object) -> None:
        stopping.set()
        publisher.stop()

    def listen() -> None:
        # Where it was never open its number may mean a connection by now.
        while sys.stdin is not None and os.read(sys.stdin.fileno(), 4096):
            continue
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        # A terminal interrupts all that run in it, and whoever ends a service ends all of it: then it is the one who
        # started this that says when it is to end.
        signal.signal(number, signal.SIG_IGN if until_input_ends else stop)
    if until_input_ends:
        Thread(target=listen, daemon=True).start()
    return stopping


def show_keys(*, add: bool, as_json: bool) -> None:
    """Print the verifier keys of the log, one a line; with `add`, make one more key first, which signs from then on."""
    chosen = installation.settings()
    with installation.migrated(chosen) as engine:
        publisher = _publisher(chosen, engine)
        if add:
            logkeys.add_signing_key(chosen.data_dir)
            publisher = _publisher(chosen, engine)
        keys = [str(key) for key in publisher.verifier_keys()]
    if as_json:
        say_json(keys)
        return
    for key in keys:
        say(key)


def _publisher(chosen: Settings, engine: Engine) -> Publisher:
    """The publisher, for whom the log's own keys are enough: it reads no other ones, and makes none.

    Raises Failed where they are not those of this log, where the log has another name or none and nobody says which,
    or where the policy of its witnesses cannot be read.
    """
    with engine.connect() as connection, connection.begin():
        known, signed = sequence.known_name(connection), sequence.latest_checkpoint(connection)
    if known is None and not NAMING & chosen.model_fields_set:
        raise Failed(
            "the public log has no name yet, and keeps for good the one that it is given: set CREDITBANK_PUBLIC_URL to"
            " where clients reach the bank, or CREDITBANK_ORIGIN to another name"
        )
    try:
        if signed is not None and not logkeys.are_there(chosen.data_dir):
            raise ForeignKeys(f"the keys of the public log are not in {chosen.data_dir}")
        publisher = open_publisher(chosen, engine, clock)
        if signed is not None and not _is_ours(signed, publisher):
            raise ForeignKeys("the public log was signed with other keys")
    except Renamed as error:
        raise Failed(f"{error}: leave out CREDITBANK_ORIGIN, or set it to that name") from None
    except ForeignKeys as error:
        raise Failed(f"{error}: set CREDITBANK_DATA_DIR to the directory of this bank") from None
    except PermissionError as error:
        raise Failed(f"the keys of the public log cannot be used: {error}") from None
    except (Malformed, OSError) as error:
        raise Failed(f"the policy of the witnesses cannot be used: {error}") from None
    return publisher


def _is_ours(note: str, publisher: Publisher) -> bool:
    try:
        return bool(notes.verified(notes.parse(note), publisher.verifier_keys()))
    except Malformed:
        return False
