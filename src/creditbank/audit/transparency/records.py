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
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring as _quoted
from typing import Any
from uuid import UUID

from creditbank.audit.transparency.encoding import Malformed

LEAF, SEAL, HEADS = "creditbank-leaf/1", "creditbank-seal/1", "creditbank-heads/1"
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
"""How RFC 2104 changes a key, byte by byte."""
_EVENT_ENTRY = b'{"c":"%%s","v":"%s"}' % LEAF.encode()


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
        return record_text(
            at=self.at,
            stream=str(self.stream),
            version=self.version,
            type=self.type,
            recorded_at=self.recorded_at,
            actor=self.actor,
            approved_by=self.approved_by,
            causation=str(self.causation),
            body=self.body,
            previous=self.previous,
        )


def record_text(
    at: str, stream: str, version: int, type: str, recorded_at: int, actor: str, approved_by: str | None,
    causation: str, body: bytes, previous: bytes | None,
) -> str:  # fmt: skip
    """The canonical text of a record, member by member: an audit makes as many of these as there are events."""
    by = "null" if approved_by is None else _quoted(approved_by)
    before = "null" if previous is None else f'"{short(previous)}"'
    return (
        f'{{"actor":{_quoted(actor)},"approved_by":{by},"at":"{at}","body":{_quoted(body.decode())},'
        f'"causation":"{causation}","prev":{before},"recorded_at":{recorded_at},"stream":"{stream}",'
        f'"type":{_quoted(type)},"version":{version}}}'
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


def event_salt(secret: bytes, stream: bytes, version: int) -> bytes:
    """The salt of one event, by the 16 bytes of its stream's id. Each can be told without telling another one."""
    return _salts(secret).event(stream, version)


class Salts:
    """The salts of all events under one secret: HMAC-SHA-256, of which what is always the same is done once."""

    def __init__(self, secret: bytes) -> None:
        key = sha256(secret).digest() if len(secret) > sha256().block_size else secret
        padded = key.ljust(sha256().block_size, b"\0")
        self._inner = sha256(padded.translate(_INNER) + b"creditbank/salt/1\0event\0")
        self._outer = sha256(padded.translate(_OUTER))

    def event(self, stream: bytes, version: int) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(stream + version.to_bytes(8, "big"))
        outer.update(inner.digest())
        return outer.digest()


_salts = lru_cache(maxsize=4)(Salts)


def seal_salt(secret: bytes, number: int) -> bytes:
    return hmac.digest(secret, b"creditbank/salt/1\0seal\0" + number.to_bytes(8, "big"), sha256)


def event_commitment(salt: bytes, record: str) -> bytes:
    return hmac.digest(salt, b"creditbank/event/1\0" + record.encode(), "sha256")


def seal_commitment(salt: bytes, heads: str) -> bytes:
    return hmac.digest(salt, b"creditbank/seal/1\0" + heads.encode(), sha256)


def event_entry(commitment: bytes) -> bytes:
    """The bytes of an event's entry in the log."""
    return _EVENT_ENTRY % urlsafe_b64encode(commitment)[:43]


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
