"""Seventeenth slots, empty values, and shapes that no honest trie has."""

from __future__ import annotations

import pytest
import rlp

from tests.hostile.trie.asking import OTHER, PATH, VALUE, below, under_root
from tests.simulators.trie_builder import (
    Forge,
    branch,
    extension,
    leaf,
)
from verifier.errors import MalformedNode
from verifier.trie.walk import ABSENT


@pytest.mark.covers("MPT-23")
@pytest.mark.parametrize("seventeenth", [OTHER, VALUE, b"\x01"])
def test_the_seventeenth_slot(seventeenth):
    """In a trie of hashed keys no branch has a value, and it is never followed as a child."""
    children = {PATH[0] ^ 1: OTHER, PATH[0] ^ 2: OTHER}
    assert under_root(branch(children)) is ABSENT
    with pytest.raises(MalformedNode, match="a branch with a value"):
        under_root(branch(children, seventeenth))


@pytest.mark.covers("MPT-23")
def test_a_leaf_hung_into_the_seventeenth_slot():
    """A list there is no value; a hash there is the value itself, and its node is not looked up."""
    with pytest.raises(MalformedNode, match="value is a list"):
        under_root([*branch({1: OTHER, 2: OTHER})[:16], leaf([1], b"v")])
    forge = Forge()
    own = forge.keep(rlp.encode(leaf([1, 2], VALUE)))
    assert under_root(branch({1: OTHER, 2: OTHER}, own), b"", forge=forge) == own
    assert under_root(branch({1: OTHER, 2: OTHER}, own), b"\x34", forge=forge) is ABSENT


@pytest.mark.covers("MPT-23")
def test_a_branch_below_the_last_nibble():
    """After 64 nibbles there is a leaf's end or nothing."""
    with pytest.raises(MalformedNode, match="below the last nibble"):
        below(rlp.encode(branch(dict.fromkeys(range(16), OTHER))), at=64)
    with pytest.raises(MalformedNode, match="below the last nibble"):
        below(rlp.encode(branch({1: OTHER, 2: OTHER})), at=64)
    assert below(rlp.encode(leaf([], VALUE)), at=64) == VALUE


@pytest.mark.covers("MPT-24")
@pytest.mark.parametrize("at", [0, 1, 3])
def test_an_empty_value_in_a_leaf(at):
    """Present and empty is not a thing; one byte is."""
    assert below(rlp.encode(leaf(PATH[at:], b"\x80")), at=at) == b"\x80"
    with pytest.raises(MalformedNode, match="empty or a list"):
        below(rlp.encode(leaf(PATH[at:], b"")), at=at)


@pytest.mark.covers("MPT-25")
@pytest.mark.parametrize(
    ("structure", "why"),
    [
        (branch({PATH[0]: OTHER}), "fewer than two"),
        (branch({PATH[0] ^ 1: OTHER}), "fewer than two"),
        (branch({}), "fewer than two"),
        (extension(PATH[:2], b""), "without a child"),
        (extension(PATH[:60], leaf(PATH[60:], b"\x01")), "does not lead to a branch"),
        (extension(PATH[:2], extension(PATH[2:4], branch({1: leaf([], b"a"), 2: leaf([], b"b")}))), "not lead to a branch"),
    ],
)  # fmt: skip
def test_shapes_that_are_not_minimal(structure, why):
    """One child, no child, an extension to anything but a branch: no honest root contains them."""
    with pytest.raises(MalformedNode, match=why):
        under_root(structure)


@pytest.mark.covers("MPT-25")
@pytest.mark.parametrize("kind", ["leaf", "extension", "branch"])
def test_an_extension_to_a_node_under_a_hash(kind):
    """What stands behind the hash is looked at too: a branch is taken, a leaf or an extension is not."""
    forge = Forge()
    end = forge.refer(leaf(PATH[5:], VALUE))
    nodes = {
        "leaf": leaf(PATH[4:], VALUE),
        "extension": extension(PATH[4:6], OTHER),
        "branch": branch({PATH[4]: end, PATH[4] ^ 1: OTHER}),
    }
    structure = extension(PATH[:4], forge.refer(nodes[kind]))
    if kind == "branch":
        assert under_root(structure, forge=forge) == VALUE
    else:
        with pytest.raises(MalformedNode, match="does not lead to a branch"):
            under_root(structure, forge=forge)
