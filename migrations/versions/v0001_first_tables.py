"""The first tables: history, vault and projections, with the counters of the 64 partitions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# Sixty-four rows that every append updates: room on the page for the new versions, and a vacuum that keeps up.
_BUSY = {
    "fillfactor": 50,
    "autovacuum_vacuum_scale_factor": 0,
    "autovacuum_vacuum_threshold": 500,
    "autovacuum_vacuum_cost_delay": 0,
}
# A head is updated in place as long as its page has room.
_UPDATED = {"fillfactor": 90}


def upgrade() -> None:
    _history()
    _public_log()
    _vault()
    _projections()
    _first_rows()


def _history() -> None:
    op.create_table(
        "log_partition",
        sa.Column("partition_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partition_id"),
        comment="One counter per partition: locked last and held to commit, so position order is commit order.",
        postgresql_with=_BUSY,
    )
    op.create_table(
        "event",
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("stream_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("causation", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("partition_id", "position"),
        sa.UniqueConstraint("stream_id", "version", "partition_id", name="event_stream_version"),
        comment="The log. recorded_at is in microseconds since 1970 UTC; body is JSON, kept to the byte.",
    )
    op.create_table(
        "command_log",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "scope", "partition_id"),
        comment="The stored answer for every idempotency key of every caller, kept for ever.",
    )
    op.create_table(
        "access_partition",
        sa.Column("partition_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partition_id"),
        comment="One counter per partition of the accesses, as log_partition is for events.",
        postgresql_with=_BUSY,
    )
    op.create_table(
        "access_record",
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("accessed_at", sa.BigInteger(), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("partition_id", "position"),
        comment="Who looked at whose data, and what for: never the data. Numbered like history, and never changed.",
    )
    op.create_index("access_record_account", "access_record", ["account_id", "accessed_at", "position"], unique=False)
    op.create_table(
        "tracking",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "partition_id"),
        comment="How far a follower has come in a partition.",
    )
    op.create_table(
        "job",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("job_id"),
        comment="Work that goes on after its request, chunk by chunk; taken up again after a crash.",
    )


def _public_log() -> None:
    op.create_table(
        "log_tree",
        sa.Column("tree_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("rounds", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tree_id"),
        comment="One row, locked by whoever publishes: rounds sequenced, leaves sequenced, leaves under a checkpoint.",
    )
    op.create_table(
        "log_round",
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("first_position", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partition_id", "first_position"),
        sa.UniqueConstraint("first_index"),
        comment="The events of a partition that a round put into the log, one behind the other from first_index on.",
    )
    op.create_table(
        "log_seal",
        sa.Column("leaf_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("heads", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index"),
        comment="The leaf that ends a round, which commits to the head of every partition.",
    )
    op.create_table(
        "log_epoch",
        sa.Column("leaf_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("streams", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index"),
        comment="The leaves that commit to the last event of every stream, as it stood at a size of the log.",
    )
    op.create_table(
        "log_head",
        sa.Column("stream_id", sa.Uuid(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "partition_id"),
        comment="The last commitment of every stream in the log: the one that the next event names.",
    )
    op.create_table(
        "log_checkpoint",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
        comment="Every checkpoint that was signed; a size is signed once.",
    )


def _vault() -> None:
    op.create_table(
        "person",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("wrapping", sa.SmallInteger(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("birth_date", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "partition_id"),
        comment="Personal data under a key per person, itself wrapped by the generation `wrapping` of a key outside.",
    )
    op.create_table(
        "person_claim",
        sa.Column("blind_index", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("generation", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("blind_index", "partition_id"),
        comment="One live account per identity document: hash of its type and number, keyed by a generation of a key.",
    )
    op.create_index("ix_person_claim_account_id", "person_claim", ["account_id"], unique=False)
    op.create_table(
        "former_holder",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("former_id", sa.Uuid(), nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "former_id", "partition_id"),
        comment="What a holder was called before a correction or a merge, sealed under the person's own key.",
    )
    op.create_table(
        "sealed_text",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("text_id", sa.Uuid(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "text_id", "partition_id"),
        comment="A learner's own words, by the id of the consent, share or request, sealed under the person's own key.",
    )
    op.create_table(
        "share_key",
        sa.Column("share_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("pepper", sa.SmallInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("share_id", "partition_id"),
        comment="The secret that opens a share, only as a keyed hash.",
    )
    op.create_index("ix_share_key_account_id", "share_key", ["account_id"], unique=False)
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("pepper", sa.SmallInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("scopes", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key_id"),
        comment="API keys by their public id; the secret part only as a keyed hash.",
    )
    op.create_index("ix_api_key_organisation", "api_key", ["organisation"], unique=False)
    op.create_table(
        "oauth_client",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=True),
        sa.Column("public_keys", sa.LargeBinary(), nullable=True),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.Column("dpop_bound", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("client_id"),
        comment="Programs that fetch access tokens: their public keys as JSON, or their secrets as keyed hashes.",
    )
    op.create_index("ix_oauth_client_organisation", "oauth_client", ["organisation"], unique=False)
    op.create_table(
        "member",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("member_id"),
        comment="People who act for the bank or an organisation, as an identity provider names them.",
    )
    op.create_index(
        "member_subject",
        "member",
        ["issuer", "subject"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("authenticated_at", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="People who are signed in: a member, or a learner by the account. Of the cookie only a hash.",
    )
    op.create_index("ix_session_session_id", "session", ["session_id"], unique=True)
    op.create_index("ix_session_member_id", "session", ["member_id"], unique=False)
    op.create_index("ix_session_account_id", "session", ["account_id"], unique=False)
    op.create_table(
        "used_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="What was signed to be used once and has been used, until it would have expired anyway.",
    )
    op.create_index("ix_used_token_expires_at", "used_token", ["expires_at"], unique=False)
    op.create_table(
        "installation",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("generation", sa.SmallInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "generation"),
        comment="What the key files of this bank must be, as fingerprints: a bank never starts with foreign keys.",
    )
    op.create_table(
        "key_reader",
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("rings", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("process"),
        comment="Which processes serve, and which generations of the keys each of them can read, as JSON.",
    )


def _projections() -> None:
    op.create_table(
        "account",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "partition_id"),
        postgresql_with=_UPDATED,
    )
    op.create_index(
        "account_erased",
        "account",
        ["account_id"],
        unique=False,
        postgresql_where=sa.text("status = 'erased'"),
        sqlite_where=sa.text("status = 'erased'"),
    )
    op.create_table(
        "dealing",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "institution", "partition_id"),
    )
    op.create_table(
        "consent",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("institution", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "consent_id", "partition_id"),
    )
    op.create_table(
        "learner_request",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "request_id", "partition_id"),
    )
    op.create_index("learner_request_id", "learner_request", ["request_id"], unique=False)
    op.create_table(
        "certificate_claim",
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("certificate_id", "partition_id"),
        comment="A certificate number is held once in the whole bank, also when it is revoked.",
    )
    op.create_table(
        "lot",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("accreditation_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("revoked_from", sa.Date(), nullable=True),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("standard_version", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("standard", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=True),
        sa.Column("particulars", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "certificate_id", "partition_id"),
    )
    op.create_index("lot_accreditation", "lot", ["accreditation_id", "issued_on"], unique=False)
    op.create_table(
        "usage",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("use_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("grants", sa.LargeBinary(), nullable=False),
        sa.Column("decision", sa.LargeBinary(), nullable=False),
        sa.Column("approvals", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "use_id", "partition_id"),
    )
    op.create_index("usage_use_id", "usage", ["use_id"], unique=False)
    op.create_index(
        "usage_open",
        "usage",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
        sqlite_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "approval",
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("settled", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("if_match", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("approval_id", "partition_id"),
    )
    op.create_index(
        "approval_waiting",
        "approval",
        ["approval_id"],
        unique=False,
        postgresql_where=sa.text("settled IS NULL"),
        sqlite_where=sa.text("settled IS NULL"),
    )
    op.create_table(
        "catalogue",
        sa.Column("stream_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "version", "partition_id"),
    )
    op.create_table(
        "catalogue_epoch",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _first_rows() -> None:
    for name in ("log_partition", "access_partition"):
        counters = sa.table(name, sa.column("partition_id"), sa.column("head"), sa.column("recorded_at"))
        op.bulk_insert(counters, [{"partition_id": number, "head": 0, "recorded_at": 0} for number in range(64)])
    op.bulk_insert(sa.table("catalogue_epoch", sa.column("id"), sa.column("epoch")), [{"id": 1, "epoch": 0}])
    tree = sa.table("log_tree", *map(sa.column, ("tree_id", "rounds", "size", "published")))
    op.bulk_insert(tree, [{"tree_id": 1, "rounds": 0, "size": 0, "published": 0}])
