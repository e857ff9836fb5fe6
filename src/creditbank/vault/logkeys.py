"""The keys of the public log: Ed25519 keys that sign checkpoints, and the secret that salts commitments.

The signing keys lie in a folder of their own, so that only the publisher's user need read them: the service makes
proofs with the secret of the salts, and can sign nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from creditbank.vault.durable import make_folder
from creditbank.vault.keyfiles import read_or_make


def salting(data_dir: Path) -> bytes:
    """The secret of all salts, made at the first call. Raises ForeignKeys for a file that holds none."""
    return read_or_make(_folder(data_dir / "keys") / "salting.key")


def signing(data_dir: Path) -> tuple[Ed25519PrivateKey, ...]:
    """The keys that sign every checkpoint, the oldest first; one is made where there is none.

    Raises ForeignKeys for a file that holds none.
    """
    folder = _folder(data_dir / "keys" / "log")
    numbers = _numbers(folder) or [1]
    return tuple(
        Ed25519PrivateKey.from_private_bytes(read_or_make(folder / f"signing-{number}.key")) for number in numbers
    )


def are_there(data_dir: Path) -> bool:
    """Whether both kinds lie there; makes none."""
    folder = data_dir / "keys"
    return (folder / "salting.key").exists() and bool(_numbers(folder / "log"))


def add_signing_key(data_dir: Path) -> int:
    """Make one more key, which signs beside the ones before. Returns its number."""
    signing(data_dir)
    folder = data_dir / "keys" / "log"
    number = _numbers(folder)[-1] + 1
    read_or_make(folder / f"signing-{number}.key")
    return number


def _numbers(folder: Path) -> list[int]:
    """Of the keys that lie there, in order; those that were retired have left gaps."""
    found = (re.fullmatch(r"signing-([1-9][0-9]*)\.key", path.name, re.ASCII) for path in folder.glob("signing-*.key"))
    return sorted(int(match[1]) for match in found if match)


def _folder(path: Path) -> Path:
    make_folder(path)
    return path
