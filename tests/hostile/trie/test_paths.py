"""Empty tries, items, flags, paths and prefixes: what is absent is shown, never taken from silence."""

from __future__ import annotations

import pytest
import rlp

from tests.hostile.trie.asking import KEY, OTHER, PATH, VALUE, ask, below, under_root
from tests.simulators.trie_builder import (
    EMPTY_ROOT,
    Forge,
    branch,
    extension,
    keccak,
    leaf,
    nibbles,
    random_items,
)
from verifier.errors import BadInput, MalformedNode, MalformedRlp, MissingNode
from verifier.trie.walk import ABSENT


@pytest.mark.covers("MPT-05")
@pytest.mark.parametrize("nodes", [[], [b""], [b"\x80"], [b"\xc0"]])
def test_an_empty_proof(trie, nodes):
    """No nodes, or empty ones, prove nothing under a root that is not the empty trie's."""
    assert ask(trie.root, trie.prove(KEY)) == VALUE
    with pytest.raises(MissingNode):
        ask(trie.root, nodes)


@pytest.mark.covers("MPT-06")
@pytest.mark.parametrize("nodes", [[], [b"\x80"]], ids=["no nodes", "0x80"])
def test_the_honest_forms_of_the_empty_trie(nodes):
    """Under the empty root every key is absent, whether the server sent nothing or the byte 0x80."""
    assert ask(EMPTY_ROOT, nodes) is ABSENT
    with pytest.raises(MissingNode):
        ask(keccak(b"another root"), nodes)


@pytest.mark.covers("MPT-06")
def test_the_hostile_forms_of_the_empty_trie():
    """The hash of an empty list, of nothing, and the zero hash are not the empty trie."""
    with pytest.raises(MalformedNode, match="neither 2 nor 17"):
        ask(keccak(b"\xc0"), [b"\xc0"])
    with pytest.raises(MissingNode):
        ask(keccak(b"\xc0"), [])
    with pytest.raises(MalformedRlp):
        ask(keccak(b""), [b""])
    with pytest.raises(BadInput):
        ask(bytes(32), [b"\x80"])


@pytest.mark.covers("MPT-06")
def test_the_empty_trie_below_the_root():
    """A child whose hash is that of the empty trie: honest tries leave the place empty."""
    with pytest.raises(MalformedNode, match="fewer than 32 bytes that is not embedded"):
        below(b"\x80")


@pytest.mark.covers("MPT-07")
@pytest.mark.parametrize("count", [0, 1, 3, 16, 18])
def test_a_node_with_another_number_of_items(count):
    """Lists of 0, 1, 3, 16 or 18 items, hash-linked as root and below it, do not fall through to 'absent'."""
    with pytest.raises(MalformedNode, match="neither 2 nor 17"):
        under_root([OTHER] * count)
    if count:
        with pytest.raises(MalformedNode, match="neither 2 nor 17"):
            below(rlp.encode([OTHER] * count))
    with pytest.raises(MissingNode):
        under_root([*[OTHER] * 16, b""])


@pytest.mark.covers("MPT-08")
@pytest.mark.parametrize("flag", range(4, 16))
@pytest.mark.parametrize("at", [0, 1])
def test_an_unknown_flag(flag, at):
    """A first nibble of 4 to 15 is neither leaf nor extension, for paths of even and odd length."""
    good = leaf(PATH[at:], VALUE)
    assert below(rlp.encode(good), at=at) == VALUE
    changed = bytes([flag << 4 | good[0][0] & 15]) + good[0][1:]
    with pytest.raises(MalformedNode, match="unknown flag"):
        below(rlp.encode([changed, VALUE]), at=at)


@pytest.mark.covers("MPT-09")
@pytest.mark.parametrize("padding", range(1, 16))
def test_padding_that_is_not_zero(padding):
    """The second nibble of an even path is zero: one place has one encoding."""
    encoded = leaf(PATH, VALUE)[0]
    assert under_root([encoded, VALUE]) == VALUE
    with pytest.raises(MalformedNode, match="padding"):
        under_root([bytes([encoded[0] | padding]) + encoded[1:], VALUE])
    with pytest.raises(MalformedNode, match="padding"):
        under_root([bytes([padding]) + KEY[:1], OTHER])


@pytest.mark.covers("MPT-09")
def test_wrong_parity_of_a_path():
    """An odd path relabelled even, and the reverse, ends elsewhere than at the key's end."""
    odd, even = leaf(PATH[1:], VALUE)[0], leaf(PATH, VALUE)[0]
    assert below(rlp.encode([odd, VALUE])) == VALUE
    with pytest.raises(MalformedNode, match=r"padding|ends at nibble"):
        below(rlp.encode([bytes([0x20 | odd[0] & 15]) + odd[1:], VALUE]))
    with pytest.raises(MalformedNode, match="ends at nibble 65"):
        under_root([bytes([0x30]) + even[1:], VALUE])


@pytest.mark.covers("MPT-10")
@pytest.mark.parametrize("second", [VALUE, OTHER, b""])
def test_an_empty_path_string(second):
    """No flag byte at all."""
    with pytest.raises(MalformedNode, match="without its flag"):
        under_root([b"", second])


@pytest.mark.covers("MPT-11")
def test_a_leaf_is_not_followed_as_an_extension():
    """A stored value that is the hash of the attacker's node stays a value, whatever else is in the table."""
    forge = Forge()
    own = forge.keep(rlp.encode(branch(dict.fromkeys(range(16), OTHER))))
    assert under_root(leaf(PATH, own), forge=forge) == own
    short = Forge()
    own = short.keep(rlp.encode(leaf(PATH[10:], VALUE)))
    with pytest.raises(MalformedNode, match="ends at nibble 10"):
        under_root(leaf(PATH[:10], own), forge=short)
    raw_key = Forge()
    own = raw_key.keep(rlp.encode(leaf([5, 6], VALUE)))
    assert under_root(leaf([1, 2], own), b"\x12\x56", forge=raw_key) is ABSENT


@pytest.mark.covers("MPT-12")
def test_an_inner_node_is_not_read_as_a_leaf():
    """A key that ends at an inner node does not get a child's hash for its value."""
    inner = branch({3: OTHER, 4: OTHER})
    forge = Forge()
    reference = forge.refer(inner)
    assert under_root(extension([1, 2], reference), b"\x12", forge=forge) is ABSENT
    assert under_root(extension([1, 2, 3, 4], reference), b"\x12", forge=forge) is ABSENT
    valued = Forge()
    assert under_root(extension([1, 2], valued.refer(branch({3: OTHER}, b"value"))), b"\x12", forge=valued) == b"value"
    with pytest.raises(MalformedNode, match="ends at nibble 2"):
        under_root(leaf([1, 2], OTHER))


@pytest.mark.covers("MPT-12")
def test_an_extension_whose_path_fills_the_key():
    """In a trie of hashed keys an extension leaves a nibble for its branch."""
    forge = Forge()
    reference = forge.refer(branch({1: OTHER, 2: OTHER}))
    with pytest.raises(MalformedNode, match="runs past the last nibble"):
        under_root(extension(PATH, reference), forge=forge)
    with pytest.raises(MissingNode):
        under_root(extension(PATH[:63], Forge().refer(branch({PATH[63]: OTHER, PATH[63] ^ 1: OTHER}))))


@pytest.mark.covers("MPT-13")
def test_an_extension_with_an_empty_path():
    """It consumes nothing, so a walk could turn in a circle; one nibble is enough to be taken."""
    forge = Forge()
    reference = forge.refer(branch({PATH[1]: OTHER, PATH[1] ^ 1: OTHER}))
    with pytest.raises(MissingNode):
        under_root(extension(PATH[:1], reference), forge=forge)
    with pytest.raises(MalformedNode, match="an empty path"):
        under_root(extension([], reference), forge=forge)


@pytest.mark.covers("MPT-14")
def test_a_partial_match_of_a_path():
    """A leaf that shares all nibbles but one, wherever it is, is another key's."""
    assert under_root(leaf(PATH, VALUE)) == VALUE
    for at in range(64):
        other = [*PATH[:at], PATH[at] ^ 1, *PATH[at + 1 :]]
        assert under_root(leaf(other, VALUE)) is ABSENT


@pytest.mark.covers("MPT-14")
def test_a_key_that_is_a_prefix_of_another():
    """With raw keys, neither the longer nor the shorter one has the other's value."""
    assert under_root(leaf([1, 2], VALUE), b"\x12") == VALUE
    assert under_root(leaf([1, 2], VALUE), b"\x12\x34") is ABSENT
    assert under_root(leaf([1, 2, 3, 4], VALUE), b"\x12") is ABSENT


@pytest.mark.covers("MPT-15")
@pytest.mark.parametrize("extra", [1, 2, 3])
def test_a_path_longer_than_the_key(extra):
    """A leaf that runs past nibble 64 is malformed; one of a raw-key trie is another key's."""
    with pytest.raises(MalformedNode, match=f"ends at nibble {64 + extra}"):
        under_root(leaf([*PATH, *[7] * extra], VALUE))
    with pytest.raises(MalformedNode, match=f"ends at nibble {64 + extra}"):
        below(rlp.encode(leaf([*PATH[1:], *[7] * extra], VALUE)))
    forge = Forge()
    with pytest.raises(MalformedNode, match="runs past the last nibble"):
        under_root(extension([*PATH, *[7] * extra], forge.refer(branch({1: OTHER, 2: OTHER}))), forge=forge)
    assert under_root(leaf([1, 2, *[7] * 2 * extra], VALUE), b"\x12") is ABSENT


@pytest.mark.covers("MPT-15")
def test_a_leaf_that_ends_before_the_key_or_within_a_byte():
    """Hashed keys have one length; raw ones have whole bytes."""
    with pytest.raises(MalformedNode, match="ends at nibble 63"):
        under_root(leaf(PATH[:63], VALUE))
    with pytest.raises(MalformedNode, match="in the middle of a byte"):
        under_root(leaf([1, 2, 3], VALUE), b"\x12")
    with pytest.raises(MalformedNode, match="in the middle of a byte"):
        below(rlp.encode(branch({1: OTHER, 3: OTHER}, b"value")), b"\x12")


@pytest.mark.covers("MPT-16")
def test_the_value_of_a_divergent_leaf_is_not_returned(trie):
    """An absent key whose proof ends in another key's leaf is absent, and does not get that leaf's value."""
    absent = {key: trie.prove(key) for key in random_items(200, seed=12)}
    ends_in_a_leaf = {key: proof for key, proof in absent.items() if len(rlp.decode(proof[-1])) == 2}
    assert len(ends_in_a_leaf) > 20
    for key, proof in ends_in_a_leaf.items():
        assert ask(trie.root, proof, key) is ABSENT
    neighbour = next(key for key in trie.items if ask(trie.root, trie.prove(key), key) != VALUE)
    assert ask(trie.root, trie.prove(neighbour), neighbour) == trie.items[neighbour]


@pytest.mark.covers("MPT-17")
def test_a_child_moved_to_the_neighbouring_place(trie):
    """A branch with two children exchanged has another hash."""
    proof = trie.prove(KEY)
    assert ask(trie.root, proof) == VALUE
    items = rlp.decode(proof[0])
    n = PATH[0]
    items[n], items[n ^ 1] = items[n ^ 1], items[n]
    with pytest.raises(MissingNode):
        ask(trie.root, [rlp.encode(items), *proof[1:]])


@pytest.mark.covers("MPT-17")
def test_existence_is_decided_by_the_trie_alone(trie):
    """A full inclusion proof gives the value and never absence; a proof of absence gives absence and no value."""
    assert ask(trie.root, trie.prove(KEY)) == VALUE
    stranger = keccak(b"nobody")
    forged = rlp.encode(leaf(nibbles(stranger)[3:], b"invented" * 8))
    assert ask(trie.root, [*trie.prove(stranger), forged], stranger) is ABSENT


@pytest.mark.covers("MPT-18")
def test_all_honest_shapes_of_exclusion():
    """Empty slot, divergent leaf, divergent extension, key within an extension, no branch value, empty and one-leaf trie."""
    forge = Forge()
    twigs = forge.refer(branch({1: OTHER, 2: OTHER}))
    free = branch({(PATH[0] + 1) % 16: OTHER, (PATH[0] + 2) % 16: OTHER})
    assert under_root(free) is ABSENT
    assert under_root(leaf([PATH[0] ^ 1, *PATH[1:]], VALUE)) is ABSENT
    assert below(rlp.encode(leaf([*PATH[1:63], PATH[63] ^ 1], VALUE))) is ABSENT
    assert below(rlp.encode(leaf([*PATH[1:63], PATH[63] ^ 1], b"\x05"))) is ABSENT
    assert under_root(extension([PATH[0] ^ 1, 5], twigs), forge=forge) is ABSENT
    assert under_root(extension([PATH[0], PATH[1] ^ 1], twigs), forge=forge) is ABSENT
    assert under_root(extension([1, 2, 3, 4], twigs), b"\x12", forge=forge) is ABSENT
    assert under_root(branch({1: OTHER, 2: OTHER}), b"") is ABSENT
    assert ask(EMPTY_ROOT, []) is ABSENT
    with pytest.raises(MissingNode):
        under_root(branch({PATH[0]: OTHER, PATH[0] ^ 1: OTHER}))
