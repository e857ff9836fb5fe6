"""The tables of history. The API's database role needs no UPDATE and no DELETE on `event`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

metadata = MetaData()

log_partition = Table(
    "log_partition",
    metadata,
    Column("partition_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("head", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    comment="One counter per partition: locked last and held to commit, so position order is commit order.",
)

event = Table(
    "event",
    metadata,
    Column("partition_id", SmallInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("stream_id", Uuid, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("causation", Uuid, nullable=False),
    Column("actor", Text, nullable=False),
    Column("approved_by", Text, nullable=True),
    Column("type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("partition_id", "position"),
    # The stream first: histories are loaded for many accounts at once, whatever their partition.
    UniqueConstraint("stream_id", "version", "partition_id", name="event_stream_version"),
    comment="The log. recorded_at is in microseconds since 1970 UTC; body is JSON, kept to the byte.",
)

command_log = Table(
    "command_log",
    metadata,
    Column("scope", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("partition_id", SmallInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("position", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("key", "scope", "partition_id"),
    comment="The stored answer for every idempotency key of every caller, kept for ever.",
)

access_partition = Table(
    "access_partition",
    metadata,
    Column("partition_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("head", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    comment="One counter per partition of the accesses, as log_partition is for events.",
)

access_record = Table(
    "access_record",
    metadata,
    Column("partition_id", SmallInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("accessed_at", BigInteger, nullable=False),
    Column("credential", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("organisation", Text, nullable=True),
    Column("operation", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("on_behalf_of", Text, nullable=True),
    PrimaryKeyConstraint("partition_id", "position"),
    Index("access_record_account", "account_id", "accessed_at", "position"),
    comment="Who looked at whose data, and what for: never the data. Numbered like history, and never changed.",
)

tracking = Table(
    "tracking",
    metadata,
    Column("name", Text, nullable=False),
    Column("partition_id", SmallInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("name", "partition_id"),
    comment="How far a follower has come in a partition.",
)

job = Table(
    "job",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("detail", LargeBinary, nullable=False),
    comment="Work that goes on after its request, chunk by chunk; taken up again after a crash.",
)

import_file = Table(
    "import_file",
    metadata,
    Column("import_id", Uuid, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("occurrence", BigInteger),
    Column("accepted", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("resume_at", BigInteger),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("detail", LargeBinary, nullable=False),
    UniqueConstraint("organisation", "sha256", "occurrence", name="import_file_occurrence"),
    comment="A file that an issuer sent, beside the job that carries it. The file itself lies in data_dir.",
)

import_chunk = Table(
    "import_chunk",
    metadata,
    Column("import_id", Uuid, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("results", LargeBinary, nullable=False),
    PrimaryKeyConstraint("import_id", "first"),
    comment="What became of the rows of a chunk, compressed, written in the transaction of its events.",
)

import_mapping = Table(
    "import_mapping",
    metadata,
    Column("mapping_id", Uuid, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("organisation", "name", name="import_mapping_name"),
    comment="The headers of an issuer's own files, and what they mean.",
)
