"""Section 2 of the adversarial catalogue: nodes and paths that have fooled other verifiers.

Most cases are forged tries whose links all hold (`Forge` hashes whatever it is given), because a node with a wrong hash
is simply not found. Each stands beside the honest form that differs in one thing.
"""

from __future__ import annotations

import pytest
import rlp

from tests.simulators.trie_builder import (
    EMPTY_ROOT,
    Forge,
    branch,
    build,
    extension,
    keccak,
    leaf,
    nibbles,
    random_items,
    relink,
)
from verifier.errors import NOWHERE, BadInput, LimitExceeded, MalformedNode, MalformedRlp, MissingNode
from verifier.primitives import Hash32, address, slot_key
from verifier.trie.table import NodeTable, TrieLimits
from verifier.trie.walk import ABSENT, Absent, walk

KEY = keccak(b"a holder")
PATH = nibbles(KEY)
VALUE = b"v" * 60
OTHER = b"\x0f" * 32


def ask(root: bytes, nodes: list[bytes], key: bytes = KEY) -> bytes | Absent:
    return walk(Hash32(root), key, NodeTable.build(nodes), NOWHERE)


def under_root(structure, key: bytes = KEY, forge: Forge | None = None) -> bytes | Absent:
    """The answer of a trie whose top node is `structure`, all links held."""
    forge = forge or Forge()
    root = forge.root(structure)
    return ask(root, forge.all(), key)


def below(raw: bytes, key: bytes = KEY, at: int = 1) -> bytes | Absent:
    """The answer of a trie in which some bytes are the node behind the key's first nibbles."""
    forge = Forge()
    reference = forge.keep(raw)
    for n in reversed(nibbles(key)[:at]):
        reference = forge.keep(rlp.encode(branch({n: reference, (n + 1) % 16: OTHER})))
    return ask(reference, forge.all(), key)


@pytest.fixture(scope="module")
def trie():
    """Five thousand keys, ours among them."""
    return build({**random_items(5_000, seed=11), KEY: VALUE})


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
