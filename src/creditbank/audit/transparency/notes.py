"""Signed notes and their Ed25519 keys: c2sp.org/signed-note v1.0.0, cosignatures c2sp.org/tlog-cosignature v1.0.1."""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from creditbank.audit.transparency.encoding import Malformed, base64_bytes, base64_text

PLAIN: Final = 0x01
COSIGNATURE: Final = 0x04
"""Signature types: over the text of the note; over the text and a time, by a witness."""

MOST_NOTE_BYTES = 1_000_000
MOST_SIGNATURES = 64
_DASH = "\u2014 "


class InvalidNote(Malformed):
    """Not a signed note, or not signed by whom it has to be signed by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key with its name and what it signs; written as `<name>+<key id>+<base64>`."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of a hash: a name for the key, not a proof of it."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64_text(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line: whose, and the bytes behind the key id. `timestamp` in seconds since 1970 UTC."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        return f"{_DASH}{self.name} {base64_text(self.key_id + self.value)}\n"

    @property
    def timestamp(self) -> int:
        """When a cosignature was given."""
        return int(struct.unpack(">Q", self.value[:8])[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text, which ends in a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line for signature in self.signatures)


def verifier_key(text: str) -> VerifierKey:
    """Read a verifier key. Raises Malformed."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    body = base64_bytes(encoded)
    if len(body) != 33 or body[0] not in (PLAIN, COSIGNATURE):
        raise InvalidNote("the verifier key is not one for Ed25519")
    key = VerifierKey(name=_checked_name(name), kind=body[0], public=body[1:])
    if key.key_id.hex() != key_id:
        raise InvalidNote("the verifier key's id is not that of its key")
    return key


def key_of(private: Ed25519PrivateKey, name: str, kind: Literal[1, 4] = PLAIN) -> VerifierKey:
    return VerifierKey(name=_checked_name(name), kind=kind, public=private.public_key().public_bytes_raw())


def sign(text: str, private: Ed25519PrivateKey, name: str) -> Signature:
    """A signature over the text of a note."""
    return Signature(name=name, key_id=key_of(private, name).key_id, value=private.sign(text.encode()))


def cosign(text: str, private: Ed25519PrivateKey, name: str, timestamp: int) -> Signature:
    """A witness's signature over a checkpoint's text, at a time in seconds since 1970 UTC."""
    value = struct.pack(">Q", timestamp) + private.sign(_cosigned(text, timestamp))
    return Signature(name=name, key_id=key_of(private, name, COSIGNATURE).key_id, value=value)


def parse(note: str | bytes) -> Note:
    """Read a note, of which nothing is verified yet. Raises Malformed."""
    raw = note.encode() if isinstance(note, str) else note
    if len(raw) > MOST_NOTE_BYTES:
        raise InvalidNote("the note is too long")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise InvalidNote("the note is not UTF-8") from None
    if any(sign < " " and sign != "\n" for sign in text):
        raise InvalidNote("the note holds control characters")
    body, separator, lines = text.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise InvalidNote("the note has no signatures")
    signed = lines.removesuffix("\n").split("\n")
    if len(signed) > MOST_SIGNATURES:
        raise InvalidNote("the note has too many signatures")
    return Note(text=body + "\n", signatures=tuple(_signature(line) for line in signed))


def verified(note: Note, keys: Collection[VerifierKey]) -> Sequence[tuple[VerifierKey, Signature]]:
    """Which of these keys signed it, with their signatures; those of other keys are ignored.

    Raises InvalidNote where a signature that names one of the keys is not by it. Twice the same key counts once.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found: dict[VerifierKey, Signature] = {}
    for signature in note.signatures:
        if key := known.get((signature.name, signature.key_id)):
            _check(note.text, key, signature)
            found[key] = signature
    return list(found.items())


def _check(text: str, key: VerifierKey, signature: Signature) -> None:
    value, message = signature.value, text.encode()
    if key.kind == COSIGNATURE:
        if len(value) != 72:
            raise InvalidNote("the cosignature has not the length of one")
        message, value = _cosigned(text, signature.timestamp), value[8:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(value, message)
    except InvalidSignature:
        raise InvalidNote(f"the signature of {key.name} does not fit the note") from None


def _cosigned(text: str, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def _signature(line: str) -> Signature:
    name, separator, encoded = line.removeprefix(_DASH).partition(" ")
    value = base64_bytes(encoded)
    if not line.startswith(_DASH) or not separator or len(value) < 5:
        raise InvalidNote("a signature line of the note is malformed")
    return Signature(name=_checked_name(name), key_id=value[:4], value=value[4:])


def _checked_name(name: str) -> str:
    if not name or "+" in name or any(sign.isspace() for sign in name):
        raise InvalidNote("the name of a key is empty, or holds a space or a plus sign")
    return name
