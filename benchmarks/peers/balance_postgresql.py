"""A bare FastAPI handler on PostgreSQL: one SELECT of a balance by its key, for whoever asks, in one round trip."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from fastapi import FastAPI, HTTPException
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from benchmarks.peers.balance import Balance

SELECT = "SELECT * FROM balance WHERE account_id = %s"

pool = ConnectionPool(os.environ["PEER_DATABASE_URL"], kwargs={"autocommit": True}, min_size=16, open=False)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    with pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/v1/accounts/{account_id}/balance")
def balance(account_id: UUID) -> Balance:
    with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(SELECT, (account_id,)).fetchone()
    if row is None:
        raise HTTPException(404)
    return Balance(**row)
