"""Nodes inside nodes: which are embedded, which are referenced, and at which width."""

from __future__ import annotations

import pytest
import rlp

from tests.hostile.trie.asking import KEY, OTHER, PATH, VALUE, ask, below, under_root
from tests.simulators.trie_builder import (
    Forge,
    branch,
    build,
    extension,
    keccak,
    leaf,
)
from verifier.errors import NOWHERE, MalformedNode, MissingNode
from verifier.primitives import Hash32
from verifier.trie.table import NodeTable
from verifier.trie.walk import ABSENT, walk


@pytest.mark.covers("MPT-19")
def test_an_embedded_node_is_never_compared_with_a_hash():
    """An embedded leaf's bytes, padded to 32, are the hash of nothing: the attacker's node is not followed."""
    embedded = leaf(PATH[60:], b"\x01")
    padded = rlp.encode(embedded).ljust(32, b"\x00")
    table = {padded: rlp.encode(leaf(PATH[60:], VALUE)), rlp.encode(embedded): rlp.encode(leaf(PATH[60:], VALUE))}
    forge = Forge()
    reference = forge.keep(rlp.encode(branch({PATH[59]: embedded, PATH[59] ^ 1: OTHER})))
    root = forge.root(extension(PATH[:59], reference))
    table |= forge.nodes
    assert walk(Hash32(root), KEY, NodeTable.from_hashed((Hash32(h), n) for h, n in table.items()), NOWHERE) == b"\x01"


@pytest.mark.covers("MPT-19", "MPT-22")
def test_an_embedded_node_padded_to_a_hash():
    """The same bytes as a 32-byte string are a hash reference, and nothing hashes to it."""
    padded = rlp.encode(leaf(PATH[60:], b"\x01")).ljust(32, b"\x00")
    forge = Forge()
    reference = forge.keep(rlp.encode(branch({PATH[59]: padded, PATH[59] ^ 1: OTHER})))
    with pytest.raises(MissingNode) as caught:
        under_root(extension(PATH[:59], reference), forge=forge)
    assert caught.value.wanted == padded


@pytest.mark.covers("MPT-20")
def test_honest_embedded_nodes_are_taken():
    """Leaves with one-byte values, deep enough to be embedded: present and absent keys verify."""
    digits = KEY.hex()
    items = {bytes.fromhex(digits[:62] + tail): b"\x05" for tail in ("11", "12", "21", "f3")}
    items |= {keccak(bytes([n])): VALUE for n in range(200)}
    trie = build(items)
    for key in items:
        assert ask(trie.root, trie.prove(key), key) == items[key]
    deep = bytes.fromhex(digits[:62] + "11")
    assert len(rlp.decode(trie.prove(deep)[-1])) in (2, 17)
    stranger = bytes.fromhex(digits[:62] + "13")
    assert ask(trie.root, trie.prove(stranger), stranger) is ABSENT
    with pytest.raises(MissingNode):
        ask(trie.root, trie.prove(deep)[:-1], deep)


@pytest.mark.covers("MPT-20")
def test_the_embedded_node_repeated_as_an_element_is_left_unused():
    """Some servers send the embedded leaf once more as the last element: right answer, and the element is unused."""
    digits = KEY.hex()
    items = {bytes.fromhex(digits[:62] + tail): b"\x05" for tail in ("11", "12")}
    trie, key = build(items), bytes.fromhex(digits[:62] + "11")
    repeated = rlp.encode(leaf([1], b"\x05"))
    table, used = NodeTable.build([*trie.prove(key), repeated]), set()
    assert walk(Hash32(trie.root), key, table, NOWHERE, used) == b"\x05"
    assert table.hashes() - used == {keccak(repeated)}


@pytest.mark.covers("MPT-21")
def test_a_node_of_32_bytes_or_more_written_inline():
    """31 bytes stand inside, 32 do not."""
    fits, exceeds = leaf(PATH[60:], b"v" * 25), leaf(PATH[60:], b"v" * 26)
    assert [len(rlp.encode(node)) for node in (fits, exceeds)] == [31, 32]
    for node, verdict in ((fits, b"v" * 25), (exceeds, None)):
        forge = Forge()
        reference = forge.keep(rlp.encode(branch({PATH[59]: node, PATH[59] ^ 1: OTHER})))
        if verdict:
            assert under_root(extension(PATH[:59], reference), forge=forge) == verdict
        else:
            with pytest.raises(MalformedNode, match="an embedded node of 32 bytes or more"):
                under_root(extension(PATH[:59], reference), forge=forge)


@pytest.mark.covers("MPT-21")
def test_a_node_of_fewer_than_32_bytes_referenced_by_hash():
    """32 bytes are referenced, 31 are not; only the root may be shorter."""
    assert below(rlp.encode(leaf(PATH[60:], b"v" * 26)), at=60) == b"v" * 26
    with pytest.raises(MalformedNode, match="fewer than 32 bytes that is not embedded"):
        below(rlp.encode(leaf(PATH[60:], b"v" * 25)), at=60)
    assert under_root(leaf([1, 2], b"v"), b"\x12") == b"v"


@pytest.mark.covers("MPT-22")
@pytest.mark.parametrize("width", [1, 20, 31, 33, 64])
def test_a_child_reference_of_another_width(width):
    """Neither a hash nor nothing: refused, not absent."""
    with pytest.raises(MalformedNode, match="not 32 bytes"):
        under_root(branch({PATH[0]: b"\xaa" * width, PATH[0] ^ 1: OTHER}))
    with pytest.raises(MalformedNode, match="not 32 bytes"):
        under_root(branch({PATH[0] ^ 1: b"\xaa" * width, PATH[0]: OTHER}))
    with pytest.raises(MalformedNode, match="not 32 bytes"):
        under_root(extension(PATH[:2], b"\xaa" * width))
    with pytest.raises(MissingNode):
        under_root(branch({PATH[0]: b"\xaa" * 32, PATH[0] ^ 1: OTHER}))


@pytest.mark.covers("MPT-22")
def test_an_embedded_node_as_a_byte_string():
    """The node stands inside as a list; its encoding as a string is a reference of another width."""
    embedded = leaf(PATH[60:], b"\x01")
    for child, refused in ((embedded, False), (rlp.encode(embedded), True)):
        raw = rlp.encode(branch({PATH[59]: child, PATH[59] ^ 1: OTHER}))
        if refused:
            with pytest.raises(MalformedNode, match="not 32 bytes"):
                below(raw, at=59)
        else:
            assert below(raw, at=59) == b"\x01"
