"""The rooms and the arrows between them, checked: imports point one way, and each library has its room."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"

FLOORS = (
    ("domain",),
    ("ledger", "vault"),
    ("projections",),
    ("commands", "audit", "imports"),
    ("api", "web", "credentials"),
    ("publication",),
    ("app", "demo"),
    ("cli",),
    ("__main__",),
)
"""A room may import the floors below its own; nothing imports upwards."""

BESIDE = {"vault": {"ledger"}, "imports": {"commands"}, "web": {"api"}}
"""The neighbours on the same floor that a room may import."""

APART = {"settings": {"app", "cli", "publication"}, "clock": {"app", "cli"}, "client": {"cli"}, "rulebooks": {"demo"}}
"""Rooms that import none of ours, and who may import them: settings are passed down, never fetched."""

HOMES = {
    "alembic": {"ledger"},
    "authlib": {"web"},
    "eventsourcing": {"ledger"},
    "jinja2": {"web"},
    "psycopg": {"ledger"},
    "fastapi": {"api", "web", "app", "demo", "cli"},
    "starlette": {"api", "web", "app", "demo"},
    "python_calamine": {"imports"},
    "python_multipart": {"api"},
    "uvicorn": {"cli"},
    "xlsxwriter": {"imports"},
    "typer": {"cli"},
}
"""Libraries that only these rooms may import."""

SQL_ROOMS = {"ledger", "vault", "projections"}
SQL = {"delete", "func", "insert", "select", "text", "update"}
"""What statements are made of: they stand beside the tables that they read and write."""

PURE = {"pydantic", "pydantic_core"}
"""What the domain may import beside the standard library."""

IMPURE_MODULES = {
    "asyncio", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "socket", "sqlite3",
    "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
IMPURE_CALLS = {"now", "today", "utcnow", "uuid1", "uuid4", "uuid7", "open", "print", "input"}


def name_of(path: Path) -> str:
    """The dotted name of a module: `creditbank.ledger.log`."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in sorted((SOURCE / "creditbank").rglob("*.py"))}


@pytest.fixture(scope="module")
def nodes() -> dict[str, list[ast.AST]]:
    """What is imported and called in each module. Read when the tests run: whoever only collects them need not."""
    read = {module: ast.parse(path.read_text(), path.name) for module, path in PATHS.items()}
    kinds = (ast.Import, ast.ImportFrom, ast.Call)
    return {module: [node for node in ast.walk(tree) if isinstance(node, kinds)] for module, tree in read.items()}


@pytest.fixture(scope="module")
def imports(nodes: dict[str, list[ast.AST]]) -> dict[str, set[str]]:
    return {module: set(_imported(inside)) for module, inside in nodes.items()}


def _imported(nodes: list[ast.AST]) -> Iterator[str]:
    """Every module that is imported anywhere in a file; of `from package import module` the module."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in PATHS else str(node.module)


def room_of(module: str) -> str:
    """The room that a module of ours is in; the package itself, which is empty, is in none."""
    return f"{module}.".split(".")[1]


def may_import(room: str) -> set[str]:
    if room in APART:
        return {room}
    floor = next(number for number, rooms in enumerate(FLOORS) if room in rooms)
    below = {lower for rooms in FLOORS[:floor] for lower in rooms}
    apart = {other for other, users in APART.items() if room in users}
    return {room, *below, *apart, *BESIDE.get(room, ())}


def test_a_room_imports_only_the_rooms_below_it(imports: dict[str, set[str]]) -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, names in imports.items()
        if room_of(module)
        for imported in names
        if imported.startswith("creditbank.") and room_of(imported) not in may_import(room_of(module))
    ]
    assert wrong == []


def test_a_library_stays_in_its_room(imports: dict[str, set[str]]) -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, names in imports.items()
        for imported in names
        if room_of(module) not in HOMES.get(imported.split(".")[0], {room_of(module)})
    ]
    assert wrong == []


def test_statements_stand_beside_their_tables(nodes: dict[str, list[ast.AST]]) -> None:
    wrong = [
        f"{module} imports {alias.name}"
        for module, inside in nodes.items()
        if room_of(module) not in SQL_ROOMS
        for node in inside
        if isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy"
        for alias in node.names
        if alias.name in SQL
    ]
    assert wrong == []


def test_the_domain_needs_nothing_but_the_standard_library_and_pydantic(imports: dict[str, set[str]]) -> None:
    allowed = (sys.stdlib_module_names - IMPURE_MODULES) | PURE | {"creditbank"}
    wrong = [
        f"{module} imports {imported}"
        for module, names in imports.items()
        if room_of(module) == "domain"
        for imported in names
        if imported.split(".")[0] not in allowed
    ]
    assert wrong == []


def test_the_domain_asks_no_clock_and_throws_no_dice(nodes: dict[str, list[ast.AST]]) -> None:
    calls = [
        (module, node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id)
        for module, inside in nodes.items()
        if room_of(module) == "domain"
        for node in inside
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
    ]
    assert [call for call in calls if call[1] in IMPURE_CALLS] == []


def test_no_module_imports_itself_on_a_detour(imports: dict[str, set[str]]) -> None:
    graph = {module: names & PATHS.keys() for module, names in imports.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        pytest.fail(" imports ".join(reversed(cycle.args[1])))
