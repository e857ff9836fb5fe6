"""Tables of imports: the file beside its job, the outcomes of its rows, and the headers that an issuer has named."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "import_file",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("occurrence", sa.BigInteger(), nullable=True),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("resume_at", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("import_id"),
        sa.UniqueConstraint("organisation", "sha256", "occurrence", name="import_file_occurrence"),
        comment="A file that an issuer sent, beside the job that carries it. The file itself lies in data_dir.",
    )
    op.create_table(
        "import_chunk",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("results", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "first"),
        comment="What became of the rows of a chunk, compressed, written in the transaction of its events.",
    )
    op.create_table(
        "import_mapping",
        sa.Column("mapping_id", sa.Uuid(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mapping_id"),
        sa.UniqueConstraint("organisation", "name", name="import_mapping_name"),
        comment="The headers of an issuer's own files, and what they mean.",
    )
