"""A witness for the logs of others: cosigns a checkpoint when it goes on from the one it cosigned before.

The protocol is c2sp.org/tlog-witness v1.0.0. What was cosigned is on the disk before it is answered, so that no
crash makes a witness forget a head and cosign a fork.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from creditbank.audit.transparency import merkle, notes
from creditbank.audit.transparency.checkpoints import MOST_PROOF_HASHES, Checkpoint, checkpoint_of
from creditbank.audit.transparency.encoding import Malformed, base64_text, hash_bytes, number
from creditbank.audit.transparency.merkle import Unproven
from creditbank.audit.transparency.notes import InvalidNote, Note, VerifierKey
from creditbank.vault.durable import replace_file

SIZE_TYPE = "text/x.tlog.size"
MOST_REQUEST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a witness answers: an HTTP status, and the text that belongs to it."""

    status: int
    text: str = ""
    media_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Cosigns for the logs whose keys it knows. `clock` gives microseconds since 1970 UTC.

    No other process may use `folder` meanwhile: two that do not know of each other would cosign a fork.
    """

    name: str
    key: Ed25519PrivateKey = field(repr=False)
    logs: Mapping[str, Collection[VerifierKey]]
    folder: Path
    clock: Callable[[], int]
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add_checkpoint(self, body: bytes) -> Verdict:
        """Cosign the checkpoint of a request, or say why not."""
        try:
            old, proof, note = _request(body)
            head = checkpoint_of(note.text)
        except Malformed:
            return Verdict(400)
        if head.origin not in self.logs:
            return Verdict(404)
        try:
            signed = tuple(signature for _, signature in notes.verified(note, self.logs[head.origin]))
        except InvalidNote:
            signed = ()
        if not signed:
            return Verdict(403)
        if old > head.size:
            return Verdict(400)
        with self._lock:
            return self._settle(old, proof, Note(text=note.text, signatures=signed), head)

    def checkpoint(self, origin_hash: str) -> str | None:
        """The last checkpoint that was cosigned of a log, by the hash of its origin, with the cosignature."""
        path = self.folder / f"{origin_hash}.json"
        known = {sha256(origin.encode()).hexdigest() for origin in self.logs}
        return json.loads(path.read_text("utf-8"))["note"] if origin_hash in known and path.exists() else None

    def _settle(self, old: int, proof: list[bytes], note: Note, head: Checkpoint) -> Verdict:
        origin_hash = sha256(head.origin.encode()).hexdigest()
        known = self.checkpoint(origin_hash)
        before = None if known is None else checkpoint_of(notes.parse(known).text)
        size, root = (0, merkle.EMPTY_ROOT) if before is None else (before.size, before.root)
        if old != size:
            return Verdict(409, f"{size}\n", SIZE_TYPE)
        try:
            merkle.check_consistency(size, head.size, root, head.root, proof)
            if head.size == 0 and head.root != merkle.EMPTY_ROOT:
                raise Unproven("the empty tree has another root")
        except Unproven:
            return Verdict(422)
        cosignature = notes.cosign(note.text, self.key, self.name, self.clock() // 1_000_000)
        kept = str(Note(text=note.text, signatures=(*note.signatures, cosignature)))
        replace_file(self.folder / f"{origin_hash}.json", json.dumps({"note": kept}))
        return Verdict(200, cosignature.line)


def request(old: int, proof: Collection[bytes], note: str) -> str:
    """The body with which a checkpoint is submitted."""
    lines = [f"old {old}", *map(base64_text, proof), ""]
    return "\n".join(lines) + "\n" + note


def _request(body: bytes) -> tuple[int, list[bytes], Note]:
    try:
        head, separator, note = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    lines = head.split("\n")
    if not separator or not lines[0].startswith("old ") or len(lines) > MOST_PROOF_HASHES + 1:
        raise Malformed("not a request to cosign")
    return number(lines[0].removeprefix("old ")), [hash_bytes(line) for line in lines[1:]], notes.parse(note)
