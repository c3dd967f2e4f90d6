"""Roots, keys and tables: other tries, wrong derivations, shared sub-trees, limits."""

from __future__ import annotations

import pytest
import rlp

from tests.hostile.trie.asking import KEY, OTHER, PATH, VALUE, ask
from tests.simulators.trie_builder import (
    Forge,
    branch,
    build,
    keccak,
    leaf,
    random_items,
)
from verifier.errors import NOWHERE, BadInput, LimitExceeded, MalformedNode, MalformedRlp, MissingNode
from verifier.primitives import Hash32, address, slot_key
from verifier.trie.table import NodeTable, TrieLimits
from verifier.trie.walk import ABSENT, walk


@pytest.mark.covers("MPT-26")
def test_an_inner_node_is_not_a_root(trie):
    """From an inner node's hash the same key's leaf ends at another nibble than the 64th."""
    proof = trie.prove(KEY)
    for start in range(1, len(proof)):
        inner = keccak(proof[start])
        shifted = bytes.fromhex((KEY.hex() + "0" * 64)[start : start + 64])
        with pytest.raises((MalformedNode, MissingNode)) as caught:
            ask(inner, proof[start:], shifted)
        assert type(caught.value) is MalformedNode
    assert ask(trie.root, proof) == VALUE


@pytest.mark.covers("MPT-26")
def test_a_sub_tree_of_another_trie(trie):
    """Nodes of another trie with the same key do not hang under this root."""
    other = build({**random_items(5_000, seed=13), KEY: b"w" * 60})
    assert ask(other.root, other.prove(KEY)) == b"w" * 60
    with pytest.raises(MissingNode):
        ask(trie.root, [*trie.prove(KEY)[:-1], *other.prove(KEY)[1:]])


@pytest.mark.covers("MPT-27", "TST-01")
def test_a_wrong_derivation_of_the_key_does_not_verify_by_luck():
    """With thousands of keys, every wrong way to derive the path misses: its nodes are not those of the right one."""
    holders = [keccak(n.to_bytes(4, "big"))[:20] for n in range(5_000)]
    trie = build({keccak(holder): VALUE for holder in holders})
    twins = {
        "raw": lambda h: h.ljust(32, b"\x00"),
        "hashed twice": lambda h: keccak(keccak(h)),
        "hex text": lambda h: keccak(h.hex().encode()),
        "0x text": lambda h: keccak(b"0x" + h.hex().encode()),
        "padded": lambda h: keccak(h.rjust(32, b"\x00")),
        "reversed": lambda h: keccak(h[::-1]),
        "digest reversed": lambda h: keccak(h)[::-1],
    }
    for holder in holders[:25]:
        proof = trie.prove(keccak(holder))
        assert ask(trie.root, proof, keccak(holder)) == VALUE
        for twin in twins.values():
            with pytest.raises(MissingNode):
                ask(trie.root, proof, twin(holder))


@pytest.mark.covers("MPT-28")
@pytest.mark.parametrize("width", [0, 19, 21, 32])
def test_an_address_of_another_width(width):
    """20 bytes, checked before anything is hashed."""
    assert address(b"\x01" * 20) == b"\x01" * 20
    with pytest.raises(BadInput, match="20 bytes"):
        address(b"\x01" * width)


@pytest.mark.covers("MPT-28")
@pytest.mark.parametrize("width", [0, 20, 31, 33])
def test_a_slot_of_another_width(width):
    """32 bytes, checked before anything is hashed."""
    assert slot_key(b"\x01" * 32) == b"\x01" * 32
    with pytest.raises(BadInput, match="32 bytes"):
        slot_key(b"\x01" * width)


@pytest.mark.covers("MPT-29")
@pytest.mark.parametrize("lenient", ["long form", "wrapped byte", "trailing byte"])
def test_what_was_received_is_hashed_not_what_it_reads_as(lenient):
    """A lenient spelling of a node is not the node: another hash under the honest root, refused under its own."""
    body = rlp.encode(leaf([1, 2], b"\x05"))[1:]
    canonical = bytes([0xC0 + len(body)]) + body
    spelled = {
        "long form": bytes([0xF8, len(body)]) + body,
        "wrapped byte": bytes([0xC0 + len(body) + 1]) + body[:-1] + b"\x81\x05",
        "trailing byte": canonical + b"\x00",
    }[lenient]
    assert ask(keccak(canonical), [canonical], b"\x12") == b"\x05"
    with pytest.raises(MissingNode):
        ask(keccak(canonical), [spelled], b"\x12")
    with pytest.raises(MalformedRlp):
        ask(keccak(spelled), [spelled], b"\x12")


@pytest.mark.covers("MPT-30")
def test_equal_children_and_shared_sub_trees():
    """One leaf under sixteen parents, one branch under sixteen nibbles: each key gets its own answer, in any order."""
    forge = Forge()
    shared = forge.refer(leaf(PATH[2:], VALUE))
    middle = forge.refer(branch(dict.fromkeys(range(16), shared)))
    root = forge.root(branch(dict.fromkeys(range(16), middle)))
    table = NodeTable.build(forge.all())
    assert len(table) == 3
    for first in range(256):
        key = bytes([first]) + KEY[1:]
        assert walk(Hash32(root), key, table, NOWHERE) == VALUE
        assert walk(Hash32(root), bytes([first]) + b"\x00" * 31, table, NOWHERE) is ABSENT


@pytest.mark.covers("MPT-30")
def test_one_node_at_two_depths_is_judged_where_it_stands():
    """A leaf that is right at one depth is malformed at another; the memo keeps no position."""
    forge = Forge()
    short = forge.keep(rlp.encode(leaf(PATH[3:], b"\x01" * 20)))
    high = forge.refer(branch(dict.fromkeys((PATH[2], PATH[2] ^ 1), short)))
    right = forge.root(branch({PATH[0]: forge.refer(branch({PATH[1]: high, PATH[1] ^ 1: OTHER})), PATH[0] ^ 1: OTHER}))
    wrong = forge.root(branch({PATH[0]: short, PATH[0] ^ 1: short}))
    table = NodeTable.build(forge.all())
    for _ in range(2):
        assert walk(Hash32(right), KEY, table, NOWHERE) == b"\x01" * 20
        with pytest.raises(MalformedNode, match="ends at nibble 62"):
            walk(Hash32(wrong), KEY, table, NOWHERE)


@pytest.mark.covers("MPT-04")
def test_a_table_over_its_limit_is_refused_and_says_nothing_about_keys():
    """Limits refuse; they never answer 'absent'."""
    trie = build(random_items(200, seed=14))
    with pytest.raises(LimitExceeded, match="trie nodes"):
        NodeTable.build(trie.nodes.values(), TrieLimits(max_nodes=10))
