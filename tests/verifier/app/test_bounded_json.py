"""JSON of a user's own: what is nested too deep is refused before Python's parser recurses."""

from __future__ import annotations

import pytest

from verifier.app.bounded_json import MAX_DEPTH, loads


def test_depth_is_bounded_before_parsing() -> None:
    """At the bound it is parsed; one deeper, or a hundred thousand, is refused. Brackets in strings do not count."""
    assert loads("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(ValueError, match="nested deeper"):
            loads("[" * depth + "]" * depth)
    with pytest.raises(ValueError, match="nested deeper"):
        loads(b'{"a":' * 100_000)
    assert loads('{"a": "[[[[' + "[" * 1_000 + '\\""}') is not None


def test_what_is_not_json_is_an_error_of_one_kind() -> None:
    for text in ("", "[", "}", "nul"):
        with pytest.raises(ValueError, match=r"."):
            loads(text)
