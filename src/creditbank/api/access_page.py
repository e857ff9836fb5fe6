"""`docs/access.md`, made from the matrix and the routes: who may do what, on whose objects, by which calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from fastapi import FastAPI

from creditbank.api.access import MATRIX, Operation, Reach, Role
from creditbank.api.acts import OPERATIONS
from creditbank.api.declarations import declared

ROLES: Mapping[Role, tuple[str, str]] = {
    "authority": ("学分银行管理机构", "runs the bank"),
    "issuer": ("培训评价组织", "awards certificates"),
    "institution": ("院校", "exempts and converts by its own rulebook"),
    "learner": ("学习者", "holds an account"),
    "auditor": ("审计机构", "looks, and changes nothing"),
}

REACHES: Mapping[Reach, tuple[str, str]] = {
    "everything": ("all", "every object of the bank"),
    "masked": ("masked", "every object, personal data masked only"),
    "own": ("own", "objects of the own organisation, of the own account, or of the own party of two persons"),
    "dealing": ("dealing", "accounts that the own institution has a dealing with (业务关系), and what is in them"),
}

_HEAD = """\
# Who may do what

Written by `make access` from the matrix in `src/creditbank/api/access.py` and from the routes; edit those. The test
`tests/api/routes/access/test_matrix.py` walks every route with every role on own, foreign and missing objects.

An operation is also the **scope** of a key, a client or an access token: one whose scopes are narrowed does only what
they name. Without an entry an operation is `403 forbidden`. What is out of reach is `404 not_found`, in the same words
and after the same work as what does not exist. To name another organisation as the one that acts is `403`.
"""


_TWO_PERSONS = """\
Acts that `CREDITBANK_TWO_PERSONS` may name. Both persons need the operation; another person of the same role and
organisation approves by `POST /v1/approvals/{approval_id}`, and both stand in the events.
"""


def page(app: FastAPI) -> str:
    """The page as Markdown; the same text for the same code."""
    return "\n".join(_lines(app))


def _lines(app: FastAPI) -> Iterator[str]:
    routes: dict[Operation | None, list[str]] = defaultdict(list)
    for one in declared(app):
        routes[one.operation].append(one.name)
    yield _HEAD
    yield "## Roles\n"
    yield from _table(["role", "中文", "who it is"], ([f"`{role}`", *words] for role, words in ROLES.items()))
    yield "\n## Reach\n"
    yield from _table(["reach", "on whose objects"], ([word, told] for word, told in REACHES.values()))
    yield "\n## Operations\n"
    cells = ([f"`{operation}`", *(_cell(reaches.get(role)) for role in ROLES)] for operation, reaches in MATRIX.items())
    yield from _table(["operation", *ROLES], cells)
    yield "\n## Routes of each operation\n"
    for operation in MATRIX:
        yield f"- `{operation}`: {', '.join(f'`{name}`' for name in routes[operation])}"
    yield "\n## Without credentials\n"
    yield from (f"- `{name}`" for name in routes[None])
    yield "\n## Two persons\n"
    yield _TWO_PERSONS
    yield from _table(["act", "operation"], ([f"`{act}`", f"`{needed}`"] for act, needed in OPERATIONS.items()))
    yield ""


def _cell(reach: Reach | None) -> str:
    return "–" if reach is None else REACHES[reach][0]


def _table(header: list[str], rows: Iterator[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield "|---" * len(header) + "|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
