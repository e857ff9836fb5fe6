"""A bare FastAPI handler on SQLite (WAL, synchronous FULL): one INSERT and its commit per award, nothing else.

One connection under a lock, since SQLite has one writer anyway and waits for its own lock by polling; every
statement commits by itself. Of the usual ways to write this it was the fastest.
"""

from __future__ import annotations

import os
import sqlite3
from threading import Lock
from uuid import uuid4

from fastapi import FastAPI

from benchmarks.peers.award import Award, Certificate

CREATE = """
CREATE TABLE IF NOT EXISTS certificate (
    certificate_id text PRIMARY KEY, issuer text NOT NULL, number text NOT NULL, standard text NOT NULL,
    level text NOT NULL, issued_on text NOT NULL, expires_on text, name text NOT NULL, document text NOT NULL)
"""
INSERT = "INSERT INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

path = os.environ["PEER_DATABASE_URL"].removeprefix("sqlite:///")
connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA synchronous = FULL")
connection.execute(CREATE)
writing = Lock()

app = FastAPI()


@app.post("/v1/certificates", status_code=201)
def award(award: Award) -> Certificate:
    certificate_id = uuid4()
    holder = award.holder
    values = (str(certificate_id), award.issuer, award.number, award.standard, award.level)
    dates = (award.issued_on.isoformat(), award.expires_on and award.expires_on.isoformat())
    with writing:
        connection.execute(INSERT, (*values, *dates, holder.name, holder.document.number))
    return Certificate(certificate_id=certificate_id, **award.model_dump(exclude={"holder"}))
