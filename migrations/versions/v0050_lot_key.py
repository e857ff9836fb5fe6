"""Certificates are found in their account by its version: shorter than the certificate's id, and in order of record."""

from __future__ import annotations

from alembic import op

revision = "0050"
down_revision = "0030"

BEFORE, AFTER = "(account_id, certificate_id, partition_id)", "(account_id, version, partition_id)"


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        op.drop_constraint("lot_pkey", "lot", type_="primary")
        op.create_primary_key("lot_pkey", "lot", ["account_id", "version", "partition_id"])
        return
    # SQLite changes no key: the table is made anew, as it stands but for that.
    made = str(bind.exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'lot'").scalar_one())
    op.drop_index("lot_accreditation", "lot")
    op.rename_table("lot", "lot_before")
    op.execute(made.replace(BEFORE, AFTER))
    op.execute("INSERT INTO lot SELECT * FROM lot_before")
    op.drop_table("lot_before")
    op.create_index("lot_accreditation", "lot", ["accreditation_id", "issued_on"])
