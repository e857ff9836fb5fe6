"""Keys for a vault that lies in memory."""

from __future__ import annotations

from creditbank.vault.keyfiles import KeyFiles

KEYS = KeyFiles(wrapping=b"w" * 32, blind_index=b"b" * 32, api_keys=b"a" * 32, cursors=b"c" * 32)
