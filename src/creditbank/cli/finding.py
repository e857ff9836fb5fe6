"""What a check of `creditbank doctor` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw; `fix` is None where all is well."""

    check: str
    seen: str
    fix: str | None = None
