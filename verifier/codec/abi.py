"""Where contracts keep their variables: slots of mappings and arrays, fields packed into words; and what calls say.

A slot is a number modulo 2^256, held as its 32 bytes. Keys are given already padded, by one of the three `pad_`
functions, because the padding depends on the key's type: numbers and addresses to the left, `bytesN` to the right.

Source: Solidity documentation, "Layout of State Variables in Storage"; Vyper's order of hashing was seen on compiled
contracts of version 0.4.3; ERC-7201.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from verifier.codec.abi_extent import check_extent
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, NotUsable, Where
from verifier.primitives import MAX_UINT256, SlotKey, Word
from verifier.primitives import address as parse_address
from verifier.primitives import slot_key as parse_slot

if TYPE_CHECKING:
    from eth_abi.grammar import ABIType

AbiValue = Any
"""What eth-abi decodes to: int, bool, str, bytes, and tuples of these; each use narrows it with isinstance."""

MAX_TYPES: Final = 512
MAX_NESTING: Final = 8
"""Tuples and arrays within one another: what eth-abi does with them doubles with each level."""
_TYPES: Final = re.compile(r"\([a-z0-9,()\[\]]*\)", re.ASCII)
_TWO_WORDS: Final = re.compile(r"\w\s+\w")
_FUNCTION: Final = re.compile(r"([A-Za-z_$][A-Za-z0-9_$]{0,127})(\([a-z0-9,()\[\]]*\))", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}", re.ASCII)


def mapping_slot(key: bytes, base: SlotKey) -> SlotKey:
    """The slot of one entry of a Solidity mapping: keccak256(key ‖ base).

    Args:
        key: 32 bytes, padded as its type asks.
        base: The mapping's own slot.
    """
    return SlotKey(keccak256(_padded(key) + parse_slot(base)))


def vyper_mapping_slot(key: bytes, base: SlotKey) -> SlotKey:
    """The slot of one entry of a Vyper HashMap: keccak256(base ‖ key), the other way round than Solidity."""
    return SlotKey(keccak256(parse_slot(base) + _padded(key)))


def seeded_slot(key: bytes, base: SlotKey) -> SlotKey:
    """The slot of an address's entry in Solady's tokens: keccak256 of the address's 20 bytes, then a seed in 12."""
    whole = int.from_bytes(_padded(key), "big") << 96 | int.from_bytes(parse_slot(base), "big")
    return SlotKey(keccak256((whole % 2**256).to_bytes(32, "big")))


def nested_mapping_slot(keys: Iterable[bytes], base: SlotKey) -> SlotKey:
    """The slot of `map[k1][k2]…` in Solidity: the outer key's slot is the base of the inner mapping."""
    slot = base
    for key in keys:
        slot = mapping_slot(key, slot)
    return slot


def vyper_nested_mapping_slot(keys: Iterable[bytes], base: SlotKey) -> SlotKey:
    """The slot of `map[k1][k2]…` in Vyper."""
    slot = base
    for key in keys:
        slot = vyper_mapping_slot(key, slot)
    return slot


def string_mapping_slot(key: bytes, base: SlotKey) -> SlotKey:
    """The slot of an entry of a Solidity mapping whose key is `string` or `bytes`: keccak256(key ‖ base), unpadded."""
    if type(key) is not bytes:
        raise BadInput("mapping key", "the bytes of the key", key)
    return SlotKey(keccak256(key + parse_slot(base)))


def array_slot(base: SlotKey, index: int, words_per_item: int = 1) -> SlotKey:
    """The first slot of one item of a dynamic array: keccak256(base) + index * words, modulo 2^256.

    The array's length stands at `base` itself; whether the index is below it, is the caller's to prove.
    """
    if words_per_item < 1:
        raise BadInput("words per array item", "at least 1", words_per_item)
    return offset_slot(SlotKey(keccak256(parse_slot(base))), _uint(index, "array index") * words_per_item)


def offset_slot(base: SlotKey, offset: int) -> SlotKey:
    """The slot `offset` words after `base`, modulo 2^256: a member of a struct."""
    start = int.from_bytes(parse_slot(base), "big")
    if type(offset) is not int:
        raise BadInput("slot offset", "an integer", offset)
    return SlotKey(((start + offset) & MAX_UINT256).to_bytes(32, "big"))


def erc7201_slot(namespace: str) -> SlotKey:
    """The root slot of a storage namespace: keccak256(keccak256(id) - 1), its last byte cleared."""
    inner = int.from_bytes(keccak256(namespace.encode()), "big") - 1
    return SlotKey(keccak256((inner & MAX_UINT256).to_bytes(32, "big"))[:31] + b"\x00")


def pad_address(value: bytes) -> bytes:
    """An address as a mapping key: 20 bytes, zeros before them."""
    return bytes(12) + parse_address(value)


def pad_uint(value: int) -> bytes:
    """An unsigned integer of any width as a mapping key: big-endian, zeros before it."""
    return _uint(value, "mapping key").to_bytes(32, "big")


def pad_bytesn(value: bytes) -> bytes:
    """A `bytes1` to `bytes32` as a mapping key: zeros after it."""
    if type(value) is not bytes or not 1 <= len(value) <= 32:
        raise BadInput("bytesN mapping key", "1 to 32 bytes", value)
    return value.ljust(32, b"\x00")


def field(word: Word, offset_bits: int, width_bits: int, *, signed: bool = False) -> int:
    """One field of a packed word.

    Args:
        word: All 32 bytes of the slot.
        offset_bits: From the low-order end, where Solidity puts the first variable of a slot.
        width_bits: Of the field's type.
        signed: Read as two's complement.
    """
    if len(word) != 32:
        raise BadInput("storage word", "32 bytes", word)
    if offset_bits < 0 or width_bits < 1 or offset_bits + width_bits > 256:
        raise BadInput("packed field", "bits within one word", f"offset {offset_bits}, width {width_bits}")
    value = (int.from_bytes(word, "big") >> offset_bits) & ((1 << width_bits) - 1)
    if signed and value >> (width_bits - 1):
        return value - (1 << width_bits)
    return value


def decode_values(types: str, data: bytes, where: Where) -> tuple[AbiValue, ...]:
    """
    The values that ABI-encoded bytes hold; the bytes begin with their one strict encoding.

    Args:
        types: As in `(uint256,address)`.

    Raises:
        NotUsable: The bytes are no such values.
    """
    from eth_abi.abi import decode, encode
    from eth_abi.exceptions import DecodingError, EncodingError

    parts = split_types(types)
    if parts:
        check_extent(types, data, where)
    try:
        values = decode(parts, data)
        again = encode(parts, values)
    except (DecodingError, EncodingError, OverflowError, ValueError) as error:
        raise NotUsable(where, f"{len(data)} bytes of output are no {types}: {type(error).__name__}") from None
    if data[: len(again)] != again:
        raise NotUsable(where, f"the output is not the strict encoding of {types}")
    return values


def encode_values(types: str, values: Sequence[object]) -> bytes:
    """
    Call data behind a selector.

    Raises:
        BadInput: A value is not of its type.
    """
    from eth_abi.abi import encode
    from eth_abi.exceptions import EncodingError

    try:
        return encode(split_types(types), values)
    except (EncodingError, TypeError, ValueError, OverflowError) as error:
        raise BadInput("arguments", types, str(error)) from None


def split_types(types: str) -> list[str]:
    """
    The types in a parenthesised list, tuples kept whole; each is one that eth-abi knows and in its one spelling.

    Raises:
        BadInput: Not such a list.
    """
    from eth_abi.abi import is_encodable_type
    from eth_abi.exceptions import ABITypeError, ParseError
    from eth_abi.grammar import TupleType, parse

    if len(types) > MAX_TYPES or _TYPES.fullmatch(types) is None:
        raise BadInput("ABI types", "a list such as (uint256,address)", types)
    if types == "()":
        return []
    try:
        found = parse(types)
        found.validate()
        deep = _nesting(found)
    except (ABITypeError, ParseError, ValueError, RecursionError) as error:
        raise BadInput("ABI types", f"a list such as (uint256,address) ({error})", types) from None
    if not isinstance(found, TupleType):
        raise BadInput("ABI types", "a list such as (uint256,address), each in full (uint256, not uint)", types)
    if deep > MAX_NESTING:
        raise BadInput("ABI types", f"at most {MAX_NESTING} tuples and arrays within one another", types)
    parts = [_spelled(part) for part in found.components]
    for part in parts:
        if not is_encodable_type(part):
            raise BadInput("ABI types", "types that there are", part)
    return parts


def _nesting(found: Any) -> int:  # noqa: ANN401 - eth-abi's types have no common one with these fields
    """How many tuples and arrays stand within one another."""
    if found.is_array:
        return 1 + _nesting(found.item_type)
    return 1 + max(map(_nesting, found.components), default=0) if hasattr(found, "components") else 0


def _spelled(found: ABIType) -> str:
    return str(found.to_type_str())  # type: ignore[no-untyped-call]


def split_function(text: str) -> tuple[str, str, str]:
    """
    A function as people write it, `name(types)(types)`, into its name, the types it takes and those it returns.

    Raises:
        BadInput: Not of that form, or with types that eth-abi does not know.
    """
    found = _FUNCTION.fullmatch(text.replace(" ", ""))
    if found is None or _TWO_WORDS.search(text) is not None:
        raise BadInput("function", "name(types)(types) without other words, such as balanceOf(address)(uint256)", text)
    name, rest = found[1], found[2]
    depth, end = 0, 0
    for end, mark in enumerate(rest):  # noqa: B007 - the place where the first list closes
        depth += {"(": 1, ")": -1}.get(mark, 0)
        if depth == 0:
            break
    takes, returns = rest[: end + 1], rest[end + 1 :]
    if not returns:
        raise BadInput("function", "name(types)(types), with the types that it returns", text)
    split_types(takes)
    split_types(returns)
    return name, takes, returns


def selector(signature: str) -> bytes:
    """The first four bytes of the hash of `name(types)`."""
    name, _, types = signature.partition("(")
    if _NAME.fullmatch(name) is None:
        raise BadInput("function", "name(types), such as balanceOf(address)", signature)
    split_types("(" + types)
    return keccak256(signature.encode())[:4]


def _padded(key: bytes) -> bytes:
    if type(key) is not bytes or len(key) != 32:
        raise BadInput("mapping key", "32 bytes, padded as its type asks", key)
    return key


def _uint(value: int, what: str) -> int:
    if type(value) is not int or not 0 <= value <= MAX_UINT256:
        raise BadInput(what, "an unsigned 256-bit integer", value)
    return value
