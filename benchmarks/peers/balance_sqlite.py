"""A bare FastAPI handler on SQLite: one SELECT of a balance by its key, for whoever asks; one connection per thread."""

from __future__ import annotations

import os
import sqlite3
from threading import local
from uuid import UUID

from fastapi import FastAPI, HTTPException

from benchmarks.peers.balance import Balance

SELECT = "SELECT * FROM balance WHERE account_id = ?"

threads = local()
app = FastAPI()


def connection() -> sqlite3.Connection:
    if not hasattr(threads, "connection"):
        threads.connection = sqlite3.connect(os.environ["PEER_DATABASE_URL"].removeprefix("sqlite:///"))
        threads.connection.row_factory = sqlite3.Row
    kept: sqlite3.Connection = threads.connection
    return kept


@app.get("/v1/accounts/{account_id}/balance")
def balance(account_id: UUID) -> Balance:
    row = connection().execute(SELECT, (str(account_id),)).fetchone()
    if row is None:
        raise HTTPException(404)
    return Balance(**row)
