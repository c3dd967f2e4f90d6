"""Absence in an ordered tree whose leaves ascend by key: shown by two neighbours with nothing between them.

Both neighbours are proven under one root by their indices, which must be adjacent; at either end one neighbour is
enough, if it is the very first or last item. Keys have one width, so that no key is a prefix of another. That the whole
list ascends is the word of whoever published the root; where two proven neighbours do not ascend, the root is refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from verifier.errors import NOWHERE, BadInput, MissingEvidence, Where, WrongBinding
from verifier.merkle.ordered import Scheme, verify_at
from verifier.primitives import Hash32


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An item beside the place of a key, with its proof. Untrusted.

    Attributes:
        data: The whole leaf; its first bytes are its key.
    """

    index: int
    data: bytes
    siblings: tuple[bytes, ...]


def verify_absent(
    root: Hash32,
    scheme: Scheme,
    count: int,
    key: bytes,
    left: Neighbour | None,
    right: Neighbour | None,
    where: Where = NOWHERE,
) -> None:
    """
    Establish that no item of an ascending list has this key.

    Args:
        root, count: Believed.
        scheme, key: Ours, from the question.
        left: The item before the key's place, or None where the key would be the first.
        right: The item behind it, or None where the key would be the last.

    Raises:
        MissingEvidence: Neither neighbour, or only one that is not at the end of the list.
        WrongBinding: The neighbours are not adjacent, or the key is not between them.
        BadInput, ProofError: As `verify_at` for each of them.
    """
    if not key:
        raise BadInput("key", "at least one byte", key)
    if left is None and right is None:
        raise MissingEvidence(where, "a neighbour of the key")
    for neighbour in (left, right):
        if neighbour is not None:
            verify_at(root, scheme, neighbour.index, count, neighbour.data, neighbour.siblings, where)
            if len(neighbour.data) < len(key):
                raise BadInput("neighbour", f"a leaf that begins with a key of {len(key)} bytes", neighbour.data)
    _check_adjacent(left, right, count, where)
    _check_between(key, left, right, where)


def _check_adjacent(left: Neighbour | None, right: Neighbour | None, count: int, where: Where) -> None:
    if left is None:
        if right is not None and right.index != 0:
            raise MissingEvidence(where, "the neighbour before the key, which is not the first")
    elif right is None:
        if left.index != count - 1:
            raise MissingEvidence(where, "the neighbour behind the key, which is not the last")
    elif right.index != left.index + 1:
        raise WrongBinding(where, "the index of the right neighbour", left.index + 1, right.index)


def _check_between(key: bytes, left: Neighbour | None, right: Neighbour | None, where: Where) -> None:
    width = len(key)
    if left is not None and not left.data[:width] < key:
        raise WrongBinding(where, "a left neighbour with a key below", key, left.data[:width])
    if right is not None and not key < right.data[:width]:
        raise WrongBinding(where, "a right neighbour with a key above", key, right.data[:width])


def keys_ascend(items: Sequence[bytes], width: int) -> bool:
    """Whether a list is fit for proofs of absence: keys of one width, strictly ascending."""
    keys = [item[:width] for item in items]
    return all(len(k) == width for k in keys) and all(a < b for a, b in itertools.pairwise(keys))
