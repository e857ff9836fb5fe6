"""A bare FastAPI handler on PostgreSQL: one INSERT and its commit per award, nothing else.

In autocommit the statement is its own transaction, one round trip instead of three: the faster way to write this.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from fastapi import FastAPI
from psycopg_pool import ConnectionPool

from benchmarks.peers.award import Award, Certificate

CREATE = """
CREATE TABLE IF NOT EXISTS certificate (
    certificate_id uuid PRIMARY KEY, issuer text NOT NULL, number text NOT NULL, standard text NOT NULL,
    level text NOT NULL, issued_on date NOT NULL, expires_on date, name text NOT NULL, document text NOT NULL)
"""
INSERT = "INSERT INTO certificate VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"

pool = ConnectionPool(os.environ["PEER_DATABASE_URL"], kwargs={"autocommit": True}, min_size=16, open=False)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    with pool:
        with pool.connection() as connection:
            connection.execute(CREATE)
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/v1/certificates", status_code=201)
def award(award: Award) -> Certificate:
    certificate_id = uuid4()
    holder = award.holder
    values = (certificate_id, award.issuer, award.number, award.standard, award.level, award.issued_on)
    with pool.connection() as connection:
        connection.execute(INSERT, (*values, award.expires_on, holder.name, holder.document.number))
    return Certificate(certificate_id=certificate_id, **award.model_dump(exclude={"holder"}))
