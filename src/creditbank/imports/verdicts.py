"""What became of each row, kept compressed by chunks and read back one by one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import Engine

from creditbank.imports.texts import Said
from creditbank.ledger import imports

_CHUNKS_AT_ONCE = 8
_LEVEL = 1


class Verdict(NamedTuple):
    """`number` counts the certificates of the file from 0, `row` is the row in the file. No faults: accepted."""

    number: int
    row: int
    certificate_id: UUID | None
    account_id: UUID | None
    faults: tuple[Said, ...] = ()


Packed = tuple[int, str | None, str | None, tuple[Said, ...]]
"""A verdict as it is kept: row, certificate and account in hexadecimal, faults."""


def pack(verdicts: Sequence[Packed]) -> bytes:
    """The verdicts of one chunk, whose first number is kept beside them."""
    return zlib.compress(to_json(verdicts), _LEVEL)


def unpack(first: int, packed: bytes) -> Iterator[Verdict]:
    for number, (row, certificate_id, account_id, faults) in enumerate(json.loads(zlib.decompress(packed)), first):
        yield Verdict(
            number,
            row,
            UUID(certificate_id) if certificate_id else None,
            UUID(account_id) if account_id else None,
            tuple(Said(*said) for said in faults),
        )


def read(engine: Engine, import_id: UUID, begin: int = 0) -> Iterator[Verdict]:
    """From this number on, a few chunks at a time; no connection is held while the reader is slow."""
    while True:
        with engine.connect() as connection, connection.begin():
            chunks = imports.chunks(connection, import_id, begin, _CHUNKS_AT_ONCE)
        known = begin
        for first, packed in chunks:
            for verdict in unpack(first, packed):
                if verdict.number >= begin:
                    yield verdict
                    begin = verdict.number + 1
        if begin == known:
            return
