"""From a compiler's layout and a path to the position that reads the place: integers and lengths only, with their sign."""

from __future__ import annotations

import pytest

from verifier.assets.storage_field import MOST_BOUNDS, of_place
from verifier.codec.storage_layout import parse_layout, resolve
from verifier.errors import BadInput
from verifier.positions import Position

UINT, INT = "t_uint64", "t_int96"


def _array(depth: int) -> str:
    return UINT if depth == 0 else f"t_array({_array(depth - 1)})dyn_storage"


TYPES = {
    UINT: {"encoding": "inplace", "label": "uint64", "numberOfBytes": "8"},
    INT: {"encoding": "inplace", "label": "int96", "numberOfBytes": "12"},
    "t_bool": {"encoding": "inplace", "label": "bool", "numberOfBytes": "1"},
    "t_address": {"encoding": "inplace", "label": "address", "numberOfBytes": "20"},
    "t_userDefinedValueType(Price)9": {"encoding": "inplace", "label": "Price", "numberOfBytes": "12"},
    "t_bytes_storage": {"encoding": "bytes", "label": "bytes", "numberOfBytes": "32"},
    **{
        _array(depth): {
            "encoding": "dynamic_array",
            "label": "uint64" + "[]" * depth,
            "numberOfBytes": "32",
            "base": _array(depth - 1),
        }
        for depth in range(1, MOST_BOUNDS + 2)
    },
}
VARIABLES = [
    ("small", 3, 0, UINT),
    ("signed", 11, 0, INT),
    ("flag", 0, 1, "t_bool"),
    ("who", 1, 1, "t_address"),
    ("price", 0, 2, "t_userDefinedValueType(Price)9"),
    ("data", 0, 3, "t_bytes_storage"),
    *((f"deep{depth}", 0, 3 + depth, _array(depth)) for depth in range(1, MOST_BOUNDS + 2)),
]
LAYOUT = parse_layout(
    {
        "storage": [
            {"label": label, "offset": offset, "slot": str(slot), "type": kind, "contract": "A.sol:A", "astId": at}
            for at, (label, offset, slot, kind) in enumerate(VARIABLES)
        ],
        "types": TYPES,
    }
)


def placed(path: str) -> dict[str, object]:
    made: Position = of_place(LAYOUT, resolve(LAYOUT, path), path)
    return dict(made.given)


@pytest.mark.parametrize(
    ("path", "offset", "width", "sign"),
    [
        ("small", 24, 64, "unsigned"),
        ("signed", 88, 96, "signed"),
        ("price as int96", 0, 96, "signed"),
        ("price as uint96", 0, 96, "unsigned"),
        ("deep1.length", 0, 256, "unsigned"),
        ("deep1[3]", 192, 64, "unsigned"),
    ],
)
def test_an_integer_or_a_length_is_an_amount(path: str, offset: int, width: int, sign: str) -> None:
    """With its place in the word and its sign; a length is a whole word."""
    found = placed(path)
    assert (found["offset"], found["width"], found["sign"], found["path"]) == (offset, width, sign, path)


@pytest.mark.parametrize("path", ["flag", "who", "data", "price as bool", "price as address", "deep1"])
def test_nothing_else_is_one(path: str) -> None:
    """A flag, an address, bytes, a whole array."""
    with pytest.raises(BadInput):
        placed(path)


def test_arrays_on_the_way_are_few() -> None:
    """As many as a position has room for; each with its slot and the index below its length."""
    deepest = placed(f"deep{MOST_BOUNDS}" + "[1]" * MOST_BOUNDS)
    assert deepest["bounds"] == MOST_BOUNDS
    assert [deepest[f"index{i}"] for i in range(MOST_BOUNDS)] == [1] * MOST_BOUNDS
    with pytest.raises(BadInput, match="at most 4 growing arrays"):
        placed(f"deep{MOST_BOUNDS + 1}" + "[1]" * (MOST_BOUNDS + 1))
