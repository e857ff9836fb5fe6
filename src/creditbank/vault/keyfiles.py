"""The bank's own secrets, as files that lie apart from the database.

They are made at the first start. Those that stored values depend on are rings: several generations of one secret,
a file each, so that one generation can take the place of another while the bank goes on working.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from creditbank.vault.durable import make_folder, sync_file, sync_folder

RINGS = ("wrapping", "blind-index", "api-keys")
NAMES = (*RINGS, "cursors", "fingerprints")
"""Of every secret; those of rings lie in `<name>.<generation>.key`, the others in `<name>.key`."""


class ForeignKeys(RuntimeError):
    """The key files are not the ones that this database was installed with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Which generations of a ring are in use, as the database has it."""

    current: int
    joining: int | None = None
    former: tuple[int, ...] = ()


class Ring:
    """The generations of one secret of 32 bytes. Which of them is current changes while a process runs.

    It changes only in a transaction that lets the catalogue's epoch grow, which waits for all who hold the epoch: so
    whoever holds it, as every unit does, finds the same generations in use to the end of the transaction.
    """

    def __init__(self, name: str, keys: Mapping[int, bytes], folder: Path | None = None) -> None:
        self.name = name
        self._keys = dict(keys)
        self._folder = folder
        self._standing = Standing(current=max(self._keys))

    @property
    def current(self) -> int:
        """The generation under which new values are made."""
        return self._standing.current

    @property
    def written(self) -> tuple[int, ...]:
        """The generations under which a value must be found by all: the current one, and one that is joining it."""
        standing = self._standing
        return (standing.current,) if standing.joining is None else (standing.current, standing.joining)

    @property
    def read(self) -> tuple[int, ...]:
        """Every generation that a stored value may be of."""
        return self.written + self._standing.former

    @property
    def on_disk(self) -> tuple[int, ...]:
        """Every generation that has a file."""
        return tuple(sorted(self._keys)) if self._folder is None else _generations(self._folder, self.name)

    def of(self, generation: int) -> bytes:
        """The secret of a generation. Raises ForeignKeys where there is none."""
        key = self._keys.get(generation)
        if key is None:
            # A generation that came after this process read the files.
            path = None if self._folder is None else ring_path(self._folder, self.name, generation)
            if path is None or not path.exists():
                raise ForeignKeys(f"the key file {self.name}.{generation}.key is missing")
            key = self._keys[generation] = _read(path)
        return key

    def stand(self, standing: Standing) -> None:
        """From now on these are the generations in use; others are forgotten."""
        self._standing = standing
        for generation in set(self._keys) - set(self.read):
            del self._keys[generation]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFiles:
    """The secrets for wrapping person keys, blind indexes, digests of API keys and the like, cursors, and requests.

    None of them shows in a traceback or a log.
    """

    wrapping: Ring
    blind_index: Ring
    api_keys: Ring
    cursors: bytes = field(repr=False)
    fingerprints: bytes = field(repr=False)

    @property
    def rings(self) -> tuple[Ring, ...]:
        return (self.wrapping, self.blind_index, self.api_keys)

    def ring(self, name: str) -> Ring:
        """The ring of this name, which is one of RINGS."""
        return self.rings[RINGS.index(name)]


def load(data_dir: Path) -> KeyFiles:
    """Read the key files below `data_dir`, making those that do not exist yet."""
    folder = folder_of(data_dir)
    make_folder(folder)
    wrapping, blind_index, api_keys = (_ring(folder, name) for name in RINGS)
    cursors, fingerprints = (read_or_make(folder / f"{name}.key") for name in NAMES[len(RINGS) :])
    return KeyFiles(
        wrapping=wrapping, blind_index=blind_index, api_keys=api_keys, cursors=cursors, fingerprints=fingerprints
    )


def read_or_make(path: Path) -> bytes:
    """The secret in a key file, made where there is none. Raises ForeignKeys for a file that holds something else."""
    if not path.exists():
        write_new(path, new_secret().hex().encode())
    return _read(path)


def folder_of(data_dir: Path) -> Path:
    return data_dir / "keys"


def ring_path(folder: Path, name: str, generation: int) -> Path:
    return folder / f"{name}.{generation}.key"


def draft(folder: Path, name: str, generation: int) -> bytes:
    """Write a new secret where no process takes it for a key file yet, and return it."""
    path = _draft_path(folder, name, generation)
    path.unlink(missing_ok=True)  # left by a rotation that came no further
    secret = new_secret()
    write_new(path, secret.hex().encode())
    return secret


def publish(folder: Path, name: str, generation: int) -> None:
    """Make a draft the key file of its generation. Safe to repeat. Raises ForeignKeys where there is none."""
    path = ring_path(folder, name, generation)
    try:
        _draft_path(folder, name, generation).rename(path)
    except FileNotFoundError:
        if not path.exists():
            raise ForeignKeys(f"the key file {path} was never made") from None
    sync_folder(folder)


def destroy(folder: Path, name: str, generation: int) -> None:
    """Delete the key file of a generation, durably. Safe to repeat."""
    ring_path(folder, name, generation).unlink(missing_ok=True)
    sync_folder(folder)


def _draft_path(folder: Path, name: str, generation: int) -> Path:
    return ring_path(folder, name, generation).with_suffix(".new")


def fingerprint(key: bytes) -> bytes:
    """What the database keeps of a key, to know it again."""
    return sha256(b"creditbank/fingerprint/1\0" + key).digest()


def new_secret() -> bytes:
    return secrets.token_bytes(32)


def _ring(folder: Path, name: str) -> Ring:
    if not _generations(folder, name):
        write_new(ring_path(folder, name, 1), new_secret().hex().encode())
    keys = {generation: _read(ring_path(folder, name, generation)) for generation in _generations(folder, name)}
    return Ring(name, keys, folder)


def _generations(folder: Path, name: str) -> tuple[int, ...]:
    pattern = re.compile(rf"{re.escape(name)}\.([1-9][0-9]*)\.key", re.ASCII)
    found = (pattern.fullmatch(path.name) for path in folder.glob(f"{name}.*.key"))
    return tuple(sorted(int(match[1]) for match in found if match))


def _read(path: Path) -> bytes:
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
        sync_file(file)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    sync_folder(path.parent)
