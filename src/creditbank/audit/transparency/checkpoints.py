"""Checkpoints and proofs that can be checked offline: c2sp.org/tlog-checkpoint v1.0.0, c2sp.org/tlog-proof@v1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from creditbank.audit.transparency.encoding import Malformed, base64_bytes, base64_text, hash_bytes, number

PROOF = "c2sp.org/tlog-proof@v1"
MOST_PROOF_HASHES = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A tree head: whose log, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64_text(self.root)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That an entry stands at an index of the log, under a signed checkpoint (verbatim). `extra` is unauthenticated."""

    index: int
    hashes: Sequence[bytes]
    checkpoint: str
    extra: bytes | None = None

    def __str__(self) -> str:
        extra = [] if self.extra is None else [f"extra {base64_text(self.extra)}"]
        lines = [PROOF, *extra, f"index {self.index}", *map(base64_text, self.hashes), ""]
        return "\n".join(lines) + "\n" + self.checkpoint


def checkpoint_of(text: str) -> Checkpoint:
    """Read the text of a checkpoint's note. Extension lines are no business of ours and are refused."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise Malformed("a checkpoint has three lines: origin, size, root")
    return Checkpoint(origin=lines[0], size=number(lines[1]), root=hash_bytes(lines[2]))


def proof_of(text: str) -> Proof:
    """Read a `.tlog-proof`. Raises Malformed; nothing of it is verified yet."""
    head, separator, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines.pop(0) != PROOF or not lines:
        raise Malformed("not a proof of version 1")
    extra = None
    if lines[0].startswith("extra "):
        extra = base64_bytes(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise Malformed("the proof names no index")
    index = number(lines.pop(0).removeprefix("index "))
    if len(lines) > MOST_PROOF_HASHES:
        raise Malformed("the proof is longer than any tree is high")
    return Proof(index=index, hashes=[hash_bytes(line) for line in lines], checkpoint=checkpoint, extra=extra)
