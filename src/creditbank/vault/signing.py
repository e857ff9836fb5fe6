"""The keys that sign access tokens: Ed25519, one file each below `keys/tokens`, of which the newest signs.

A former key goes on verifying until the last token that it can have signed has expired. Processes that share the
directory notice new files and files that are gone within seconds.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from time import monotonic
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from creditbank.vault.durable import make_folder
from creditbank.vault.keyfiles import ForeignKeys, write_new

TOKEN_SECONDS = 15 * 60
"""How long an access token is valid."""

NOTICE_SECONDS = 60
"""Longer than any process takes to notice a new key: until then it may sign with the former one."""

LOOK_SECONDS = 1.0
"""How often a process looks for new files."""

_logger = logging.getLogger("creditbank.vault")


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One key. `made_at` in microseconds since 1970 UTC."""

    kid: str
    made_at: int
    pair: OKPKey = field(repr=False)

    def public(self) -> dict[str, Any]:
        """The key as it stands in the JWKS (RFC 7517, RFC 9864)."""
        return {**self.pair.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": "Ed25519"}


_AGE = attrgetter("made_at", "kid")
"""Keys by their age, the oldest first."""


def rotate(data_dir: Path, now: int) -> SigningKey:
    """Make a key that signs from now on. Former ones go on verifying, except those that have ended."""
    folder = _folder(data_dir)
    former = _read(folder)
    made = _make(folder, max([now, *(key.made_at + 1 for key in former)]))
    _delete(folder, _ended([*former, made], now))
    return made


def retire(data_dir: Path) -> list[str]:
    """Delete all keys but the one that signs, and so end every token that they have signed. Returns their names."""
    folder = _folder(data_dir)
    former = sorted(_read(folder), key=_AGE)[:-1]
    _delete(folder, former)
    return [key.kid for key in former]


class SigningKeys:
    """The keys as this process knows them. Raises ForeignKeys at the start where a file holds no key."""

    def __init__(self, data_dir: Path, clock: Callable[[], int]) -> None:
        self._folder = _folder(data_dir)
        self._clock = clock
        self._looked = monotonic()
        if not (found := _read(self._folder)):
            found = [_make(self._folder, clock())]
        self._keys = {key.kid: key for key in found}

    def current(self) -> SigningKey:
        """The key that signs."""
        self._look()
        return max(self._keys.values(), key=_AGE)

    def verifying(self, kid: str) -> SigningKey | None:
        """The key that a token names, as long as it may still verify."""
        self._look()
        if kid not in self._keys:
            self._look(at_once=True)  # a process that was faster may have signed with it
        key = self._keys.get(kid)
        return None if key is None or key in _ended(self._keys.values(), self._clock()) else key

    def published(self) -> list[dict[str, Any]]:
        """All that verify, the newest first."""
        self._look()
        ended = _ended(self._keys.values(), self._clock())
        live = sorted((key for key in self._keys.values() if key not in ended), key=lambda key: -key.made_at)
        return [key.public() for key in live]

    def sweep(self) -> None:
        """Delete the files of keys that verify nothing any more; a chore."""
        with _said():
            _delete(self._folder, _ended(_read(self._folder), self._clock()))

    def _look(self, *, at_once: bool = False) -> None:
        now = monotonic()
        if not at_once and now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        with _said():
            if {path.stem for path in self._folder.glob("*.key")} != self._keys.keys():
                self._keys = {key.kid: key for key in _read(self._folder)} or self._keys


@contextmanager
def _said() -> Iterator[None]:
    """Go on with the keys that are known where files cannot be used, and say so in the log."""
    try:
        yield
    except (ForeignKeys, OSError) as error:
        _logger.error("the token keys cannot be read again: %s", type(error).__name__)


def _folder(data_dir: Path) -> Path:
    folder = data_dir / "keys" / "tokens"
    make_folder(folder)
    return folder


def _path(folder: Path, kid: str) -> Path:
    return folder / f"{kid}.key"


def _delete(folder: Path, keys: Iterable[SigningKey]) -> None:
    for key in keys:
        _path(folder, key.kid).unlink(missing_ok=True)


def _make(folder: Path, made_at: int) -> SigningKey:
    pair = OKPKey.generate_key("Ed25519")
    key = SigningKey(kid=pair.thumbprint(), made_at=made_at, pair=pair)
    document = {**pair.as_dict(private=True), "kid": key.kid, "made_at": made_at}
    write_new(_path(folder, key.kid), json.dumps(document).encode())
    return key


def _read(folder: Path) -> list[SigningKey]:
    return [key for path in sorted(folder.glob("*.key")) if (key := _read_file(path)) is not None]


def _read_file(path: Path) -> SigningKey | None:
    """None where another process has just deleted it. Raises ForeignKeys."""
    try:
        document = json.loads(path.read_bytes())
        pair = OKPKey.import_key({name: document[name] for name in ("kty", "crv", "x", "d")})
        key = SigningKey(kid=document["kid"], made_at=int(document["made_at"]), pair=pair)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, JoseError):
        raise ForeignKeys(f"{path} does not hold a token key") from None
    if key.kid != path.stem or pair.curve_name != "Ed25519":
        raise ForeignKeys(f"{path} does not hold the token key that its name says")
    return key


def _ended(keys: Iterable[SigningKey], now: int) -> list[SigningKey]:
    """Those that have a successor for longer than a token of theirs may live."""
    ordered = sorted(keys, key=_AGE)
    kept = (TOKEN_SECONDS + NOTICE_SECONDS) * 1_000_000
    return [key for key, successor in pairwise(ordered) if successor.made_at + kept < now]
