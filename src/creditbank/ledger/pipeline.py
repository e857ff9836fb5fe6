"""Several statements in one trip to PostgreSQL, from the bricks of psycopg.

The driver's own pipeline waits for the socket before and behind every statement in it, and whoever waits hands the
interpreter to another thread and asks for it back. Here everything is sent at once, and waited for once.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

from psycopg import errors, generators
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

from creditbank.ledger.patience import PatientConnection

Statement = tuple[str, Sequence[Any]]
"""A statement with $1, $2 and so on in it, and the values that these stand for."""

_MAKERS: dict[tuple[bytes | None, ...], Callable[[Sequence[Any]], Any]] = {}


def run(connection: PatientConnection, statements: Sequence[Statement]) -> list[Sequence[Any]]:
    """Run statements in their order, in a transaction that begins here at the latest; the rows of each.

    Raises the psycopg.Error of the first that fails; those behind it do nothing.
    """
    with connection.lock:
        results = connection.wait(_trip(connection, statements))
    return [_rows(connection, result) for result in results]


def _trip(connection: PatientConnection, statements: Sequence[Statement]) -> PQGen[list[PGresult]]:
    """The result of each statement, without those of what goes with them."""
    pgconn = connection.pgconn
    is_idle = pgconn.transaction_status == TransactionStatus.IDLE
    pgconn.enter_pipeline_mode()
    try:
        sent, wanted = 0, []
        if is_idle and not connection.autocommit:
            pgconn.send_query_params(_begin(connection), None)
            sent = 1
        for text, values in statements:
            sent += _send(connection, text, values)
            wanted.append(sent - 1)
        pgconn.pipeline_sync()
        yield from generators.send(pgconn)
        results: list[PGresult] = []
        for _ in range(sent + 1):
            results += yield from generators.fetch_many(pgconn)
    finally:
        if pgconn.status == ConnStatus.OK:
            pgconn.exit_pipeline_mode()
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)
    return [results[index] for index in wanted]


def _begin(connection: PatientConnection) -> bytes:
    level = connection.isolation_level
    return b"BEGIN" if level is None else f"BEGIN ISOLATION LEVEL {level.name.replace('_', ' ')}".encode()


def _send(connection: PatientConnection, text: str, values: Sequence[Any]) -> int:
    """Send a statement, and before it, where it was never sent, the order to prepare it; how many that makes."""
    transformer = Transformer.from_context(connection)
    parameters = transformer.dump_sequence(values, [PyFormat.TEXT] * len(values))
    name, pgconn = connection.prepared.get(text), connection.pgconn
    is_new = name is None
    if name is None:
        name = connection.prepared[text] = b"bank_%d" % len(connection.prepared)
        pgconn.send_prepare(name, text.encode(), transformer.types)
    pgconn.send_query_prepared(name, parameters, result_format=Format.BINARY)
    return 2 if is_new else 1


def _rows(connection: PatientConnection, result: PGresult) -> Sequence[Any]:
    if not result.ntuples:
        return []
    names = tuple(result.fname(index) for index in range(result.nfields))
    make = _MAKERS.get(names)
    if make is None:
        kind: Any = namedtuple("Row", [(name or b"").decode() for name in names])  # type: ignore[misc]  # by result
        make = _MAKERS[names] = kind._make
    transformer = Transformer.from_context(connection)
    transformer.set_pgresult(result)
    return transformer.load_rows(0, result.ntuples, make)
