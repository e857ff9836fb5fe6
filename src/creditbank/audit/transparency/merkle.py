"""Merkle trees of RFC 6962, section 2.1: hashes, roots, and proofs of inclusion and consistency.

A tree is known by the hashes of its complete subtrees, which a `Hashes` function gives: `(level, index)` is the
subtree over the leaves from `index * 2**level` on, `2**level` of them. So a proof needs a handful of hashes,
wherever they are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()

Hashes = Callable[[int, int], bytes]
"""The hash of a complete subtree, by level and index."""


class Unproven(ValueError):
    """A proof does not show what it is said to show."""


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root(size: int, hashes: Hashes) -> bytes:
    """The root of the tree over the first `size` leaves."""
    return _range_hash(0, size, hashes) if size else EMPTY_ROOT


def inclusion(index: int, size: int, hashes: Hashes) -> list[bytes]:
    """The audit path of a leaf: from its sibling up to the root's child. Raises ValueError outside of the tree."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is outside of a tree of {size}")
    return [_range_hash(start, end, hashes) for start, end in _path(index, 0, size)]


def consistency(old: int, size: int, hashes: Hashes) -> list[bytes]:
    """The proof that the tree of `old` leaves is the beginning of the one of `size`; empty for 0 and for `size`."""
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} does not begin with one of {old}")
    if old in (0, size):
        return []
    return [_range_hash(start, end, hashes) for start, end in _seam(old, 0, size, is_whole=True)]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes) -> None:
    """Raise Unproven unless the proof leads from this leaf hash to the root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise Unproven("the leaf is outside of the tree")
    node, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Unproven("the proof is too long")
        if node & 1 or node == last:
            current = node_hash(sibling, current)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    if last or current != expected_root:
        raise Unproven("the proof does not lead to the root")


def check_consistency(old: int, size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise Unproven unless the old tree is the beginning of the new one (RFC 9162, section 2.1.4.2)."""
    if not 0 <= old <= size:
        raise Unproven("the old tree is larger than the new one")
    if old in (0, size):
        _check_trivial(old, size, old_root, new_root, proof)
        return
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not hashes:
        raise Unproven("the proof is empty")
    node, last = old - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise Unproven("the proof is too long")
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    if last or first != old_root or second != new_root:
        raise Unproven("the old tree is not the beginning of the new one")


def _check_trivial(old: int, size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    is_same = old_root == new_root if old == size else old_root == EMPTY_ROOT
    if proof or not is_same:
        raise Unproven("trees of these sizes need no proof, and their roots do not fit")


def _split(start: int, end: int) -> int:
    """Where a range of more than one leaf parts: at the largest power of two below its length."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _range_hash(start: int, end: int, hashes: Hashes) -> bytes:
    length = end - start
    if length & (length - 1) == 0:
        level = length.bit_length() - 1
        return hashes(level, start >> level)
    middle = _split(start, end)
    return node_hash(_range_hash(start, middle, hashes), _range_hash(middle, end, hashes))


def _path(index: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    if end - start == 1:
        return
    middle = _split(start, end)
    if index < middle:
        yield from _path(index, start, middle)
        yield middle, end
    else:
        yield from _path(index, middle, end)
        yield start, middle


def _seam(old: int, start: int, end: int, *, is_whole: bool) -> Iterator[tuple[int, int]]:
    """The ranges of a consistency proof. `is_whole` while the old tree itself is the range's beginning."""
    if old == end:
        if not is_whole:
            yield start, end
        return
    middle = _split(start, end)
    if old <= middle:
        yield from _seam(old, start, middle, is_whole=is_whole)
        yield middle, end
    else:
        yield from _seam(old, middle, end, is_whole=False)
        yield start, middle
