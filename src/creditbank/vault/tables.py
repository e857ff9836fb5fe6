"""The tables of the vault: sealed personal data, blind indexes, hashed keys, and what this bank was installed with."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

metadata = MetaData()

person = Table(
    "person",
    metadata,
    Column("account_id", Uuid, nullable=False),
    Column("partition_id", SmallInteger, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("name", LargeBinary, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("birth_date", LargeBinary, nullable=True),
    PrimaryKeyConstraint("account_id", "partition_id"),
    comment="Personal data under a key per person, which is itself wrapped by a key outside the database.",
)

person_claim = Table(
    "person_claim",
    metadata,
    Column("blind_index", LargeBinary, nullable=False),
    Column("account_id", Uuid, nullable=False, index=True),
    Column("partition_id", SmallInteger, nullable=False),
    PrimaryKeyConstraint("blind_index", "partition_id"),
    comment="One live account per identity document: keyed hash of its type and normalised number.",
)

former_holder = Table(
    "former_holder",
    metadata,
    Column("account_id", Uuid, nullable=False),
    Column("former_id", Uuid, nullable=False),
    Column("replaced_at", BigInteger, nullable=False),
    Column("partition_id", SmallInteger, nullable=False),
    Column("cause", Text, nullable=False),
    Column("person", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account_id", "former_id", "partition_id"),
    comment="What a holder was called before a correction or a merge, sealed under the person's own key.",
)

sealed_text = Table(
    "sealed_text",
    metadata,
    Column("account_id", Uuid, nullable=False),
    Column("text_id", Uuid, nullable=False),
    Column("partition_id", SmallInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account_id", "text_id", "partition_id"),
    comment="A learner's own words, by the id of the consent, share or request, sealed under the person's own key.",
)

share_key = Table(
    "share_key",
    metadata,
    Column("share_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False, index=True),
    Column("partition_id", SmallInteger, nullable=False),
    Column("pepper", SmallInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("share_id", "partition_id"),
    comment="The secret that opens a share, only as a keyed hash.",
)

api_key = Table(
    "api_key",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("pepper", SmallInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("organisation", Text, nullable=True, index=True),
    Column("account_id", Uuid, nullable=True),
    Column("scopes", Text, nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=True),
    Column("last_used_at", BigInteger, nullable=True),
    Column("revoked_at", BigInteger, nullable=True),
    comment="API keys by their public id; the secret part only as a keyed hash.",
)

oauth_client = Table(
    "oauth_client",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("organisation", Text, nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("scopes", Text, nullable=True),
    Column("public_keys", LargeBinary, nullable=True),
    Column("secrets", LargeBinary, nullable=True),
    Column("dpop_bound", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=True),
    Column("revoked_at", BigInteger, nullable=True),
    comment="Programs that fetch access tokens: their public keys as JSON, or their secrets as keyed hashes.",
)

used_token = Table(
    "used_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
    comment="What was signed to be used once and has been used, until it would have expired anyway.",
)

installation = Table(
    "installation",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    comment="What the key files of this bank must be, as fingerprints: a bank never starts with foreign keys.",
)
