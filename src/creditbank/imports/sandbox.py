"""Runs the two programs that handle foreign files, each in a process of its own: without keys, within limits."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from errno import ENOSPC
from threading import Event
from time import monotonic

from creditbank.imports import limits
from creditbank.imports.task import Folder

_logger = logging.getLogger("creditbank.imports")
MOST_SECONDS = 180.0
_GLANCE_SECONDS = 0.02
"""Short, since most files are read in less than a tenth of a second, and the longer one waits the later one looks."""
_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "TMPDIR")
_TOO_DEMANDING = {-signal.SIGKILL, -signal.SIGXCPU, -signal.SIGABRT, -signal.SIGSEGV, limits.OUT_OF_MEMORY}


class Stopped(Exception):
    """The program was told to end before it was done."""


class Overtaxed(Exception):
    """The program took more time or memory than it may."""


class Broken(Exception):
    """The program could not do with the file what it is made for."""


def run(program: str, folder: Folder, stop: Event, *arguments: str) -> None:
    """Run `creditbank.imports.PROGRAM` on the directory of an import.

    Raises Stopped, Overtaxed or Broken, and OSError where the disk is full.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", f"creditbank.imports.{program}", str(folder.path), *arguments],
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    code = _outcome(process, stop)
    if code == 0:
        return
    if code in _TOO_DEMANDING:
        raise Overtaxed
    if code == limits.OUT_OF_ROOM:
        raise OSError(ENOSPC, os.strerror(ENOSPC))
    _logger.error("the program %s ended with code %s", program, code)
    raise Broken


def _outcome(process: subprocess.Popen[bytes], stop: Event) -> int:
    deadline = monotonic() + MOST_SECONDS
    try:
        while monotonic() < deadline:
            if stop.is_set():
                raise Stopped
            try:
                return process.wait(_GLANCE_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        raise Overtaxed
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
