"""Files and folders that are still there after a power cut: a name lasts once the folder that holds it is synced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import IO


class Held(RuntimeError):
    """A folder that is another process's for now."""


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


def replace_file(path: Path, text: str) -> None:
    """Put a text at its place: after a power cut the former one or this one stands there, whole."""
    draft = path.with_name(f"{path.name}.draft")
    with draft.open("wb") as file:
        file.write(text.encode())
        sync_file(file)
    draft.replace(path)
    sync_folder(path.parent)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep a folder to this process alone; the lock ends with the process. Raises Held where another one has it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not try_lock(descriptor):
            raise Held(f"another process is at work in {folder}")
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock an open file or folder for this process, which ends with the descriptor; False where another one has it."""
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sync_file(file: IO[bytes]) -> None:
    """Make what was written to a file durable. Its name is the folder's."""
    file.flush()
    os.fsync(file.fileno())
