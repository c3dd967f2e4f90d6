"""Messages from Arbitrum to its parent: their place in the tree of sends, and the call that the outbox takes.

ArbOS keeps all messages in one growing tree (`ARBITRUM_SENDS`). Its root stands in every L2 header's `extraData`, and
in the outbox once the assertion is confirmed. The outbox hashes the item once more before it walks, so that no inner
node passes for a leaf; it must have a proof of full length, and so must we.

Source: OffchainLabs/nitro-contracts src/bridge/AbsOutbox.sol (`calculateItemHash`, `executeTransaction`) and
MerkleLib.sol; nitro arbos/merkleAccumulator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from verifier.crypto.keccak import keccak256
from verifier.encoders.abi import encode_call
from verifier.errors import NOWHERE, BadInput, Where
from verifier.merkle.ordered import ARBITRUM_SENDS, prove_at, verify_at
from verifier.primitives import MAX_UINT256, Address, Hash32, address

EXECUTE: Final = (
    "bytes32[]", "uint256", "address", "address", "uint256", "uint256", "uint256", "uint256", "bytes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Send:
    """One message from L2, as ArbSys emitted it (`L2ToL1Tx`). `value` in wei; `timestamp` that of the L2 block."""

    sender: Address
    to: Address
    l2_block: int
    l1_block: int
    timestamp: int
    value: int
    data: bytes

    def __post_init__(self) -> None:
        address(self.sender)
        address(self.to)
        for number in (self.l2_block, self.l1_block, self.timestamp, self.value):
            if type(number) is not int or not 0 <= number <= MAX_UINT256:
                raise BadInput("field of a send", "an unsigned 256-bit integer", number)

    @property
    def item(self) -> Hash32:
        """The item's hash: its fields packed, which is unambiguous since all but the last have one width."""
        numbers = (self.l2_block, self.l1_block, self.timestamp, self.value)
        packed = b"".join(number.to_bytes(32, "big") for number in numbers)
        return keccak256(self.sender + self.to + packed + self.data)


@dataclass(frozen=True, slots=True)
class SendProof:
    """A send that was shown to be in the tree of a root. Made by `verify_send`."""

    root: Hash32
    send: Send
    index: int
    siblings: tuple[Hash32, ...]


def verify_send(
    root: Hash32, send: Send, index: int, count: int, siblings: Sequence[bytes], where: Where = NOWHERE
) -> SendProof:
    """
    Establish that a message is number `index` of the `count` sends under a root.

    Args:
        root, count: Believed: from a proven L2 header, or out of the outbox.
        siblings: Untrusted.

    Raises:
        BadInput, ProofError: As `verify_at`.
    """
    verify_at(root, ARBITRUM_SENDS, index, count, send.item, siblings, where)
    return SendProof(root, send, index, tuple(Hash32(bytes(sibling)) for sibling in siblings))


def prove_send(items: Sequence[Hash32], index: int) -> tuple[Hash32, ...]:
    """The siblings of one send, from the item hashes of all of them in order."""
    return prove_at(ARBITRUM_SENDS, items, index)


def encode_execute(proof: SendProof) -> bytes:
    """Call data of the outbox's `executeTransaction`."""
    send = proof.send
    fields = (send.sender, send.to, send.l2_block, send.l1_block, send.timestamp, send.value, send.data)
    return encode_call("executeTransaction", EXECUTE, (list(proof.siblings), proof.index, *fields))
