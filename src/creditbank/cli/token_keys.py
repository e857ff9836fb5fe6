"""`creditbank keys rotate tokens` and `keys retire tokens`: another key signs access tokens, former ones end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from creditbank.cli import installation
from creditbank.cli.outcome import Failed, say, say_json
from creditbank.clock import clock
from creditbank.vault import signing
from creditbank.vault.keyfiles import ForeignKeys


def rotate(*, as_json: bool) -> None:
    """Make a key that signs from now on. Running servers notice within seconds; tokens given out stay valid."""
    with _data_dir() as data_dir:
        made = signing.rotate(data_dir, clock())
    if as_json:
        say_json({"key": "tokens", "kid": made.kid})
    else:
        say(f"access tokens are signed by {made.kid} from now on; the former key goes when its last token has expired")


def retire(*, as_json: bool) -> None:
    """End former keys at once, and with them every token that they have signed."""
    with _data_dir() as data_dir:
        ended = signing.retire(data_dir)
    if as_json:
        say_json({"key": "tokens", "destroyed": ended})
    elif ended:
        say(f"destroyed: {', '.join(ended)}; tokens that they have signed are refused within seconds")
    else:
        say("there is no former key of access tokens")


@contextmanager
def _data_dir() -> Iterator[Path]:
    """Where the keys lie. Raises Failed where they cannot be used."""
    try:
        yield installation.settings().data_dir
    except (ForeignKeys, OSError) as error:
        raise Failed(f"the token keys cannot be used: {error}") from None
