"""What one run of the benchmarks was asked to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Database(StrEnum):
    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`directory` is scratch space on a real disk: databases kept in memory would make every commit free."""

    databases: frozenset[Database]
    rounds: int
    quick: bool
    directory: Path
    full: bool = False
    learners: int | None = None
    events: int | None = None

    def among(self, *supported: Database) -> Iterator[Database]:
        """The databases that a benchmark supports and this run asked for, in the benchmark's order."""
        return (database for database in supported if database in self.databases)

    def scaled(self, count: int) -> int:
        """How much of `count` to do: all of it, or a tenth in a quick run."""
        return max(count // 10, 1) if self.quick else count

    def stored(self, count: int) -> int:
        """How much history to have: all of `count` in a full run, else a tenth, and a hundredth in a quick one."""
        return count if self.full else max(count // (100 if self.quick else 10), 1)
