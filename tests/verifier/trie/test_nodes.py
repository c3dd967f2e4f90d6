"""The plain parser: each kind of node, and the shapes that no honest trie holds."""

from __future__ import annotations

import pytest
import rlp

from tests.simulators.trie_builder import branch, extension, leaf
from verifier.errors import NOWHERE, LimitExceeded, MalformedNode, MalformedRlp, Where
from verifier.trie.nodes import EMPTY, Branch, Extension, Leaf, parse_node

HASH = b"\xaa" * 32
SMALL = leaf([1, 2, 3], b"v")
TWIGS = branch({0: leaf([], b"a"), 5: leaf([], b"b")})


def parse(structure):
    return parse_node(rlp.encode(structure), NOWHERE)


def test_a_leaf():
    """Path and value come out as they went in, for even and odd paths and none at all."""
    assert parse(leaf([1, 2], b"value")) == Leaf("12", b"value")
    assert parse(leaf([1, 2, 3], b"v")) == Leaf("123", b"v")
    assert parse(leaf([], b"\x05")) == Leaf("", b"\x05")


def test_a_branch_with_hashes_embedded_nodes_gaps_and_a_value():
    """Every kind of child, in its place."""
    node = parse(branch({0: HASH, 3: SMALL, 15: extension([7], TWIGS)}, b"here"))
    assert isinstance(node, Branch)
    assert node.children[0] == HASH
    assert node.children[3] == Leaf("123", b"v")
    assert isinstance(node.children[15], Extension)
    assert node.children[1] is EMPTY
    assert repr(EMPTY) == "EMPTY"
    assert node.value == b"here"


def test_an_extension_to_a_hash_and_to_an_embedded_branch():
    """The child is named by hash, or stands inside."""
    assert parse(extension([1], HASH)) == Extension("1", HASH)
    inner = parse(extension([1, 2], TWIGS))
    assert isinstance(inner, Extension)
    assert isinstance(inner.child, Branch)


@pytest.mark.parametrize(
    ("structure", "why"),
    [
        (b"", "a byte string instead of a list"),
        (b"text" * 20, "a byte string instead of a list"),
        ([], "neither 2 nor 17"),
        ([b"\x20"], "neither 2 nor 17"),
        ([b"\x20", b"v", b""], "neither 2 nor 17"),
        ([b""] * 16, "neither 2 nor 17"),
        ([HASH] * 18, "neither 2 nor 17"),
        (branch({}), "fewer than two"),
        (branch({4: HASH}), "fewer than two"),
        (branch({}, b"value"), "fewer than two"),
        ([*branch({1: HASH, 2: HASH})[:16], [b"v"]], "value is a list"),
        (branch({1: HASH, 2: HASH[:31]}), "not 32 bytes"),
        (branch({1: HASH, 2: HASH + b"a"}), "not 32 bytes"),
        (branch({1: HASH, 2: b"\x01"}), "not 32 bytes"),
        (branch({1: HASH, 2: rlp.encode(SMALL)}), "not 32 bytes"),
        (branch({1: HASH, 2: []}), "neither 2 nor 17"),
        (branch({1: HASH, 2: leaf([1, 2, 3], b"v" * 29)}), "32 bytes or more"),
        (branch({1: HASH, 2: leaf([1, 2, 3], b"")}), "empty or a list"),
        ([[b"\x20"], b"v"], "a path that is a list"),
        ([b"", b"v"], "without its flag"),
        (leaf([1], b""), "empty or a list"),
        (leaf([1], [b"v"]), "empty or a list"),
        (extension([], HASH), "an empty path"),
        (extension([1], b""), "without a child"),
        (extension([1], HASH[:31]), "not 32 bytes"),
        (extension([1], SMALL), "does not lead to a branch"),
        (extension([1], extension([2], TWIGS)), "does not lead to a branch"),
        (extension([1], [HASH, HASH]), "32 bytes or more"),
    ],
)  # fmt: skip
def test_shapes_that_no_honest_trie_holds(structure, why):
    """Each differs in one thing from a node that is taken."""
    with pytest.raises(MalformedNode, match=why):
        parse(structure)


@pytest.mark.parametrize(
    ("size", "verdict"), [(31, None), (32, "32 bytes or more"), (33, "32 bytes or more")], ids=["31", "32", "33"]
)
def test_the_border_of_32_bytes_for_embedded_nodes(size, verdict):
    """31 bytes stand inside the parent, 32 do not."""
    embedded = leaf([1, 2, 3], b"v" * (size - 5))
    assert len(rlp.encode(embedded)) == size
    structure = branch({0: HASH, 1: embedded})
    if verdict is None:
        assert isinstance(parse(structure), Branch)
    else:
        with pytest.raises(MalformedNode, match=verdict):
            parse(structure)


def test_what_is_not_rlp_is_refused_as_such_with_its_place():
    """A node cut off by a byte is not canonical RLP; the error names the place."""
    raw, where = rlp.encode(leaf([1, 2], b"v" * 40)), Where(node="0xabc")
    assert parse_node(raw, where).value == b"v" * 40
    with pytest.raises(MalformedRlp, match="node 0xabc"):
        parse_node(raw[:-1], where)


def test_more_items_than_any_node_has():
    """A list of thousands of items is refused by the limit."""
    with pytest.raises(LimitExceeded, match="RLP items"):
        parse([b""] * 2_000)
