"""Recovery against eth-account, and every second spelling of a signature refused."""

from __future__ import annotations

import random

import pytest
from eth_account import Account

from tests.simulators.trie_builder import keccak
from verifier.crypto.secp256k1 import FIELD, ORDER, parse_signature, recover
from verifier.errors import BadAttestation, MalformedAttestation


def signed(seed: int = 1) -> tuple[bytes, bytes, bytes]:
    """A digest, its signature, and the signer."""
    account = Account.from_key(keccak(b"key %d" % seed))
    digest = keccak(b"message %d" % seed)
    return digest, bytes(account.unsafe_sign_hash(digest).signature), bytes.fromhex(account.address[2:])


@pytest.mark.parametrize("seed", range(12))
def test_the_signer_is_recovered(seed: int) -> None:
    """As eth-account says; another digest has another signer or none."""
    digest, signature, who = signed(seed)
    assert recover(digest, signature) == who
    assert parse_signature(signature).raw == signature
    try:
        assert recover(keccak(digest), signature) != who
    except BadAttestation:
        pass


@pytest.mark.covers("ATT-03")
def test_a_mirrored_signature_is_refused() -> None:
    """(r, n-s, other v) recovers to the same signer elsewhere; here it is no signature."""
    digest, raw, who = signed()
    s = int.from_bytes(raw[32:64], "big")
    mirrored = raw[:32] + (ORDER - s).to_bytes(32, "big") + bytes([55 - raw[64]])
    assert bytes.fromhex(Account._recover_hash(digest, signature=mirrored)[2:]) == who
    with pytest.raises(MalformedAttestation, match="upper half"):
        recover(digest, mirrored)


@pytest.mark.covers("ATT-03", "ATT-04")
@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[:64],
        lambda raw: raw[:64] + bytes([raw[64] - 27]),
        lambda raw: raw[:64] + bytes([raw[64] + 8]),
        lambda raw: raw[:64] + b"\x25",
        lambda raw: raw + b"\x00",
        lambda raw: b"",
        lambda raw: bytes(65),
        lambda raw: bytes(32) + raw[32:],
        lambda raw: raw[:32] + bytes(32) + raw[64:],
        lambda raw: ORDER.to_bytes(32, "big") + raw[32:],
        lambda raw: b"\xff" * 32 + raw[32:],
        bytearray,
        lambda raw: raw.hex(),
    ],
)
def test_other_forms_are_refused(change) -> None:
    """Compact, other recovery values, other lengths, zeros, numbers past the order: never the zero address."""
    digest, raw, _ = signed()
    with pytest.raises(MalformedAttestation):
        recover(digest, change(raw))


@pytest.mark.covers("ATT-04")
def test_an_r_that_is_no_point_gives_no_address() -> None:
    digest, raw, _ = signed()
    rng = random.Random(5)
    tried = 0
    while tried < 5:
        r = rng.randrange(1, ORDER)
        square = (pow(r, 3, FIELD) + 7) % FIELD
        if pow(square, (FIELD - 1) // 2, FIELD) != 1:
            tried += 1
            with pytest.raises(BadAttestation):
                recover(digest, r.to_bytes(32, "big") + raw[32:])
    with pytest.raises(MalformedAttestation):
        recover(digest[:31], raw)


@pytest.mark.covers("ATT-10")
def test_signing_twice_gives_the_same_bytes() -> None:
    """The signer's nonces come from key and message (RFC 6979): a second signature reveals nothing.

    The vector is the RFC's form over secp256k1 for key 1 and "Satoshi Nakamoto", hashed by SHA-256.
    """
    assert signed(3) == signed(3)
    import hashlib

    digest = hashlib.sha256(b"Satoshi Nakamoto").digest()
    raw = bytes(Account.from_key((1).to_bytes(32, "big")).unsafe_sign_hash(digest).signature)
    assert raw[:64].hex() == (
        "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
        "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"
    )
