"""Keccak-256: the right function, or none."""

from __future__ import annotations

import hashlib
import random

import pytest
from Crypto.Hash import keccak as pycryptodome

from verifier.crypto.keccak import checked, keccak256


def test_known_digests():
    """The digests of the empty string and of the empty trie are the famous ones."""
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"\x80").hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"


def test_every_length_around_the_blocks_agrees_with_pycryptodome():
    """All lengths up to four blocks and one byte, the borders of the padding among them."""
    rng = random.Random(7)
    for size in range(4 * 136 + 2):
        data = rng.randbytes(size)
        assert keccak256(data) == pycryptodome.new(digest_bits=256, data=data).digest()


def test_a_digest_does_not_depend_on_those_before_it():
    """The function keeps no state between messages."""
    first = keccak256(b"a")
    keccak256(b"b" * 1000)
    assert keccak256(b"a") == first


def test_another_function_ends_the_import():
    """SHA3-256 differs in its padding and is not taken for Keccak: the import fails, and does not go on with it."""
    assert checked(keccak256) is keccak256
    with pytest.raises(ImportError, match="no working Keccak-256"):
        checked(lambda data: hashlib.sha3_256(data).digest())
