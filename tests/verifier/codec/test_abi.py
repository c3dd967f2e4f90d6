"""Storage arithmetic: known slots, an independent encoder, and a wrong twin for each derivation."""

from __future__ import annotations

import pytest
from Crypto.Hash import keccak as pycryptodome
from eth_abi.abi import encode as abi_encode
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.codec import abi
from verifier.errors import NOWHERE, BadInput, NotUsable
from verifier.primitives import slot_key, word

HOLDER = bytes.fromhex("d8da6bf26964af9d7eed9e03e53415d37aa96045")
SPENDER = bytes.fromhex("000000000022d473030f116ddee9f6b43ac78ba3")
SOME = settings(max_examples=100, derandomize=True, deadline=None)
SLOTS = st.integers(0, 2**256 - 1) | st.integers(0, 60)


def keccak(data: bytes) -> bytes:
    return pycryptodome.new(digest_bits=256, data=data).digest()


@pytest.mark.parametrize(
    ("namespace", "slot"),
    [
        ("openzeppelin.storage.ERC20", "52c63247e1f47db19d5ce0460030c497f067ca4cebf71ba98eeadabe20bace00"),
        ("openzeppelin.storage.ERC4626", "0773e532dfede91f04b12a73d3d2acd361424f41f76b4fb79f090161e36b4e00"),
        ("openzeppelin.storage.ERC20Votes", "3018fc9e", ),
        ("openzeppelin.storage.Ownable", "9016d09d"),
        ("openzeppelin.storage.Initializable", "f0c57e16"),
        ("openzeppelin.storage.Pausable", "cd5ed15c"),
        ("example.main", "183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab500"),
    ],
)  # fmt: skip
def test_known_namespaces(namespace, slot):
    """The constants of OpenZeppelin's contracts and the example of ERC-7201 itself; the last byte is always zero."""
    found = abi.erc7201_slot(namespace).hex()
    assert found.startswith(slot)
    assert found.endswith("00")
    assert abi.erc7201_slot(namespace + "x").hex() != found


@SOME
@given(SLOTS)
def test_a_solidity_mapping_against_the_abi_encoder(base):
    """keccak256(abi.encode(holder, slot)), as Solidity's own documentation writes it."""
    assert abi.mapping_slot(abi.pad_address(HOLDER), slot_key(base)) == keccak(
        abi_encode(["address", "uint256"], ["0x" + HOLDER.hex(), base])
    )


def test_a_mapping_whose_slot_is_widely_known():
    """The USDT-style slot 2 of a known holder; Vyper's order gives another, and so does another base."""
    slot = abi.mapping_slot(abi.pad_address(HOLDER), slot_key(2))
    assert slot == keccak(HOLDER.rjust(32, b"\x00") + (2).to_bytes(32, "big"))
    assert slot != abi.vyper_mapping_slot(abi.pad_address(HOLDER), slot_key(2))
    assert slot != abi.mapping_slot(abi.pad_address(HOLDER), slot_key(3))
    assert slot != abi.mapping_slot(abi.pad_bytesn(HOLDER), slot_key(2))


@SOME
@given(SLOTS)
def test_vyper_hashes_the_slot_first(base):
    """keccak256(slot ‖ key); over a number equal to the slot, both orders meet."""
    key = abi.pad_address(HOLDER)
    assert abi.vyper_mapping_slot(key, slot_key(base)) == keccak(base.to_bytes(32, "big") + key)
    assert abi.vyper_mapping_slot(abi.pad_uint(base), slot_key(base)) == abi.mapping_slot(
        abi.pad_uint(base), slot_key(base)
    )


def test_a_seed_follows_the_holder_in_twelve_bytes():
    """As Solady writes it: the address, eight zeros, the seed of four bytes; the padded key and nothing shorter."""
    slot = abi.seeded_slot(abi.pad_address(HOLDER), slot_key(0x87A211A2))
    assert slot == keccak(HOLDER + bytes(8) + bytes.fromhex("87a211a2"))
    assert slot != abi.seeded_slot(abi.pad_address(HOLDER), slot_key(0x87A211A3))
    with pytest.raises(BadInput, match="mapping key"):
        abi.seeded_slot(HOLDER, slot_key(0x87A211A2))


def test_nested_mappings():
    """allowance[owner][spender]: the outer key first; the other way round is another slot."""
    owner, spender, base = abi.pad_address(HOLDER), abi.pad_address(SPENDER), slot_key(1)
    expected = keccak(spender + keccak(owner + base))
    assert abi.nested_mapping_slot([owner, spender], base) == expected
    assert abi.nested_mapping_slot([spender, owner], base) != expected
    assert abi.vyper_nested_mapping_slot([owner, spender], base) == keccak(keccak(base + owner) + spender)
    assert abi.nested_mapping_slot([], base) == base


def test_string_keys_are_not_padded():
    """A `string` key is hashed as it is; the same text as `bytes32` gives another slot."""
    assert abi.string_mapping_slot(b"ETH", slot_key(5)) == keccak(b"ETH" + slot_key(5))
    assert abi.string_mapping_slot(b"ETH", slot_key(5)) != abi.mapping_slot(abi.pad_bytesn(b"ETH"), slot_key(5))
    with pytest.raises(BadInput, match="mapping key"):
        abi.string_mapping_slot("ETH", slot_key(5))


def test_dynamic_arrays():
    """Items start at the hash of the array's slot; structs take several words each."""
    start = int.from_bytes(keccak(slot_key(0)), "big")
    assert abi.array_slot(slot_key(0), 0).hex() == "290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563"
    assert int.from_bytes(abi.array_slot(slot_key(0), 7, words_per_item=3), "big") == start + 21
    with pytest.raises(BadInput, match="words per array item"):
        abi.array_slot(slot_key(0), 7, words_per_item=0)
    with pytest.raises(BadInput, match="array index"):
        abi.array_slot(slot_key(0), -1)


@SOME
@given(SLOTS, st.integers(0, 2**256 - 1), st.integers(1, 4))
def test_array_slots_wrap(base, index, words):
    """Arithmetic is modulo 2^256, as it is in the EVM."""
    start = int.from_bytes(keccak(slot_key(base)), "big")
    assert int.from_bytes(abi.array_slot(slot_key(base), index, words), "big") == (start + index * words) % 2**256


def test_offsets_wrap():
    """The slot after the last one is the first."""
    assert abi.offset_slot(slot_key(2**256 - 1), 1) == slot_key(0)
    assert abi.offset_slot(slot_key(8), 2) == slot_key(10)
    for wrong in (True, "1", 1.0):
        with pytest.raises(BadInput, match="slot offset"):
            abi.offset_slot(slot_key(8), wrong)


def test_padding_by_type():
    """Numbers and addresses to the right end, bytesN to the left."""
    assert abi.pad_address(HOLDER) == abi_encode(["address"], ["0x" + HOLDER.hex()])
    assert abi.pad_uint(258) == abi_encode(["uint256"], [258])
    assert abi.pad_bytesn(b"ab") == abi_encode(["bytes2"], [b"ab"])


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: abi.pad_address(HOLDER[:19]), "address"),
        (lambda: abi.pad_address(bytes(12) + HOLDER), "address"),
        (lambda: abi.pad_uint(-1), "mapping key"),
        (lambda: abi.pad_uint(2**256), "mapping key"),
        (lambda: abi.pad_uint(True), "mapping key"),
        (lambda: abi.pad_bytesn(b""), "bytesN mapping key"),
        (lambda: abi.pad_bytesn(b"a" * 33), "bytesN mapping key"),
        (lambda: abi.mapping_slot(HOLDER, slot_key(2)), "mapping key"),
        (lambda: abi.vyper_mapping_slot(HOLDER, slot_key(2)), "mapping key"),
        (lambda: abi.mapping_slot(bytes(32), b"\x02"), "slot"),
        (lambda: abi.array_slot(b"\x02", 0), "slot"),
        (lambda: abi.offset_slot(b"\x02", 0), "slot"),
    ],
)
def test_other_widths_are_refused_before_anything_is_hashed(call, what):
    """Nothing is padded or cut on the way into a hash."""
    with pytest.raises(BadInput) as caught:
        call()
    assert caught.value.what == what


def test_fields_of_a_packed_word():
    """Counted from the low-order end; signed fields are two's complement."""
    packed = word(5 | (2**64 - 1) << 104 | 7 << 168 | 1 << 255)
    assert abi.field(packed, 0, 104) == 5
    assert abi.field(packed, 104, 64) == 2**64 - 1
    assert abi.field(packed, 104, 64, signed=True) == -1
    assert abi.field(packed, 168, 16) == 7
    assert abi.field(packed, 255, 1) == 1
    assert abi.field(packed, 0, 255) != abi.field(packed, 0, 256)
    assert abi.field(word(2**104 - 3), 0, 104, signed=True) == -3


@SOME
@given(st.integers(0, 2**256 - 1), st.integers(0, 255), st.data())
def test_a_field_is_what_solidity_shifts_and_masks(value, offset, data):
    """(word >> offset) & mask, and its signed reading."""
    width = data.draw(st.integers(1, 256 - offset))
    unsigned = (value >> offset) % 2**width
    assert abi.field(word(value), offset, width) == unsigned
    signed = abi.field(word(value), offset, width, signed=True)
    assert signed % 2**width == unsigned
    assert -(2 ** (width - 1)) <= signed < 2 ** (width - 1)


@pytest.mark.parametrize(("offset", "width"), [(-1, 8), (0, 0), (249, 8), (0, 257), (256, 1)])
def test_a_field_beyond_its_word(offset, width):
    """A field lies within one word; a word has 32 bytes."""
    assert abi.field(word(1), 248, 8) == 0
    with pytest.raises(BadInput, match="packed field"):
        abi.field(word(1), offset, width)
    with pytest.raises(BadInput, match="storage word"):
        abi.field(b"\x01", 0, 8)


@pytest.mark.parametrize(
    "types", ["(bytes[])", "(string[],uint8)", "((bytes,uint8)[])", "(uint256[][])", "(bytes[2][])"]
)
def test_offsets_that_share_their_bytes_are_refused_before_anything_is_built(types: str) -> None:
    """Two thousand offsets to one part stand for a thousand times the bytes that are there."""
    many, part = 2_000, (1 << 14).to_bytes(32, "big") + bytes(32 << 14)
    shared = [(32 * many).to_bytes(32, "big")] * many
    head = [64, 0] if types == "(string[],uint8)" else [32]
    bomb = b"".join(one.to_bytes(32, "big") for one in (*head, many)) + b"".join(shared) + part
    with pytest.raises(NotUsable, match="not the strict encoding"):
        abi.decode_values(types, bomb, NOWHERE)


@pytest.mark.parametrize(
    ("types", "values"),
    [
        ("(bytes[])", ((b"a", b"", b"b" * 33),)),
        ("(uint8,string[2],(uint256,bytes[])[],int24)", (1, ("x", "y" * 40), ((5, (b"1", b"2")), (6, ())), -7)),
        ("(uint256[3][],address)", (((1, 2, 3), (4, 5, 6)), "0x" + "11" * 20)),
        ("(uint8[][2][])", ((((1, 2), ()), ((), (3,))),)),
    ],
)
def test_nested_values_come_back_and_not_when_cut(types: str, values: tuple[object, ...]) -> None:
    """The strict encoding of any nesting is taken, whatever stands behind it; one byte less is refused."""
    data = abi.encode_values(types, values)
    assert abi.decode_values(types, data, NOWHERE) == abi.decode_values(types, data + bytes(64), NOWHERE)
    assert abi.encode_values(types, abi.decode_values(types, data, NOWHERE)) == data
    with pytest.raises(NotUsable, match="it would be longer"):
        abi.decode_values(types, data[:-1], NOWHERE)
