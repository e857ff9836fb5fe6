"""`creditbank keys rotate` and `keys retire`: a new generation of one of the bank's own secrets, and an end of the old.

Servers go on working meanwhile. Whoever is killed is run again, and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from creditbank.cli import installation
from creditbank.cli.outcome import INTEGRITY, Failed, say, say_json
from creditbank.cli.progress import progress
from creditbank.clock import clock
from creditbank.commands.rotation import NotReadable, Rotation, StillNeeded
from creditbank.vault.keyfiles import ForeignKeys
from creditbank.vault.rekeying import DocumentUntold


def rotate(*, name: str, as_json: bool) -> None:
    """Make a new generation current, and bring everything that is stored over to it."""
    started = monotonic()
    with _rotation(f"rotating {name}") as rotation:
        done = rotation.rotate(name)
    seconds = round(monotonic() - started, 3)
    if as_json:
        say_json(
            {
                "key": name,
                "generation": done.generation,
                "changed": done.changed,
                "resumed": done.resumed,
                "seconds": seconds,
            }
        )
        return
    said = "taken up and finished" if done.resumed else "done"
    say(f"{said}: generation {done.generation} of {name} is current, {done.changed} values made anew, in {seconds} s")
    say(f"when no backup needs the generation before it any more: `creditbank keys retire {name}`")


def retire(*, name: str, as_json: bool) -> None:
    """Destroy the generations before the current one."""
    with _rotation(f"retiring {name}") as rotation:
        destroyed = rotation.retire(name)
    if as_json:
        say_json({"key": name, "destroyed": destroyed})
    elif destroyed:
        say(f"destroyed: generation {', '.join(map(str, destroyed))} of {name}")
    else:
        say(f"there is no generation of {name} before the current one")


@contextmanager
def _rotation(title: str) -> Iterator[Rotation]:
    chosen = installation.settings()
    with installation.migrated(chosen) as engine, progress(title) as advanced:
        keys = installation.bound_keys(chosen, engine)
        try:
            yield Rotation(engine=engine, data_dir=chosen.data_dir, keys=keys, clock=clock, progress=advanced)
        except NotReadable as error:
            raise Failed(
                f"{error}: give them the key files of {chosen.data_dir / 'keys'}, and run this again"
            ) from None
        except StillNeeded as error:
            raise Failed(f"{error}: finish the rotation, or replace and revoke what uses it") from None
        except DocumentUntold as error:
            raise Failed(str(error), INTEGRITY) from None
        except (ForeignKeys, OSError) as error:
            raise Failed(f"the key files cannot be used: {error}") from None
