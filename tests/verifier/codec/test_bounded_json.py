"""JSON of a user's own: what is nested too deep is refused before Python's parser recurses."""

from __future__ import annotations

import time

import pytest

from verifier.codec.bounded_json import MAX_DEPTH, is_nested_within, loads, marks_of


def test_depth_is_bounded_before_parsing() -> None:
    """At the bound it is parsed; one deeper, or a hundred thousand, is refused. Brackets in strings do not count."""
    assert loads("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(ValueError, match="nested deeper"):
            loads("[" * depth + "]" * depth)
    with pytest.raises(ValueError, match="nested deeper"):
        loads(b'{"a":' * 100_000)
    assert loads('{"a": "[[[[' + "[" * 1_000 + '\\""}') is not None


def test_brackets_are_looked_for_where_they_are_parsed() -> None:
    """In UTF-16 the bytes of other characters look like quotes, and hide brackets; it is no JSON of ours."""
    deep = '["\u2200",' + "[" * 100_000 + "]" * 100_000 + ',"\u2200"]'
    with pytest.raises(ValueError, match="nested deeper"):
        loads(deep)
    with pytest.raises(ValueError, match=r"."):
        loads(deep.encode("utf-16-le"))
    assert loads('["\u2200"]'.encode()) == ["\u2200"]


def test_a_string_that_never_ends_is_looked_at_once() -> None:
    """Half a million quotes, each of them escaped: refused in time that grows with their number, not its square."""
    began = time.process_time()
    for text in (b'\\"' * 500_000, b'"' + b'\\"' * 500_000, b'\\"' * 500_000 + b"\\"):
        with pytest.raises(ValueError, match=r"."):
            loads(text)
    assert time.process_time() - began < 5
    assert loads(b'"' + b'\\"' * 500_000 + b'"') == '"' * 500_000


def test_what_is_not_json_is_an_error_of_one_kind() -> None:
    for text in ("", "[", "}", "nul"):
        with pytest.raises(ValueError, match=r"."):
            loads(text)


def test_what_stands_in_strings_is_no_mark() -> None:
    """With escapes and without; an escaped quote ends no string."""
    assert marks_of(b'{"a[": ["b{", 1], "c": {}}') == b"{:[]:{}}"
    assert marks_of(b'{"a\\"[": ["\\\\", 1]}') == b"{:[]}"


@pytest.mark.parametrize(
    ("marks", "depth", "within"),
    [
        (b"", 0, True), (b"::", 0, True), (b"[]", 1, True), (b"[]", 0, False), (b"[{}]", 1, False), (b"[{}]", 2, True),
        (b"[][][]", 1, True), (b"[{]}", 9, False), (b"[", 9, False), (b"]", 9, False), (b"][", 9, False),
        (b"[" * 100_000, 9, False), (b"[" * 9 + b"]" * 9, 9, True), (b"[" * 10 + b"]" * 10, 9, False),
    ],
)  # fmt: skip
def test_depth_is_counted_in_brackets_that_close_in_order(marks: bytes, depth: int, within: bool) -> None:
    """One deeper than the bound is out, and so is what is open or crossed."""
    assert is_nested_within(marks, depth) is within
