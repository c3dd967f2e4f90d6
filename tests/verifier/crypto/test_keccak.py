"""Keccak-256: the right function, from either backend."""

from __future__ import annotations

import hashlib
import random

import pytest
from Crypto.Hash import keccak as pycryptodome

from verifier.crypto import keccak

BACKENDS = {"tiny-keccak": keccak.tiny_hasher(), "openssl": keccak.openssl_hasher()}


@pytest.fixture(params=BACKENDS)
def hasher(request: pytest.FixtureRequest) -> keccak.Hasher:
    """Each backend that this machine has."""
    found = BACKENDS[request.param]
    if found is None:
        pytest.skip("this Python's OpenSSL has no Keccak-256 (it comes with 3.2)")
    return found


def test_known_digests(hasher):
    """The digests of the empty string and of the empty trie are the famous ones."""
    assert hasher(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert hasher(b"\x80").hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"


def test_every_length_around_the_blocks_agrees_with_pycryptodome(hasher):
    """All lengths up to four blocks and one byte, the borders of the padding among them."""
    rng = random.Random(7)
    for size in range(4 * 136 + 2):
        data = rng.randbytes(size)
        assert hasher(data) == pycryptodome.new(digest_bits=256, data=data).digest()


def test_a_digest_does_not_depend_on_those_before_it(hasher):
    """A backend keeps no state between messages."""
    first = hasher(b"a")
    hasher(b"b" * 1000)
    assert hasher(b"a") == first


def test_the_backend_in_use_is_named_and_is_one_of_the_two():
    """`BACKEND` says which function `keccak256` is."""
    assert keccak.BACKEND in BACKENDS
    assert keccak.keccak256(b"x" * 300) == BACKENDS["tiny-keccak"](b"x" * 300)


def test_sha3_is_not_keccak():
    """The standardised SHA3-256 differs in its padding and is not taken for a backend."""
    assert keccak.is_keccak(BACKENDS["tiny-keccak"])
    assert not keccak.is_keccak(lambda data: hashlib.sha3_256(data).digest())


def test_a_machine_without_a_right_backend_is_told_so(monkeypatch):
    """Where no backend gives the known digest, the import fails; it does not go on with a wrong one."""
    wrong = lambda data: hashlib.sha3_256(data).digest()  # noqa: E731
    monkeypatch.setattr(keccak, "openssl_hasher", lambda: wrong)
    assert keccak.choose_backend()[0] == "tiny-keccak"
    monkeypatch.setattr(keccak, "tiny_hasher", lambda: wrong)
    with pytest.raises(ImportError, match="no working Keccak-256"):
        keccak.choose_backend()
