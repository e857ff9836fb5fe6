"""The keys of the public log: Ed25519 keys that sign checkpoints, and the secret that salts commitments.

They lie below `keys/log`, apart from the other keys, so that only the publisher's user need read them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from creditbank.vault.keyfiles import read_or_make


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKeys:
    """`signing` sign every checkpoint, the oldest first; `salting` is the secret of all salts."""

    signing: tuple[Ed25519PrivateKey, ...] = field(repr=False)
    salting: bytes = field(repr=False)


def load(data_dir: Path) -> LogKeys:
    """Read the keys of the log, making those that do not exist yet. Raises ForeignKeys for a file that holds none."""
    folder = data_dir / "keys" / "log"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    read_or_make(folder / "signing-1.key")
    numbers = sorted(int(path.stem.removeprefix("signing-")) for path in folder.glob("signing-*.key"))
    return LogKeys(
        signing=tuple(
            Ed25519PrivateKey.from_private_bytes(read_or_make(folder / f"signing-{number}.key")) for number in numbers
        ),
        salting=read_or_make(folder / "salting.key"),
    )


def add_signing_key(data_dir: Path) -> int:
    """Make one more key, which signs beside the ones before. Returns its number."""
    count = len(load(data_dir).signing)
    read_or_make(data_dir / "keys" / "log" / f"signing-{count + 1}.key")
    return count + 1
