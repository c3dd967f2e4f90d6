"""Ordered trees: one place for each item, one shape for each count, and nothing that the proof may choose."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.trie_builder import keccak
from verifier.errors import BadInput, MissingEvidence, UnusedEvidence, WrongBinding, WrongHash
from verifier.merkle.absence import Neighbour, keys_ascend, verify_absent
from verifier.merkle.ordered import (
    ARBITRUM_SENDS,
    MAX_COUNT,
    RFC6962,
    SCHEMES,
    TAGGED_KECCAK,
    Odd,
    Scheme,
    build_root,
    prove_at,
    verify_at,
)


def items(count: int) -> list[bytes]:
    return [keccak(b"item-%d" % i) for i in range(count)]


def rfc6962_root(leaves: list[bytes]) -> bytes:
    """Section 2.1 of RFC 6962, word by word."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + rfc6962_root(leaves[:split]) + rfc6962_root(leaves[split:])).digest()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 7, 8, 11])
def test_the_certificate_transparency_root(count: int) -> None:
    """The root that the RFC's own recursion gives."""
    assert build_root(RFC6962, items(count)) == rfc6962_root(items(count))


@given(count=st.integers(1, 40), index=st.integers(0, 39), name=st.sampled_from(sorted(SCHEMES)))
@settings(max_examples=60, deadline=None)
def test_each_item_at_its_place_and_nowhere_else(count: int, index: int, name: str) -> None:
    """A proof verifies for one index, count and item, and for no neighbour of these."""
    scheme, index = SCHEMES[name], index % count
    listed = items(count)
    root, proof = build_root(scheme, listed), prove_at(scheme, listed, index)
    assert verify_at(root, scheme, index, count, listed[index], proof) == scheme.leaf(listed[index])
    for wrong in {index ^ 1, (index + 1) % count} - {index}:
        if wrong < count:
            with pytest.raises((WrongHash, MissingEvidence, UnusedEvidence)):
                verify_at(root, scheme, wrong, count, listed[index], proof)
    with pytest.raises(WrongHash):
        verify_at(root, scheme, index, count, keccak(b"other"), proof)


@pytest.mark.covers("MRK-03", "MRK-11")
@pytest.mark.parametrize(("index", "count"), [(1, 1), (2, 2), (-1, 2), (0, 0), (0, -1), (0, 2**255), (True, 2)])
def test_index_and_count_out_of_range(index: int, count: int) -> None:
    """Index 1 of 1 is no item, and neither is anything of an empty or a boundless list."""
    root, proof = build_root(TAGGED_KECCAK, items(2)), prove_at(TAGGED_KECCAK, items(2), 0)
    with pytest.raises(BadInput):
        verify_at(root, TAGGED_KECCAK, index, count, items(2)[0], proof)


def test_a_list_has_an_item_and_at_most_so_many() -> None:
    """An empty list has no root; the longest one is asked for its siblings, one longer is refused for its count."""
    with pytest.raises(BadInput, match="items"):
        build_root(TAGGED_KECCAK, [])
    root = build_root(TAGGED_KECCAK, items(1))
    with pytest.raises(MissingEvidence):
        verify_at(root, TAGGED_KECCAK, 0, MAX_COUNT, items(1)[0], ())
    with pytest.raises(BadInput, match="number of items"):
        verify_at(root, TAGGED_KECCAK, 0, MAX_COUNT + 1, items(1)[0], ())


@pytest.mark.covers("MRK-02")
def test_a_duplicated_last_item_changes_the_root() -> None:
    """A,B,C and A,B,C,C have different roots, and no scheme pairs a node with itself."""
    three = items(3)
    for scheme in SCHEMES.values():
        assert build_root(scheme, three) != build_root(scheme, [*three, three[-1]])
        assert scheme.odd in {Odd.PROMOTED, Odd.ZERO}
        with pytest.raises((WrongHash, UnusedEvidence, MissingEvidence)):
            verify_at(build_root(scheme, three), scheme, 3, 4, three[2], prove_at(scheme, [*three, three[2]], 3))


@pytest.mark.covers("MRK-04")
def test_every_sibling_is_hashed_or_refused() -> None:
    """One sibling more, one less, one changed, and a missing neighbour that is not zero."""
    for scheme in SCHEMES.values():
        listed = items(5)
        root, proof = build_root(scheme, listed), prove_at(scheme, listed, 4)
        with pytest.raises(UnusedEvidence):
            verify_at(root, scheme, 4, 5, listed[4], [*proof, bytes(32)])
        with pytest.raises(MissingEvidence):
            verify_at(root, scheme, 4, 5, listed[4], proof[:-1])
    proof = list(prove_at(ARBITRUM_SENDS, items(5), 4))
    assert proof[0] == bytes(32)
    proof[0] = keccak(b"carried along")
    with pytest.raises(WrongHash, match="missing neighbour"):
        verify_at(build_root(ARBITRUM_SENDS, items(5)), ARBITRUM_SENDS, 4, 5, items(5)[4], proof)


@pytest.mark.covers("MRK-01", "MRK-05")
def test_a_scheme_without_a_difference_between_leaves_and_nodes_cannot_be_made() -> None:
    """Prefixes differ, or leaves have one width that two children do not have; and a proof names no scheme."""
    for width in (None, 64):
        with pytest.raises(BadInput):
            Scheme("bad", keccak, b"", b"", Odd.PROMOTED, width)
    two = [TAGGED_KECCAK.leaf(item) for item in items(2)]
    assert TAGGED_KECCAK.leaf(two[0] + two[1]) != build_root(TAGGED_KECCAK, items(2))
    with pytest.raises(BadInput):
        ARBITRUM_SENDS.leaf(two[0] + two[1])
    with pytest.raises(WrongHash):
        verify_at(build_root(RFC6962, items(2)), TAGGED_KECCAK, 0, 2, items(2)[0], prove_at(RFC6962, items(2), 0))


# --- absence ---------------------------------------------------------------------------------------------

KEYED = [bytes([k]) * 4 + b"value-%d" % k for k in (2, 4, 6, 8)]
ROOT = build_root(TAGGED_KECCAK, KEYED)


def neighbour(index: int) -> Neighbour:
    return Neighbour(index, KEYED[index], prove_at(TAGGED_KECCAK, KEYED, index))


def key(n: int) -> bytes:
    return bytes([n]) * 4


def absent(n: int, left: Neighbour | None, right: Neighbour | None) -> None:
    verify_absent(ROOT, TAGGED_KECCAK, len(KEYED), key(n), left, right)


def test_a_gap_between_neighbours_shows_absence() -> None:
    """In the middle, before the first, behind the last."""
    absent(5, neighbour(1), neighbour(2))
    absent(1, None, neighbour(0))
    absent(9, neighbour(3), None)
    assert keys_ascend(KEYED, 4)
    assert not keys_ascend(KEYED[::-1], 4)


@pytest.mark.covers("MRK-06")
@pytest.mark.parametrize(
    ("n", "left", "right", "error"),
    [
        (5, 0, 2, WrongBinding),  # not adjacent: the key of index 1 is hidden
        (5, 0, 3, WrongBinding),
        (5, 2, 1, WrongBinding),  # in the wrong order
        (4, 0, 1, WrongBinding),  # the key is there: it is the right neighbour
        (4, 1, 2, WrongBinding),  # the key is there: it is the left neighbour
        (9, 0, 1, WrongBinding),  # not between them
        (5, 1, None, MissingEvidence),  # not the last
        (5, None, 2, MissingEvidence),  # not the first
        (5, None, None, MissingEvidence),
    ],
)
def test_neighbours_that_show_nothing(n: int, left: int | None, right: int | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        absent(n, None if left is None else neighbour(left), None if right is None else neighbour(right))


@pytest.mark.covers("MRK-06")
def test_a_neighbour_of_another_tree() -> None:
    """Adjacent indices of two trees are no gap in one."""
    other = [*KEYED[:2], key(7) + b"x", KEYED[3]]
    stranger = Neighbour(2, other[2], prove_at(TAGGED_KECCAK, other, 2))
    with pytest.raises(WrongHash):
        absent(5, neighbour(1), stranger)


@pytest.mark.covers("MRK-06")
def test_a_key_has_a_width_that_every_leaf_has() -> None:
    """No key at all is between anything; a leaf that is all key will do, and one that is shorter has no such key."""
    with pytest.raises(BadInput, match="key"):
        verify_absent(ROOT, TAGGED_KECCAK, len(KEYED), b"", None, neighbour(0))
    short = [key(2), key(6)[:3], key(8)]
    root = build_root(TAGGED_KECCAK, short)
    beside = [Neighbour(i, short[i], prove_at(TAGGED_KECCAK, short, i)) for i in range(3)]
    verify_absent(root, TAGGED_KECCAK, 3, key(9), beside[2], None)
    for pair in ((beside[0], beside[1]), (beside[1], beside[2])):
        with pytest.raises(BadInput, match="neighbour"):
            verify_absent(root, TAGGED_KECCAK, 3, key(7), *pair)
    assert not keys_ascend(short, 4)
    assert keys_ascend(short, 3)
    assert not keys_ascend([key(2) + b"a", key(2) + b"b"], 4), "one key twice"
