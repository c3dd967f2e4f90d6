"""Paths and their compact form."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.trie_builder import hex_prefix
from verifier.errors import NOWHERE, MalformedNode
from verifier.trie.nibbles import decode_path, nibbles_of


def test_nibbles_of_a_key():
    """The high nibble comes first."""
    assert nibbles_of(b"\x12\xab") == "12ab"
    assert nibbles_of(b"") == ""


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 15), max_size=70), st.booleans())
def test_every_path_has_a_form_that_reads_back(path, is_leaf):
    """The independent encoder's form decodes to the same path and kind."""
    assert decode_path(hex_prefix(path, is_leaf=is_leaf), NOWHERE) == (is_leaf, "".join(f"{n:x}" for n in path))


@settings(max_examples=500, derandomize=True, deadline=None)
@given(st.binary(max_size=5))
def test_every_form_is_the_form_of_its_path_or_refused(encoded):
    """No two forms give one path: what is decoded encodes to the same bytes."""
    try:
        is_leaf, path = decode_path(encoded, NOWHERE)
    except MalformedNode:
        return
    assert hex_prefix([int(n, 16) for n in path], is_leaf=is_leaf) == encoded


@pytest.mark.parametrize(
    ("good", "bad", "why"),
    [
        ("20", "", "without its flag"),
        ("20", "40", "unknown flag"),
        ("31", "f1", "unknown flag"),
        ("00ab", "07ab", "padding"),
        ("20ab", "21ab", "padding"),
    ],
)
def test_forms_that_differ_in_one_thing(good, bad, why):
    """A missing flag, an unknown one, and padding that is not zero."""
    decode_path(bytes.fromhex(good), NOWHERE)
    with pytest.raises(MalformedNode, match=why):
        decode_path(bytes.fromhex(bad), NOWHERE)
