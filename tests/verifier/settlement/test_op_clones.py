"""What a game's code says of it: extra data and registry, in the form of its type alone."""

from __future__ import annotations

import pytest

from tests.verifier.settlement.games import clone_code, told_registry
from verifier.errors import NOWHERE
from verifier.settlement.op_clones import Clone, parse_clone

REGISTRY = b"\xa5" * 20
EXTRA = b"\x07" * 32


def parsed(rest: bytes) -> Clone:
    return parse_clone(clone_code(b"\x0c" * 32, rest), NOWHERE)


@pytest.mark.parametrize("kind", [0, 1, 4, 5, 7, 8, 9, 10])
def test_a_type_that_is_told_its_registry_names_it_behind_the_extra_data(kind: int) -> None:
    """At its own place for each length of arguments; extra data may be of any length, and of none."""
    for extra in (EXTRA, EXTRA * 5, b""):
        assert parsed(told_registry(kind, extra, REGISTRY)).taken_apart(kind) == (extra, REGISTRY)


@pytest.mark.parametrize("kind", [0, 1, 4, 5, 7, 8, 9, 10])
def test_what_is_shorter_or_of_another_type_is_of_the_older_form(kind: int) -> None:
    """All of it is extra data then, and the registry stands in the implementation."""
    short = told_registry(kind, b"", REGISTRY)[:-1]
    assert parsed(short).taken_apart(kind) == (short, None)
    other = told_registry(kind, EXTRA, REGISTRY)
    other = bytes([other[0] ^ 1]) + other[1:]
    assert parsed(other).taken_apart(kind) == (other, None)


@pytest.mark.parametrize("kind", [6, 42, 621])
def test_a_type_without_arguments_has_extra_data_alone(kind: int) -> None:
    told = kind.to_bytes(4, "big") + EXTRA + bytes(124)
    assert parsed(told).taken_apart(kind) == (told, None)


def test_the_first_three_arguments_are_creator_root_and_parent_hash() -> None:
    found = parsed(EXTRA)
    assert (found.creator, found.root, found.parent_hash) == (b"\xcc" * 20, b"\x0c" * 32, b"\xdd" * 32)
