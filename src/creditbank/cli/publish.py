"""`creditbank publish`: the publisher of the public log, as a process of its own; and the keys that it signs with."""

from __future__ import annotations

import signal
from threading import Event

from sqlalchemy import Engine

from creditbank.audit import publishing
from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.shelf import Forked
from creditbank.cli import installation
from creditbank.cli.outcome import INTEGRITY, Failed, say, say_json
from creditbank.clock import clock
from creditbank.ledger.sequence import Renamed
from creditbank.publication import open_publisher
from creditbank.settings import Settings
from creditbank.vault import logkeys


def run(*, once: bool, as_json: bool) -> None:
    """Publish until told to stop, or what there is now. Raises Failed where history and log part."""
    chosen = installation.settings()
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())

    def tell(head: Checkpoint) -> None:
        if as_json:
            say_json({"origin": head.origin, "size": head.size, "root": head.root.hex()})
        else:
            say(f"{head.origin}: {head.size} leaves")

    with installation.migrated(chosen) as engine:
        installation.bound_keys(chosen, engine)
        publisher = _publisher(chosen, engine)
        try:
            if not once:
                publishing.follow(publisher, stopping, tell)
                return
            publisher.open()
            while (head := publisher.publish()) is not None:
                tell(head)
        except Forked as fork:
            raise Failed(f"nothing is signed: {fork}", INTEGRITY) from None


def show_keys(*, add: bool, as_json: bool) -> None:
    """Print the verifier keys of the log, one a line; with `add`, make one more key first, which signs from then on."""
    chosen = installation.settings()
    if add:
        logkeys.add_signing_key(chosen.data_dir)
    with installation.migrated(chosen) as engine:
        keys = [str(key) for key in _publisher(chosen, engine).verifier_keys()]
    if as_json:
        say_json(keys)
        return
    for key in keys:
        say(key)


def _publisher(chosen: Settings, engine: Engine) -> Publisher:
    """Raises Failed where the log has another name, or the policy of its witnesses cannot be read."""
    try:
        return open_publisher(chosen, engine, clock)
    except Renamed as error:
        raise Failed(f"{error}: leave out CREDITBANK_ORIGIN, or set it to that name") from None
    except (Malformed, OSError) as error:
        raise Failed(f"the policy of the witnesses cannot be used: {error}") from None
