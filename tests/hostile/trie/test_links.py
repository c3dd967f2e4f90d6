"""Every link is hashed: roots, children, truncated and deep proofs."""

from __future__ import annotations

import pytest

from tests.hostile.trie.asking import KEY, OTHER, VALUE, ask, under_root
from tests.simulators.trie_builder import (
    Forge,
    branch,
    build,
    extension,
    keccak,
    relink,
)
from verifier.errors import MalformedNode, MissingNode
from verifier.trie.walk import ABSENT


@pytest.mark.covers("MPT-01")
def test_a_link_that_is_not_hashed(trie):
    """A node altered at any depth, with its parent left alone, is not found."""
    proof = trie.prove(KEY)
    assert ask(trie.root, proof) == VALUE
    for at, node in enumerate(proof):
        for place in (0, len(node) // 2, len(node) - 1):
            changed = node[:place] + bytes([node[place] ^ 1]) + node[place + 1 :]
            with pytest.raises(MissingNode) as caught:
                ask(trie.root, [*proof[:at], changed, *proof[at + 1 :]])
            assert caught.value.wanted == keccak(node)


@pytest.mark.covers("MPT-02")
def test_the_root_is_compared(trie):
    """A forged path whose links all hold does not hang under the honest root; nor does one that starts lower."""
    proof = trie.prove(KEY)
    forged = relink(proof, len(proof) - 1, proof[-1].replace(VALUE, b"w" * 60))
    assert ask(keccak(forged[0]), forged) == b"w" * 60
    for nodes in (forged, proof[1:], []):
        with pytest.raises(MissingNode) as caught:
            ask(trie.root, nodes)
        assert caught.value.wanted == trie.root


@pytest.mark.covers("MPT-02", "MPT-13")
def test_an_empty_extension_does_not_restart_the_root_check(trie):
    """A node that consumes no nibble, before a forged path, is no way around the root."""
    forge = Forge()
    real = forge.root(branch({1: OTHER, 2: OTHER}))
    with pytest.raises(MalformedNode, match="an empty path"):
        under_root(extension([], real), forge=forge)
    with pytest.raises(MissingNode):
        ask(trie.root, forge.all())


@pytest.mark.covers("MPT-03")
def test_a_truncated_proof_is_not_absence(trie):
    """An inclusion proof cut off anywhere is incomplete; a real proof of absence is absence."""
    proof = trie.prove(KEY)
    for kept in range(len(proof)):
        with pytest.raises(MissingNode):
            ask(trie.root, proof[:kept])
    stranger = keccak(b"nobody")
    assert ask(trie.root, trie.prove(stranger), stranger) is ABSENT


@pytest.mark.covers("MPT-04")
def test_the_deepest_path_is_walked_to_its_end():
    """A branch at each of the 64 nibbles: the value is found; without the last node it is missing, never absent."""
    items = {KEY: VALUE}
    for at in range(64):
        digits = KEY.hex()
        items[bytes.fromhex(digits[:at] + f"{int(digits[at], 16) ^ 1:x}" + digits[at + 1 :])] = VALUE
    proof = build(items).prove(KEY)
    assert len(proof) == 65
    assert ask(build(items).root, proof) == VALUE
    with pytest.raises(MissingNode):
        ask(build(items).root, proof[:-1])
