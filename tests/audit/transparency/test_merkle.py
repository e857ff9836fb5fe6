"""Merkle trees: the test vectors of Certificate Transparency, a second reading of RFC 6962, and every small tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbank.audit.transparency import merkle
from creditbank.audit.transparency.merkle import Hashes, Unproven, leaf_hash, node_hash

# The eight leaves and the roots over the first of them that Certificate Transparency's implementations share.
ENTRIES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                            "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def tree(leaves: list[bytes]) -> Hashes:
    """The hashes of every complete subtree, by the recursion as the RFC writes it."""

    def hashes(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return node_hash(hashes(level - 1, 2 * index), hashes(level - 1, 2 * index + 1))

    return hashes


def leaves_of(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    leaves = [leaf_hash(entry) for entry in ENTRIES]

    assert merkle.root(size, tree(leaves)).hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_root_of_nothing() -> None:
    assert merkle.root(0, tree([])).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 40))
def test_every_leaf_is_proven_and_no_other(size: int) -> None:
    leaves = leaves_of(size)
    root = merkle.root(size, tree(leaves))

    for index, leaf in enumerate(leaves):
        proof = merkle.inclusion(index, size, tree(leaves))
        merkle.check_inclusion(leaf, index, size, proof, root)
        for wrong in {index - 1, index + 1, size} - {index}:
            with pytest.raises(Unproven):
                merkle.check_inclusion(leaf, wrong, size, proof, root)


@pytest.mark.parametrize("size", range(1, 40))
def test_every_beginning_is_proven_and_no_other(size: int) -> None:
    hashes = tree(leaves_of(size))
    root = merkle.root(size, hashes)

    for old in range(size + 1):
        proof = merkle.consistency(old, size, hashes)
        merkle.check_consistency(old, size, merkle.root(old, hashes), root, proof)
        with pytest.raises(Unproven):
            merkle.check_consistency(old, size, leaf_hash(b"forged"), root, proof)
        if old not in (0, size):
            with pytest.raises(Unproven):
                merkle.check_consistency(old, size, merkle.root(old, hashes), leaf_hash(b"forged"), proof)


@given(st.integers(1, 300), st.data())
def test_a_proof_with_one_bit_changed_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion(index, size, tree(leaves))
    changed = bytearray(b"".join([leaves[index], *proof]))
    place = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[place // 8] ^= 1 << place % 8
    parts = [bytes(changed[start : start + 32]) for start in range(0, len(changed), 32)]

    with pytest.raises(Unproven):
        merkle.check_inclusion(parts[0], index, size, parts[1:], merkle.root(size, tree(leaves)))


@given(st.integers(1, 300), st.integers(0, 300), st.lists(st.binary(min_size=32, max_size=32), max_size=12))
def test_invented_proofs_are_refused_and_never_fail_otherwise(size: int, old: int, proof: list[bytes]) -> None:
    with pytest.raises(Unproven):
        merkle.check_consistency(old, size, leaf_hash(b"old"), leaf_hash(b"new"), proof)
    with pytest.raises(Unproven):
        merkle.check_inclusion(leaf_hash(b"leaf"), old, size, proof, leaf_hash(b"root"))


def test_what_lies_outside_of_the_tree_has_no_proof() -> None:
    hashes = tree(leaves_of(3))

    with pytest.raises(ValueError, match="outside"):
        merkle.inclusion(3, 3, hashes)
    with pytest.raises(ValueError, match="does not begin"):
        merkle.consistency(4, 3, hashes)
