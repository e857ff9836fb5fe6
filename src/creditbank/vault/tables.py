"""The tables of the vault: sealed personal data, blind indexes, hashed keys, and what this bank was installed with."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
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
    Column("wrapping", SmallInteger, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("name", LargeBinary, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("birth_date", LargeBinary, nullable=True),
    PrimaryKeyConstraint("account_id", "partition_id"),
    comment="Personal data under a key per person, itself wrapped by the generation `wrapping` of a key outside.",
)

person_claim = Table(
    "person_claim",
    metadata,
    Column("blind_index", LargeBinary, nullable=False),
    Column("account_id", Uuid, nullable=False, index=True),
    Column("partition_id", SmallInteger, nullable=False),
    Column("generation", SmallInteger, nullable=False),
    PrimaryKeyConstraint("blind_index", "partition_id"),
    comment="One live account per identity document: hash of its type and number, keyed by a generation of a key.",
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
    Column("expires_at", BigInteger, nullable=False),
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

member = Table(
    "member",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("organisation", Text, nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=True),
    Column("removed_at", BigInteger, nullable=True),
    comment="People who act for the bank or an organisation, as an identity provider names them.",
)
Index(
    "member_subject",
    member.c.issuer,
    member.c.subject,
    unique=True,
    postgresql_where=member.c.removed_at.is_(None),
    sqlite_where=member.c.removed_at.is_(None),
)

session = Table(
    "session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("session_id", Text, nullable=False, index=True, unique=True),
    Column("member_id", Text, nullable=True, index=True),
    Column("account_id", Uuid, nullable=True, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("authenticated_at", BigInteger, nullable=True),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    comment="People who are signed in: a member, or a learner by the account. Of the cookie only a hash.",
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
    Column("name", Text, nullable=False),
    Column("generation", SmallInteger, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("name", "generation"),
    comment="What the key files of this bank must be, as fingerprints: a bank never starts with foreign keys.",
)

key_reader = Table(
    "key_reader",
    metadata,
    Column("process", Text, primary_key=True),
    Column("seen_at", BigInteger, nullable=False),
    Column("rings", LargeBinary, nullable=False),
    comment="Which processes serve, and which generations of the keys each of them can read, as JSON.",
)
