"""A key of this process: what it signs is what eth_account would have signed, and what is no key is told without it."""

from __future__ import annotations

import pytest
from eth_account import Account

from tests.verifier.attest.build import statement
from verifier.app.errors import UsageError
from verifier.app.signer import LocalSigner
from verifier.attest.eip712 import statement_digest

N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.mark.parametrize("secret", [1, 2, 0x21 << 240, N - 1])
def test_a_statement_is_signed_as_eth_account_signs_it(secret: int) -> None:
    """The same 65 bytes under the same address: nonces follow from the key and the digest."""
    key, made = secret.to_bytes(32, "big"), statement()
    theirs, ours = Account.from_key(key), LocalSigner(key, "here")
    assert ours.address.hex() == theirs.address.lower()[2:]
    assert ours.sign(made) == bytes(theirs.unsafe_sign_hash(statement_digest(made)).signature)


@pytest.mark.parametrize("key", [bytes(32), N.to_bytes(32, "big"), b"\xff" * 32, b"\x01" * 31])
def test_what_is_no_key_is_refused_without_being_told(key: bytes) -> None:
    """Zero, the order of the curve, above it, and too short."""
    with pytest.raises(UsageError, match="here holds no private key") as caught:
        LocalSigner(key, "here")
    assert key.hex() not in str(caught.value)
    assert caught.value.__cause__ is None
