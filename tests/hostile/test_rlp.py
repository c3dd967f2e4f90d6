"""Section 1 of the adversarial catalogue: encodings that some decoder somewhere read as something else."""

from __future__ import annotations

import time

import pytest

from tests.simulators.trie_builder import Forge, build, keccak, leaf, nibbles, random_items
from verifier.codec import rlp
from verifier.errors import NOWHERE, LimitExceeded, MalformedNode, MalformedRlp
from verifier.primitives import Hash32
from verifier.trie.table import NodeTable
from verifier.trie.walk import walk

READERS = {
    "decode": lambda data: rlp.decode(data, NOWHERE),
    "decode_list": lambda data: rlp.decode_list(data, NOWHERE),
    "decode_flat_list": lambda data: rlp.decode_flat_list(data, NOWHERE),
}


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest):
    """Each way in which bytes are read."""
    return READERS[request.param]


def refused_in_a_node(path: bytes, value: bytes) -> None:
    """A leaf put together from raw parts, hash-linked as root, is refused for its encoding."""
    body = path + value
    raw = bytes([0xC0 + len(body)]) + body
    forge = Forge()
    with pytest.raises(MalformedRlp):
        walk(forge.keep(raw), b"\x12\x34", NodeTable.build(forge.all()), NOWHERE)


@pytest.mark.covers("RLP-01")
@pytest.mark.parametrize("tail", [b"\x00", b"\x80", b"\xc0", b"\xc1\x05"])
def test_bytes_after_the_item(reader, tail):
    """One byte more, or the item a second time, is another encoding of the same content."""
    assert reader(b"\xc1\x05") == [b"\x05"]
    with pytest.raises(MalformedRlp, match="bytes after the item"):
        reader(b"\xc1\x05" + tail)


@pytest.mark.covers("RLP-01")
def test_bytes_after_a_node_under_a_root_that_was_hashed_again():
    """A node with a byte behind it is refused although everything above it was hashed anew."""
    value = b"v" * 60
    honest, forged = Forge(), Forge()
    root = honest.root(leaf(nibbles(b"\x12\x34"), value))
    assert walk(root, b"\x12\x34", NodeTable.build(honest.all()), NOWHERE) == value
    forged_root = forged.keep(honest.nodes[root] + b"\x00")
    with pytest.raises(MalformedRlp, match="bytes after the item"):
        walk(forged_root, b"\x12\x34", NodeTable.build(forged.all()), NOWHERE)


@pytest.mark.covers("RLP-02")
@pytest.mark.parametrize("data", ["b80102", "b837" + "aa" * 55, "f80102", "f837" + "05" * 55])
def test_long_form_for_a_short_content(data):
    """The long form for a content of fewer than 56 bytes is refused for strings and lists."""
    assert rlp.decode(bytes.fromhex("b838" + "aa" * 56), NOWHERE) == b"\xaa" * 56
    with pytest.raises(MalformedRlp, match="the long form"):
        rlp.decode(bytes.fromhex(data), NOWHERE)


@pytest.mark.covers("RLP-03")
@pytest.mark.parametrize(
    "data", ["b90040" + "aa" * 64, "f90040" + "05" * 64, "b800", "f800", "b90000", "ba000100" + "aa" * 256]
)
def test_leading_zero_in_a_length(data):
    """A length with a zero in front is refused, also where nothing follows."""
    assert rlp.decode(bytes.fromhex("b840" + "aa" * 64), NOWHERE) == b"\xaa" * 64
    with pytest.raises(MalformedRlp, match="a length with a leading zero"):
        rlp.decode(bytes.fromhex(data), NOWHERE)


@pytest.mark.covers("RLP-04")
@pytest.mark.parametrize("byte", [0x00, 0x05, 0x7F])
def test_single_byte_in_a_wrapper(byte):
    """`81 05` is not another way to write `05`, alone or within a list; `81 80` is the only way to write 0x80."""
    assert rlp.decode(b"\x81\x80", NOWHERE) == b"\x80"
    with pytest.raises(MalformedRlp, match="a single byte below 0x80"):
        rlp.decode(bytes([0x81, byte]), NOWHERE)
    with pytest.raises(MalformedRlp, match="a single byte below 0x80"):
        rlp.decode_flat_list(bytes([0xC2, 0x81, byte]), NOWHERE)


@pytest.mark.covers("RLP-04")
def test_single_byte_in_a_wrapper_in_a_path_and_in_a_value():
    """The same within a node: its path, and its value."""
    refused_in_a_node(b"\x81\x20", b"\x83abc")
    refused_in_a_node(b"\x83\x20\x12\x34", b"\x81\x05")
    # as long as the quick look at leaves wants them
    refused_in_a_node(b"\x9d\x20" + b"\x11" * 28, b"\x81\x05")


@pytest.mark.covers("RLP-05")
@pytest.mark.parametrize(
    "data",
    ["", "b8", "f8", "bf", "ff", "81", "c1", "83aabb", "c3aabb", "b838" + "aa" * 55, "bf" + "ff" * 8, "ff" + "ff" * 8,
     "ff" + "7f" + "ff" * 7, "bb7fffffff", "fb80000000", "c2" + "bb7f", "c483aabb", "f9ffff" + "80" * 100],
)  # fmt: skip
def test_a_length_beyond_the_input(reader, data):
    """Cut off, or with lengths near 2^31, 2^32 and 2^64: refused at once, and nothing of that size is allocated."""
    started = time.thread_time()
    with pytest.raises(MalformedRlp):
        reader(bytes.fromhex(data))
    assert time.thread_time() - started < 0.5


@pytest.mark.covers("RLP-05")
def test_an_inner_item_does_not_reach_past_its_list():
    """An inner length that ends inside the whole, but outside its own list, is refused."""
    assert rlp.decode(bytes.fromhex("c4c281aa05"), NOWHERE) == [[b"\xaa"], b"\x05"]
    with pytest.raises(MalformedRlp, match="2 bytes where 1 are left"):
        rlp.decode(bytes.fromhex("c4c282aa05"), NOWHERE)


@pytest.mark.covers("RLP-06")
@pytest.mark.parametrize("content", [b"\x00", b"\x00\x01", bytes(32), b"\x00" + b"\xff" * 31])
def test_integer_with_a_leading_zero(content):
    """Zero is the empty string, and no integer starts with a zero byte."""
    assert rlp.decode_uint(b"", NOWHERE) == 0
    with pytest.raises(MalformedRlp, match="leading zero"):
        rlp.decode_uint(content, NOWHERE)


@pytest.mark.covers("RLP-07")
def test_a_list_where_a_string_is_due_and_the_reverse():
    """The two are never compared with one another, whatever Python would make of it."""
    assert rlp.decode_list(b"\xc1\x05", NOWHERE) == [b"\x05"]
    with pytest.raises(MalformedRlp, match="a byte string where a list is due"):
        rlp.decode_list(b"\x82\xc1\x05", NOWHERE)
    with pytest.raises(MalformedRlp, match="a byte string where a list is due"):
        rlp.decode_flat_list(b"\x80", NOWHERE)
    with pytest.raises(MalformedRlp, match="a list where a byte string is due"):
        rlp.decode_uint([], NOWHERE)


@pytest.mark.covers("RLP-07")
@pytest.mark.parametrize(
    "structure", [[[b"\x20\x12"], b"v" * 40], [b"\x20\x12", [b"v" * 40]], [b"\x00\x12", [b"v" * 40]]]
)
def test_a_list_in_a_node_where_a_string_is_due(structure):
    """A path or a value that is a list makes no node."""
    forge = Forge()
    assert walk(forge.root([b"\x20\x12", b"v" * 40]), b"\x12", NodeTable.build(forge.all()), NOWHERE) == b"v" * 40
    forged = Forge()
    with pytest.raises(MalformedNode):
        walk(forged.root(structure), b"\x12", NodeTable.build(forged.all()), NOWHERE)


@pytest.mark.covers("RLP-07")
def test_a_node_wrapped_once_more_as_a_string():
    """A string that holds a node is no node."""
    forge, wrapped = Forge(), Forge()
    root = forge.root([b"\x20\x12", b"v" * 40])
    forged_root = wrapped.keep(rlp.encode(forge.nodes[root]))
    with pytest.raises(MalformedNode, match="a byte string instead of a list"):
        walk(forged_root, b"\x12", NodeTable.build(wrapped.all()), NOWHERE)


@pytest.mark.covers("RLP-08")
@pytest.mark.parametrize("width", [0, 19, 21, 31, 33])
def test_fixed_width_field_of_another_width(width):
    """Nothing is padded or cut: 20 bytes are 20 bytes."""
    assert rlp.expect_bytes(b"\x01" * 20, NOWHERE, width=20) == b"\x01" * 20
    with pytest.raises(MalformedRlp, match="exactly 20"):
        rlp.expect_bytes(b"\x01" * width, NOWHERE, width=20)


@pytest.mark.covers("RLP-08")
def test_integer_over_256_bits():
    """33 bytes are no balance."""
    assert rlp.decode_uint(b"\xff" * 32, NOWHERE) == 2**256 - 1
    with pytest.raises(MalformedRlp, match="33 bytes where at most 32"):
        rlp.decode_uint(b"\x01" + bytes(32), NOWHERE)


def nested(depth: int) -> bytes:
    """Well-formed lists within lists."""
    data = b""
    for _ in range(depth):
        size = len(data)
        digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
        data = (bytes([0xC0 + size]) if size < 56 else bytes([0xF7 + len(digits)]) + digits) + data
    return data


@pytest.mark.covers("RLP-09")
def test_nesting_bomb():
    """Thousands of lists within lists end at the depth limit, not on Python's stack; so do headers that go nowhere."""
    assert rlp.decode(nested(8), NOWHERE) == [[[[[[[[]]]]]]]]
    for bomb in (nested(9), nested(5_000)):
        with pytest.raises(LimitExceeded, match="RLP depth"):
            rlp.decode(bomb, NOWHERE)
    with pytest.raises(MalformedRlp):
        rlp.decode(b"\xc1" * 100_000, NOWHERE)


@pytest.mark.covers("RLP-09")
def test_element_bomb():
    """A million empty strings in one list end at the item limit."""
    bomb = b"\xfa" + (1_000_000).to_bytes(3, "big") + b"\x80" * 1_000_000
    assert len(rlp.decode_list(b"\xf9\x01\x00" + b"\x80" * 256, NOWHERE)) == 256
    for read in (rlp.decode, rlp.decode_flat_list):
        started = time.thread_time()
        with pytest.raises(LimitExceeded, match="RLP items"):
            read(bomb, NOWHERE)
        assert time.thread_time() - started < 1


@pytest.mark.covers("RLP-09")
@pytest.mark.parametrize("bomb", [nested(5_000), b"\xf9\x40\x00" + b"\x80" * 0x4000], ids=["nesting", "elements"])
def test_a_bomb_as_a_node(bomb):
    """A node that is a bomb is refused by the same limits."""
    forge = Forge()
    with pytest.raises(LimitExceeded, match=r"RLP (depth|items)"):
        walk(forge.keep(bomb), b"\x12", NodeTable.build(forge.all()), NOWHERE)


@pytest.mark.covers("RLP-10")
@pytest.mark.parametrize("zeros", range(32))
def test_values_with_leading_zero_bytes(zeros):
    """A leaf is decoded, and the claim never encoded anew: every number of leading zeros reads back right."""
    number = int.from_bytes(bytes(zeros) + b"\x01" * (32 - zeros), "big")
    items = random_items(50, seed=zeros)
    key = keccak(zeros.to_bytes(32, "big"))
    items[key] = rlp.encode_uint(number)
    trie = build(items)
    value = walk(Hash32(trie.root), key, NodeTable.build(trie.prove(key)), NOWHERE)
    assert isinstance(value, bytes)
    assert rlp.decode_uint(rlp.decode(value, NOWHERE), NOWHERE) == number
    if zeros:
        with pytest.raises(MalformedRlp, match="leading zero"):
            rlp.decode_uint(number.to_bytes(32, "big"), NOWHERE)
