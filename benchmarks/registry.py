"""Every benchmark there is, by the name it has in the table of targets."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import (
    auditing,
    balance,
    bulk_awards,
    existing_awards,
    growth,
    hubei,
    imports,
    rebuilding,
    rules,
    single_awards,
    storage,
    waiting,
)
from benchmarks.measure import Result
from benchmarks.settings import Settings

BENCHMARKS: dict[str, Callable[[Settings], list[Result]]] = {
    "S1": bulk_awards.run,
    "S2": existing_awards.run,
    "S3": single_awards.run_on_postgresql,
    "S4": single_awards.run_on_sqlite,
    "S5": balance.run,
    "S6": rules.run,
    "S7": rebuilding.run,
    "S8": auditing.run,
    "S9": growth.run,
    "S10": storage.run,
    "S11": imports.run,
    "S12": hubei.run,
    "waiting": waiting.run,
}

SPOKEN = {"rules": "S6", "hubei": "S12"}
"""What some of them are called besides."""
