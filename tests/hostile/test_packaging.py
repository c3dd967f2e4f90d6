"""Section 3 of the adversarial catalogue, as far as the walk sees it: sets of nodes with too much, too little, or wrong."""

from __future__ import annotations

import pytest
import rlp

from tests.simulators.trie_builder import build, keccak, leaf, nibbles, random_items
from verifier.errors import NOWHERE, BadInput, LimitExceeded, MissingNode, UnusedEvidence, VerifierError
from verifier.primitives import Hash32
from verifier.trie.table import NodeTable, TrieLimits
from verifier.trie.walk import ABSENT, walk, walk_found

KEY = keccak(b"a holder")
VALUE = b"v" * 60


@pytest.fixture(scope="module")
def trie():
    """A trie of two thousand keys."""
    return build({**random_items(2_000, seed=21), KEY: VALUE})


@pytest.fixture(scope="module")
def newer():
    """The same keys a block later: ours has another value."""
    return build({**random_items(2_000, seed=21), KEY: b"w" * 60})


def ask(root: bytes, nodes: list[bytes], key: bytes = KEY):
    return walk(Hash32(root), key, NodeTable.build(nodes), NOWHERE)


@pytest.mark.covers("PRF-01")
@pytest.mark.parametrize("front", [True, False], ids=["before", "behind"])
def test_surplus_nodes_decide_nothing_and_are_seen(trie, newer, front):
    """Foreign nodes before or behind the proof: the same value, and the walk's report leaves them over."""
    lie = rlp.encode(leaf(nibbles(KEY)[3:], b"a lie" * 12))
    foreign = [lie, newer.prove(KEY)[0]]
    proof = trie.prove(KEY)
    table, used = NodeTable.build([*foreign, *proof] if front else [*proof, *foreign]), set()
    assert walk(Hash32(trie.root), KEY, table, NOWHERE, used) == VALUE
    assert table.hashes() - used == {keccak(node) for node in foreign}
    clean, used = NodeTable.build(proof), set()
    walk(Hash32(trie.root), KEY, clean, NOWHERE, used)
    assert not clean.hashes() - used


@pytest.mark.covers("PRF-01")
def test_a_claim_that_only_the_surplus_supports(trie):
    """An invented leaf for an absent key, as the last element, does not make the key present."""
    stranger = keccak(b"nobody")
    invented = rlp.encode(leaf(nibbles(stranger), VALUE))
    assert ask(trie.root, [*trie.prove(stranger), invented], stranger) is ABSENT
    assert ask(keccak(invented), [invented], stranger) == VALUE  # under its own root it would


@pytest.mark.covers("PRF-02")
def test_repeated_nodes(trie):
    """The same node twice, or the root once more at the end, is refused; each once is taken."""
    proof = trie.prove(KEY)
    assert ask(trie.root, proof) == VALUE
    for repeated in (proof[0], proof[-1]):
        with pytest.raises(UnusedEvidence, match="repeated trie nodes"):
            NodeTable.build([*proof, repeated])


@pytest.mark.covers("PRF-02")
def test_a_flood_of_repeated_nodes_is_bounded(trie):
    """A node a hundred thousand times over ends at the count limit, before the first hash."""
    proof = trie.prove(KEY)
    with pytest.raises(LimitExceeded, match="trie nodes"):
        NodeTable.build(proof[:1] * 100_000, TrieLimits(max_nodes=1_000))


@pytest.mark.covers("PRF-03")
def test_the_order_of_nodes_is_free(trie):
    """Our choice: a table is a set, so leaf first or two swapped is the same proof. One left out is not."""
    proof = trie.prove(KEY)
    expected = walk_found(Hash32(trie.root), KEY, NodeTable.build(proof), NOWHERE)
    for nodes in (proof[::-1], [proof[1], proof[0], *proof[2:]]):
        assert walk_found(Hash32(trie.root), KEY, NodeTable.build(nodes), NOWHERE) == expected
        with pytest.raises(MissingNode):
            ask(trie.root, nodes[:-1])


@pytest.mark.covers("PRF-04")
def test_a_multi_proof_with_a_forged_leaf_left_over(trie):
    """Many keys from one table: the genuine ones verify, and what no walk used stays visible."""
    keys = [KEY, *list(trie.items)[:50]]
    forged = rlp.encode(leaf(nibbles(keccak(b"forged"))[4:], VALUE))
    table, used = NodeTable.build([*trie.prove_all(keys), forged]), set()
    for key in keys:
        assert walk(Hash32(trie.root), key, table, NOWHERE, used) == trie.items[key]
    assert table.hashes() - used == {keccak(forged)}
    with pytest.raises(MissingNode):
        walk(Hash32(trie.root), keccak(b"another"), table, NOWHERE, used)


@pytest.mark.covers("PRF-05")
@pytest.mark.parametrize("stranger", ["0x00", {}, 5, None, [], b"".join, bytearray(b"\x80")])
def test_elements_of_another_type_are_not_dropped(trie, stranger):
    """A list with something in it that is not bytes is refused whole, so that nothing hides a truncation."""
    proof = trie.prove(KEY)
    assert ask(trie.root, proof) == VALUE
    with pytest.raises(BadInput, match="trie node"):
        NodeTable.build([*proof, stranger])


@pytest.mark.covers("PRF-06")
def test_splicing(trie, newer):
    """Upper nodes of one trie and lower nodes of another meet nowhere, whichever is asked."""
    old, new = trie.prove(KEY), newer.prove(KEY)
    assert len(old) == len(new)
    for cut in range(1, len(old)):
        for root, nodes in ((trie.root, old[:cut] + new[cut:]), (newer.root, new[:cut] + old[cut:])):
            with pytest.raises(MissingNode):
                ask(root, nodes)
    assert ask(newer.root, new) == b"w" * 60


@pytest.mark.covers("PRF-07")
def test_a_true_proof_of_another_root(trie, newer):
    """What was true a block ago does not verify under this block's root."""
    assert ask(trie.root, trie.prove(KEY)) == VALUE
    with pytest.raises(MissingNode) as caught:
        ask(newer.root, trie.prove(KEY))
    assert caught.value.wanted == newer.root


@pytest.mark.covers("PRF-08")
def test_a_refusal_is_no_value_that_can_be_ignored(trie):
    """A failed walk raises; it has no result that a caller could read as false, empty or absent."""
    assert ask(trie.root, trie.prove(KEY)) == VALUE
    results = []
    with pytest.raises(MissingNode):
        results.append(ask(trie.root, []))
    assert results == []


@pytest.mark.covers("PRF-09")
def test_every_single_bit_of_a_proof(trie):
    """Each bit of each node of an inclusion proof, flipped alone: refused, all of them."""
    proof = trie.prove(KEY)
    refused = 0
    for at, node in enumerate(proof):
        others = [(keccak(other), other) for n, other in enumerate(proof) if n != at]
        for bit in range(8 * len(node)):
            changed = bytearray(node)
            changed[bit // 8] ^= 1 << bit % 8
            table = NodeTable.from_hashed([*others, (keccak(bytes(changed)), bytes(changed))])
            with pytest.raises(VerifierError) as caught:
                walk(Hash32(trie.root), KEY, table, NOWHERE)
            assert type(caught.value) is MissingNode
            refused += 1
    assert refused == 8 * sum(map(len, proof))
    assert ask(trie.root, proof) == VALUE
