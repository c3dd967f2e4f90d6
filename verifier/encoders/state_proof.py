"""The triple of state-proof verifiers: a block header, an account under it, and storage words under the account.

The contract hashes the header, compares it with a block hash that it believes (`blockhash`, the history contract of
EIP-2935, or an oracle's), and walks the two tries. Our own `StateProofConsumer` in the tests takes this form:

    verify(bytes header, address account, bytes[] accountProof, bytes32[] slots, bytes[][] storageProofs)

Source: the shape of lidofinance/curve-merkle-oracle StateProofVerifier.sol and its successors.
"""

from __future__ import annotations

from typing import Final

from verifier.crypto.keccak import keccak256
from verifier.encoders.abi import encode_call
from verifier.encoders.paths import AccountPath
from verifier.errors import WrongHash

VERIFY: Final = ("bytes", "address", "bytes[]", "bytes32[]", "bytes[][]")


def encode_state_proof(path: AccountPath, header: bytes, *, function: str = "verify") -> bytes:
    """
    Call data of the triple.

    Args:
        header: The RLP of the header that the path rests on.
        function: The name under which the contract takes these five arguments.

    Raises:
        WrongHash: Another header's bytes.
    """
    found = keccak256(header)
    if found != path.header.hash:
        raise WrongHash(path.header.where, "the header of the proof", path.header.hash, found)
    slots = [word.slot for word in path.words]
    values = (header, path.account.address, list(path.account_nodes), slots, [list(nodes) for nodes in path.word_nodes])
    return encode_call(function, VERIFY, values)
