"""Run by Alembic, on the connection and in the transaction that `creditbank.ledger.migration` opened."""

from __future__ import annotations

from alembic import context

import creditbank.projections  # noqa: F401  # its modules fill the metadata below
from creditbank.ledger.tables import metadata as history
from creditbank.projections.tables import metadata as projections
from creditbank.vault.tables import metadata as vault

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[history, vault, projections],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
