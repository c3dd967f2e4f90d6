"""ABI values: what call data and output hold, in their one encoding and their types' one spelling, or a refusal."""

from __future__ import annotations

import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from verifier.codec import abi
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, NotUsable, Where

HERE = Where(network="here")
WORD = bytes(31) + b"\x01"


def decoded(types, data):
    return abi.decode_values(types, data, HERE)


@given(
    st.integers(0, 2**256 - 1), st.binary(min_size=20, max_size=20), st.binary(max_size=70), st.lists(st.integers(0, 9))
)
def test_values_come_back_as_they_went_in(number, who, raw, many):
    """Numbers, addresses, bytes and arrays, inside a tuple too; what follows the values is not looked at."""
    types, values = "(uint256,(address,bytes),uint8[])", (number, (f"0x{who.hex()}", raw), tuple(many))
    data = abi.encode_values(types, values)
    assert data == encode(["uint256", "(address,bytes)", "uint8[]"], values)
    assert decoded(types, data) == values
    assert decoded(types, data + b"more") == values


@pytest.mark.parametrize(
    ("types", "data"),
    [
        ("(uint256)", b""),
        ("(uint256)", WORD[:-1]),
        ("(bool)", bytes(31) + b"\x02"),
        ("(address)", b"\x01" + WORD[1:]),
        ("(uint8)", bytes(30) + b"\x01\x00"),
        ("(bytes)", WORD),
        # Text at 64 rather than 32: readable, and not how anyone encodes it.
        ("(string)", (64).to_bytes(32, "big") + bytes(32) + WORD + b"a".ljust(32, b"\0")),
        ("(string)", (32).to_bytes(32, "big") + WORD + b"\xff".ljust(32, b"\0")),
    ],
)
def test_bytes_that_are_no_such_values(types, data):
    """Too short, out of the type's range, or another encoding than the strict one."""
    with pytest.raises(NotUsable):
        decoded(types, data)


@pytest.mark.parametrize(
    ("types", "values"),
    [("(uint8)", (256,)), ("(uint256)", ("1",)), ("(address)", ("0x12",)), ("(bool,bool)", (True,))],
)
def test_arguments_that_are_not_of_their_types(types, values):
    """A number too large, a text for a number, half an address, one value for two."""
    with pytest.raises(BadInput):
        abi.encode_values(types, values)


def test_types_are_split_with_tuples_kept_whole():
    """None, one, nested ones and arrays of them."""
    assert abi.split_types("()") == []
    assert abi.split_types("(uint256)") == ["uint256"]
    assert abi.split_types("(uint256,(address,bytes32[])[2],string)") == ["uint256", "(address,bytes32[])[2]", "string"]


def test_a_list_of_types_has_a_longest():
    """At the limit it is read; one letter beyond it is not."""
    least = "(" + ",".join(["int8"] * 40) + ")"
    assert len(abi.split_types(least)) == 40
    longest = _of_length(abi.MAX_TYPES)
    assert len(abi.split_types(longest)) > 1
    with pytest.raises(BadInput):
        abi.split_types(_of_length(abi.MAX_TYPES + 1))


@pytest.mark.parametrize("nested", ["({})", "{}[]", "{}[1]"], ids=["tuples", "arrays", "fixed arrays"])
def test_types_have_a_deepest(nested):
    """What decoding them costs doubles with each level, and a deeper stack than Python's ends in no error of ours."""
    inner = "uint256"
    for _ in range(abi.MAX_NESTING - 1):
        inner = nested.format(inner)
    assert abi.split_types(f"({inner})") == [inner]
    for deeper in (nested.format(inner), nested.format(inner).replace("uint256", "(bool)[]")):
        with pytest.raises(BadInput, match="within one another"):
            abi.split_types(f"({deeper})")


def test_a_stack_of_types_is_refused_at_once():
    """Fifty tuples in one another would be decoded for ever, and two hundred arrays end Python's stack."""
    for types in ("(" * 50 + "uint256" + ")" * 50, "(uint256" + "[]" * 240 + ")", "(" * 255 + "bool" + ")" * 255):
        with pytest.raises(BadInput):
            abi.decode_values(types, bytes(31) + b" " + WORD * 240, HERE)


def _of_length(length):
    """A sound list of exactly so many letters."""
    for tail in ("int8", "uint8", "bytes1", "bytes32", "uint256", "address"):
        left = length - 2 - len(tail)
        if left % 5 == 0:
            return "(" + "int8," * (left // 5) + tail + ")"
    raise AssertionError(length)


@pytest.mark.parametrize(
    "types",
    [
        "",
        "uint256",
        "(uint256",
        "(uint)",
        "(uint7)",
        "(uint256)[]",
        "(uint256, address)",
        "(,)",
        "(nothing)",
        "(a(b)",
        "(bool[02])",
    ],
)
def test_other_lists_of_types_are_refused(types):
    """No parentheses, an alias, a width that there is not, an array of the list, a space, an unknown name, 02 for 2."""
    with pytest.raises(BadInput):
        abi.split_types(types)


def test_functions_are_split_where_the_first_list_closes():
    """Name, what it takes, what it returns; tuples inside either list."""
    assert abi.split_function("balanceOf(address)(uint256)") == ("balanceOf", "(address)", "(uint256)")
    assert abi.split_function("f((bool,(int8))[], string) (uint256,(bool))") == (
        "f", "((bool,(int8))[],string)", "(uint256,(bool))",
    )  # fmt: skip
    assert abi.split_function("f()()") == ("f", "()", "()")
    for wrong in ("f", "f()", "f(uint)(bool)", "f(bool)(uint)", "(bool)(bool)", "f(bool", "f(bool)(bool)(bool)"):
        with pytest.raises(BadInput):
            abi.split_function(wrong)


def test_selectors():
    """Known ones; a name or types that cannot be are refused."""
    assert abi.selector("transfer(address,uint256)").hex() == "a9059cbb"
    assert abi.selector("totalSupply()") == keccak256(b"totalSupply()")[:4]
    for wrong in ("transfer", "9f(bool)", "f(uint)", "f (bool)", "(bool)"):
        with pytest.raises(BadInput):
            abi.selector(wrong)
