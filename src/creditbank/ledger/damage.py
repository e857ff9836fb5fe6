"""Whether a database says that it is broken, as opposed to busy, away, or asked for what it does not allow."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DatabaseError

DAMAGED = {"42P01", "42703", "XX001", "XX002"}
"""As PostgreSQL says it: no such table, no such column, and pages or indexes that are broken."""


def is_damage(error: Exception) -> bool:
    """Whether the database answers that it is broken, or that it lacks a table or a column."""
    if not isinstance(error, DatabaseError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        name = getattr(error.orig, "sqlite_errorname", "")
        return name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or name == "SQLITE_ERROR"
    return getattr(error.orig, "sqlstate", None) in DAMAGED
