"""What is typed as an argument of a call is of its type to the digit, or is refused with what was expected."""

from __future__ import annotations

import pytest

from tests.nodes.contracts import ALICE
from verifier.app.arguments import call_data
from verifier.errors import BadInput

WORD = 32


@pytest.mark.parametrize(
    ("function", "value", "word"),
    [
        ("f(uint8)()", "255", 255),
        ("f(uint8)()", "0xff", 255),
        ("f(int8)()", "-128", 2**256 - 128),
        ("f(int8)()", "127", 127),
        ("f(uint256)()", str(2**256 - 1), 2**256 - 1),
        ("f(bytes4)()", "0x12345678", 0x12345678 << 224),
        ("f(bool)()", "true", 1),
        ("f(address)()", ALICE, int(ALICE, 16)),
    ],
)
def test_a_value_of_the_type_is_its_word(function, value, word):
    """Behind the selector, as the ABI has it."""
    data, _ = call_data(function, [value])
    assert int.from_bytes(data[4:], "big") == word and len(data) == 4 + WORD


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        ("f(uint8)()", "256", "0 to 255"),
        ("f(uint8)()", "-1", "0 to 255"),
        ("f(int8)()", "-129", "-128 to 127"),
        ("f(int8)()", "128", "-128 to 127"),
        ("f(uint256)()", str(2**256), f"0 to {2**256 - 1}"),
        ("f(bytes4)()", "0x1234", "0x and 8 hex digits"),
        ("f(bytes4)()", "0x1234567890", "0x and 8 hex digits"),
        ("f(bool)()", "1", "a value of type bool"),
        ("f(address)()", "0x12", "0x and 40 hex digits, in mixed case with their EIP-55 checksum"),
        ("f((address,uint256)[])()", f'[["{ALICE}"]]', "a list of 2"),
        ("f((address,uint256)[])()", "[(1,2)]", 'a JSON list, such as ["1","2"]'),
    ],
)
def test_a_value_of_another_type_is_refused_with_what_was_expected(function, value, expected):
    """Nothing is cut, filled up or turned round."""
    with pytest.raises(BadInput) as refused:
        call_data(function, [value])
    assert refused.value.what.startswith("argument of type") and refused.value.expected == expected


@pytest.mark.parametrize("text", ["f(address owner)(uint256)", "function f(address) returns (uint256)", "f (address"])
def test_a_function_is_written_with_types_alone(text):
    """No names of parameters, no other words; spaces between the parts do no harm."""
    with pytest.raises(BadInput, match=r"name\(types\)\(types\) without other words"):
        call_data(text, [ALICE])
    assert call_data("f (address) (uint256)", [ALICE]) == call_data("f(address)(uint256)", [ALICE])
