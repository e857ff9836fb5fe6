"""Imports in the database: questions about many of them at once."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Engine

from creditbank.ledger import imports


def test_more_folders_are_asked_about_than_a_statement_takes_parameters(engine: Engine) -> None:
    many = [UUID(int=number) for number in range(70_000)]
    with engine.connect() as connection:
        assert imports.finished_before(connection, many, 1) == set(many)
