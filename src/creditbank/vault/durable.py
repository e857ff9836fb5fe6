"""Files and folders that are still there after a power cut: a name lasts once the folder that holds it is synced."""

from __future__ import annotations

import os
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import IO


def is_disk_full(error: BaseException) -> bool:
    """Whether something could not be written for want of room, which passes."""
    return isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT)


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Make a folder, and what is missing above it; they last when this returns. By default only its owner may look."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=mode, exist_ok=True)
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Make what was made, renamed or removed in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(file: IO[bytes]) -> None:
    """Make what was written to a file durable. Its name is the folder's."""
    file.flush()
    os.fsync(file.fileno())
