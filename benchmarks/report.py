"""Results for people and for programs: a table, a line of progress per round, and one JSON file per benchmark."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from benchmarks import machine
from benchmarks.measure import Result, Round

RESULTS = Path(__file__).parent / "results"


def progress(name: str, database: str) -> Callable[[int, Round], None]:
    """Tells each round on standard error as soon as it is measured."""
    console = Console(stderr=True)

    def tell(number: int, round_: Round) -> None:
        figures = f"{round_.product.figure:,.0f} against {round_.peer.figure:,.0f}"
        console.print(f"{name} {database} round {number + 1}: {figures}, {round_.ratio:.2f} ×", highlight=False)

    return tell


def table(results: Sequence[Result]) -> Group:
    """One line per comparison, and below them what each compared."""
    columns = Table(title="creditbank beside its peers, medians", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "database"):
        columns.add_column(heading, no_wrap=True)
    for heading in ("product", "peer", "ratio (min–max)", "target", "reached"):
        columns.add_column(heading, justify="right", no_wrap=True)
    for result in results:
        columns.add_row(*_cells(result))
    legend = {f"{result.benchmark}: {result.title} ({result.unit}); peer: {result.peer}": None for result in results}
    return Group(columns, *map(Text, legend))


def _cells(result: Result) -> tuple[str, ...]:
    reached = {None: "–", True: "yes", False: "no"}[result.reached]
    return (
        result.benchmark,
        result.database,
        f"{result.product_figure:,.0f}",
        f"{result.peer_figure:,.0f}",
        f"{result.ratio:.2f} ({min(result.ratios):.2f}–{max(result.ratios):.2f})",
        str(result.target) if result.target else "–",
        "stretch" if result.stretched else reached,
    )


def document(name: str, results: Sequence[Result], *, quick: bool) -> dict[str, object]:
    return {
        "benchmark": name,
        "quick": quick,
        "machine": machine.describe(),
        "results": [_described(result) for result in results],
    }


def _described(result: Result) -> dict[str, object]:
    return {
        **asdict(result),
        "product_median": result.product_figure,
        "peer_median": result.peer_figure,
        "ratio": {"median": result.ratio, "min": min(result.ratios), "max": max(result.ratios)},
        "reached": result.reached,
        "stretch_reached": result.stretched,
    }


def write(name: str, results: Sequence[Result], *, quick: bool) -> Path:
    """Write what was measured; a quick run is no measurement and goes to a folder of its own, which is not kept."""
    folder = RESULTS / "quick" if quick else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document(name, results, quick=quick), ensure_ascii=False, indent=2) + "\n")
    return path
