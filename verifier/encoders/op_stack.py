"""Withdrawals of the OP Stack, and the output roots that they are proven against.

A withdrawal is a flag in the message passer's storage on L2. What L1 knows is an output root: the hash of the L2
block's state root, of the message passer's storage root, and of the block hash. So one proven L2 header and one proven
word give everything that the portal asks for; which output or dispute game holds that root, the caller says.

Source: ethereum-optimism/optimism, contracts-bedrock: Hashing.sol, L2ToL1MessagePasser.sol, OptimismPortal.sol and
OptimismPortal2.sol (`proveWithdrawalTransaction`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from verifier.codec.abi import mapping_slot
from verifier.crypto.keccak import keccak256
from verifier.encoders.abi import encode_call, encode_values
from verifier.encoders.paths import AccountPath, account_path
from verifier.errors import NotThere, WrongBinding
from verifier.primitives import Address, Hash32, SlotKey, slot_key, word
from verifier.proven import ProvenHeader
from verifier.state.ethereum import verify_account, verify_word
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable

MESSAGE_PASSER: Final = Address(bytes.fromhex("4200000000000000000000000000000000000016"))
SENT_MESSAGES: Final = slot_key(0)
"""Base slot of `sentMessages` in the message passer."""
OUTPUT_VERSION: Final = bytes(32)
_SENT: Final = word(1)
_WITHDRAWAL: Final = "(uint256,address,address,uint256,uint256,bytes)"
_OUTPUT: Final = "(bytes32,bytes32,bytes32,bytes32)"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One message from L2 to L1, as the message passer hashed it. `value` and `gas_limit` as on chain."""

    nonce: int
    sender: Address
    target: Address
    value: int
    gas_limit: int
    data: bytes

    @property
    def fields(self) -> tuple[int, bytes, bytes, int, int, bytes]:
        """In the order of the contract's struct."""
        return (self.nonce, self.sender, self.target, self.value, self.gas_limit, self.data)

    @property
    def hash(self) -> Hash32:
        """What the message passer keeps a flag for."""
        types = ("uint256", "address", "address", "uint256", "uint256", "bytes")
        return keccak256(encode_values(types, self.fields))

    @property
    def slot(self) -> SlotKey:
        """Where the flag stands."""
        return mapping_slot(self.hash, SENT_MESSAGES)


@dataclass(frozen=True, slots=True)
class WithdrawalProof:
    """A withdrawal that was shown to be sent, and what L1 is told of it. Made by `prove_withdrawal`."""

    withdrawal: Withdrawal
    path: AccountPath

    @property
    def output(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Version, state root, message passer's storage root and block hash: the pre-image of the output root."""
        return (OUTPUT_VERSION, self.path.header.state_root, self.path.account.storage_root, self.path.header.hash)

    @property
    def output_root(self) -> Hash32:
        """What an output proposal or a dispute game must hold."""
        return output_root(*self.output[1:])


def output_root(state: bytes, passer_storage: bytes, block: bytes) -> Hash32:
    """The output root of version 0."""
    return keccak256(OUTPUT_VERSION + state + passer_storage + block)


def withdrawal_slots(withdrawal: Withdrawal) -> tuple[Address, tuple[SlotKey, ...]]:
    """What to ask an L2 node for: the account and the slot (eth_getProof)."""
    return MESSAGE_PASSER, (withdrawal.slot,)


def prove_withdrawal(header: ProvenHeader, withdrawal: Withdrawal, nodes: Iterable[bytes]) -> WithdrawalProof:
    """
    Establish that a withdrawal was sent on L2, by the state of a proven L2 header.

    Args:
        nodes: Untrusted: of the message passer's account, and of the withdrawal's slot.

    Raises:
        NotThere: No such withdrawal was sent.
        WrongBinding: The slot holds something else than the flag.
        MissingNode, Malformed: The nodes do not lead there.
    """
    listed = tuple(dict.fromkeys(nodes))
    table = NodeTable.build(listed, where=header.where)
    account = verify_account(state_root(header), MESSAGE_PASSER, table, set())
    found = verify_word(account, withdrawal.slot, table, set())
    if not any(found.word):
        raise NotThere(found.where, "the withdrawal")
    if found.word != _SENT:
        raise WrongBinding(found.where, "the flag of a withdrawal", _SENT, found.word)
    return WithdrawalProof(withdrawal, account_path(account, (found,), listed))


def encode_prove_withdrawal(proof: WithdrawalProof, place: int) -> bytes:
    """
    Call data of `proveWithdrawalTransaction`, the same for both portals.

    Args:
        place: The index of the output in the oracle, or of the dispute game in its factory.
    """
    types = (_WITHDRAWAL, "uint256", _OUTPUT, "bytes[]")
    nodes = list(proof.path.word_nodes[0])
    return encode_call("proveWithdrawalTransaction", types, (proof.withdrawal.fields, place, proof.output, nodes))


def encode_finalize_withdrawal(withdrawal: Withdrawal) -> bytes:
    """Call data of `finalizeWithdrawalTransaction`, once the portal's windows are over."""
    return encode_call("finalizeWithdrawalTransaction", (_WITHDRAWAL,), (withdrawal.fields,))
