"""The bank's own secrets, as files that lie apart from the database.

They are made at the first start. The database keeps their fingerprints, so that a bank never serves with
the keys of another one: it would seal what nobody can read again.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, select, text

from creditbank.vault.tables import installation

NAMES = ("wrapping", "blind-index", "api-keys", "cursors")


class ForeignKeys(RuntimeError):
    """The key files are not the ones that this database was installed with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFiles:
    """Four secrets of 32 bytes: for wrapping person keys, blind indexes, API key hashes and cursors.

    None of them shows in a traceback or a log.
    """

    wrapping: bytes = field(repr=False)
    blind_index: bytes = field(repr=False)
    api_keys: bytes = field(repr=False)
    cursors: bytes = field(repr=False)


def load(data_dir: Path) -> KeyFiles:
    """Read the key files below `data_dir`, making those that do not exist yet."""
    folder = data_dir / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wrapping, blind_index, api_keys, cursors = (read_or_make(folder / f"{name}.key") for name in NAMES)
    return KeyFiles(wrapping=wrapping, blind_index=blind_index, api_keys=api_keys, cursors=cursors)


def read_or_make(path: Path) -> bytes:
    if not path.exists():
        write_new(path, secrets.token_hex(32).encode())
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ForeignKeys(f"{path} does not hold a key of 64 hexadecimal digits")
    return key


def write_new(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole; one that stands already under this name is left as it is."""
    # Written under another name and then linked: of two processes that start at once, one wins.
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def bind(connection: Connection, keys: KeyFiles) -> None:
    """Tie the database to these keys, or check that it is tied to them. Raises ForeignKeys."""
    # Cursors may be re-keyed at will: only those that a stored value depends on are bound.
    bound = {"wrapping": keys.wrapping, "blind-index": keys.blind_index, "api-keys": keys.api_keys}
    prints = {name: sha256(b"creditbank/fingerprint/1\0" + key).digest() for name, key in bound.items()}
    # Of several processes that start a new bank at once, one ties it and the others check.
    connection.execute(_TIE, [{"name": name, "value": value} for name, value in prints.items()])
    known = {row.name: row.value for row in connection.execute(select(installation))}
    for name, value in prints.items():
        if known[name] != value:
            raise ForeignKeys(f"the key file {name}.key is not the one that this database was installed with")


_TIE = text("INSERT INTO installation (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING")
