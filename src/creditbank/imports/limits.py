"""What a process that handles a foreign file may take of memory and processor time."""

from __future__ import annotations

import resource

MEGABYTE = 1024 * 1024
MEMORY_BYTES = 320 * MEGABYTE
PROCESSOR_SECONDS = 120
FILE_BYTES = 1024 * MEGABYTE

OUT_OF_MEMORY = 77
"""The exit code of a process that noticed it by itself."""

OUT_OF_ROOM = 78
"""The exit code of a process that found the disk full."""


def take() -> None:
    """Limit this process, for good. A core dump of it would hold personal data."""
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, PROCESSOR_SECONDS),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
