"""Keys for a vault that lies in memory."""

from __future__ import annotations

from creditbank.vault.keyfiles import KeyFiles, Ring


def key_files(*, wrapping: bytes = b"w", blind_index: bytes = b"b", api_keys: bytes = b"a") -> KeyFiles:
    """Keys of one generation, each of one byte."""
    return KeyFiles(
        wrapping=Ring("wrapping", {1: wrapping * 32}),
        blind_index=Ring("blind-index", {1: blind_index * 32}),
        api_keys=Ring("api-keys", {1: api_keys * 32}),
        cursors=b"c" * 32,
        fingerprints=b"f" * 32,
    )


KEYS = key_files()
