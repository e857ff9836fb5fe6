"""The keys of the public log: Ed25519 keys that sign checkpoints, and the secret that salts commitments.

The signing keys lie in a folder of their own, so that only the publisher's user need read them: the service makes
proofs with the secret of the salts, and can sign nothing.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from creditbank.vault.durable import make_folder
from creditbank.vault.keyfiles import read_or_make


def salting(data_dir: Path) -> bytes:
    """The secret of all salts, made at the first call. Raises ForeignKeys for a file that holds none."""
    return read_or_make(_folder(data_dir / "keys") / "salting.key")


def signing(data_dir: Path) -> tuple[Ed25519PrivateKey, ...]:
    """The keys that sign every checkpoint, the oldest first; the first is made at the first call.

    Raises ForeignKeys for a file that holds none.
    """
    folder = _folder(data_dir / "keys" / "log")
    numbers = [1, *range(2, len(list(folder.glob("signing-*.key"))) + 1)]
    return tuple(
        Ed25519PrivateKey.from_private_bytes(read_or_make(folder / f"signing-{number}.key")) for number in numbers
    )


def are_there(data_dir: Path) -> bool:
    """Whether both kinds lie there; makes none."""
    folder = data_dir / "keys"
    return (folder / "salting.key").exists() and any((folder / "log").glob("signing-*.key"))


def add_signing_key(data_dir: Path) -> int:
    """Make one more key, which signs beside the ones before. Returns its number."""
    number = len(signing(data_dir)) + 1
    read_or_make(data_dir / "keys" / "log" / f"signing-{number}.key")
    return number


def _folder(path: Path) -> Path:
    make_folder(path)
    return path
