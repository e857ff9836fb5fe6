"""What the log says of an event: a salted commitment, so that entries which can never be taken back tell nothing.

An entry is `{"c":"<43 signs>","v":"creditbank-leaf/1"}`, written as RFC 8785 has it. The commitment is
HMAC-SHA-256 over the event's record under a salt of its own; record and salt together prove the entry, and
without the salt no guess can be tested. The record names the commitment before it in the same stream, so that
one entry fixes the whole history behind it.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from creditbank.audit.transparency.encoding import Malformed

LEAF, SEAL, HEADS = "creditbank-leaf/1", "creditbank-seal/1", "creditbank-heads/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An event as it is committed to. `body` is the stored text, to the byte; `recorded_at` in microseconds."""

    at: str
    stream: UUID
    version: int
    type: str
    recorded_at: int
    actor: str
    approved_by: str | None
    causation: UUID
    body: bytes
    previous: bytes | None

    @property
    def text(self) -> str:
        """The canonical text (RFC 8785): names in order, no spaces, no numbers but whole ones below 2**53."""
        return canonical(
            {
                "actor": self.actor,
                "approved_by": self.approved_by,
                "at": self.at,
                "body": self.body.decode(),
                "causation": str(self.causation),
                "prev": None if self.previous is None else short(self.previous),
                "recorded_at": self.recorded_at,
                "stream": str(self.stream),
                "type": self.type,
                "version": self.version,
            }
        )


def canonical(value: dict[str, Any]) -> str:
    """RFC 8785 for what we write: text, whole numbers, null, and objects and lists of them, with ASCII names."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def heads_text(number: int, heads: dict[int, int]) -> str:
    """What a seal commits to: its round's number and the last position of every partition that has any."""
    return canonical({"heads": {str(partition): heads[partition] for partition in heads}, "round": number})


def heads_of(text: str) -> dict[int, int]:
    """The last position of each partition, out of the text of a seal."""
    return {int(partition): position for partition, position in json.loads(text)["heads"].items()}


def event_salt(secret: bytes, stream: UUID, version: int) -> bytes:
    """The salt of one event. Each can be told without telling another one."""
    return hmac.digest(secret, b"creditbank/salt/1\0event\0" + stream.bytes + version.to_bytes(8, "big"), sha256)


def seal_salt(secret: bytes, number: int) -> bytes:
    return hmac.digest(secret, b"creditbank/salt/1\0seal\0" + number.to_bytes(8, "big"), sha256)


def event_commitment(salt: bytes, record: str) -> bytes:
    return hmac.digest(salt, b"creditbank/event/1\0" + record.encode(), sha256)


def seal_commitment(salt: bytes, heads: str) -> bytes:
    return hmac.digest(salt, b"creditbank/seal/1\0" + heads.encode(), sha256)


def event_entry(commitment: bytes) -> bytes:
    """The bytes of an event's entry in the log."""
    return b'{"c":"%s","v":"%s"}' % (short(commitment).encode(), LEAF.encode())


def seal_entry(commitment: bytes) -> bytes:
    """The bytes of the entry that ends a round: it commits to the head of every partition."""
    return b'{"c":"%s","v":"%s"}' % (short(commitment).encode(), SEAL.encode())


def heads_entry(streams: int, root: bytes, size: int) -> bytes:
    """The bytes of the entry that commits to the last event of every stream, as it stood at a size of the log."""
    return canonical({"n": streams, "r": short(root), "s": size, "v": HEADS}).encode()


def head_tag(secret: bytes, stream: UUID) -> bytes:
    """By what a stream stands in the tree of heads: in an order that tells nothing of the streams."""
    return hmac.digest(secret, b"creditbank/head/1\0" + stream.bytes, sha256)


def head_record(tag: bytes, version: int, commitment: bytes) -> bytes:
    """A stream's entry in the tree of heads: 72 bytes."""
    return tag + version.to_bytes(8, "big") + commitment


def short(value: bytes) -> str:
    """32 bytes as 43 signs: base64url without padding."""
    return urlsafe_b64encode(value).decode().rstrip("=")


def unshort(text: str) -> bytes:
    """Raises Malformed."""
    try:
        value = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, TypeError):
        raise Malformed("not base64url") from None
    if len(value) != 32 or short(value) != text:
        raise Malformed("not 32 bytes in base64url")
    return value
