"""A server whose clock is set: by libfaketime, which Debian calls `faketime`, read anew at every look at the time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tests.processes.server import Installation

_PLACES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")


def libfaketime() -> Path | None:
    """Where libfaketime lies; None where it is not installed."""
    return next((path for place in _PLACES for path in sorted(Path("/").glob(place.lstrip("/")))), None)


@dataclass(frozen=True, slots=True)
class FalseClock:
    """A clock that is so many seconds off, for every server that is started under it."""

    file: Path

    def set(self, seconds: int) -> None:
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{seconds:+d}\n")
        draft.replace(self.file)

    def over(self, installation: Installation) -> Installation:
        """The installation, its servers with this clock. Durations are measured truly."""
        preloaded = {
            "LD_PRELOAD": str(libfaketime()),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        # Again after the fork: the library asks its environment at every look.
        environment = {**installation.environment, **preloaded}
        return replace(installation, environment=environment, preloaded=tuple(preloaded.items()))
