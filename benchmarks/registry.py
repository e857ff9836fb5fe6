"""Every benchmark there is, by the name it has in the table of targets."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import balance, bulk_awards, imports, rules, single_awards
from benchmarks.measure import Result
from benchmarks.settings import Settings

BENCHMARKS: dict[str, Callable[[Settings], list[Result]]] = {
    "S1": bulk_awards.run,
    "S3": single_awards.run_on_postgresql,
    "S4": single_awards.run_on_sqlite,
    "S5": balance.run,
    "S11": imports.run,
    "rules": rules.run,
}
