"""Accounts under a state root and words under an account: two Merkle-Patricia tries, one below the other.

Keys are Keccak-256 of our own question, values come out of the leaf, and the storage root comes out of the proven
account; nothing of a reply beside its nodes is looked at. An account that is proven absent has no storage, and an
empty storage holds zero everywhere: neither needs any further node.

Source: Yellow Paper, section 4.1 and appendix D; EIP-1186; coreth core/types/state_account.go and
core/extstate/statedb.go (fifth field, cleared bit); blast-geth core/types/state_account.go (seven fields).
"""

from __future__ import annotations

from typing import Final

from verifier.codec import rlp
from verifier.crypto.keccak import keccak256
from verifier.errors import MalformedAccount, MalformedRlp, MalformedWord, Unsupported, Where
from verifier.network import AccountShape, Network
from verifier.primitives import ZERO_HASH, ZERO_WORD, Address, Hash32, SlotKey, Wei, Word
from verifier.proven import ProvenAccount, ProvenRoot, ProvenWord, mint
from verifier.trie.table import NodeTable
from verifier.trie.walk import EMPTY_ROOT, Absent, walk

EMPTY_CODE: Final = Hash32(bytes.fromhex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"))
"""keccak256 of no bytes: the code hash of an account without code."""

"""A string header and 32 bytes."""

_FIELDS: Final = {AccountShape.ETHEREUM: 4, AccountShape.AVALANCHE: 5, AccountShape.BLAST: 7}


def verify_account(root: ProvenRoot, address: Address, nodes: NodeTable, used: set[Hash32]) -> ProvenAccount:
    """
    Establish what a proven state root holds at an address, or that it holds nothing there.

    Args:
        address: Ours, from the question.
        nodes: Untrusted.
        used: Gets the hashes of the nodes that were followed.

    Raises:
        Unsupported: The family keeps its state in another tree.
        Malformed: A node on the path is no trie node, or the leaf no account of the family.
        MissingNode: The nodes end before the answer, in either direction.
    """
    where = root.where.at(address=address)
    if root.network.family.unsupported is not None:
        raise Unsupported(where, root.network.family.unsupported)
    leaf = walk(root.state_root, keccak256(address), nodes, where, used)
    if isinstance(leaf, Absent):
        return _account(root, address, exists=False)
    fields = _parse_leaf(leaf, root.network.family.account, where)
    nonce = _uint(fields[0], "nonce", 8, where)
    balance = _balance(fields, root.network.family.account, where)
    storage_root, code_hash = _hashes(fields, root.network.family.account, where)
    return _account(root, address, nonce=nonce, balance=balance, storage_root=storage_root, code_hash=code_hash)


def verify_word(account: ProvenAccount, slot: SlotKey, nodes: NodeTable, used: set[Hash32]) -> ProvenWord:
    """
    Establish the word at one slot of a proven account; a slot proven absent reads as zero, as in the EVM.

    Args:
        account: Supplies the only storage root that is used.
        slot: Ours, from the question, before any family's clearing of bits.
        nodes: Untrusted.
        used: Gets the hashes of the nodes that were followed.

    Raises:
        Malformed: A node on the path is no trie node, or the leaf no storage value.
        MissingNode: The nodes end before the answer, in either direction.
    """
    where = account.where.at(slot=slot)
    key = keccak256(asked_slot(account.rests_on.network, slot))
    leaf = walk(account.storage_root, key, nodes, where, used)
    word = ZERO_WORD if isinstance(leaf, Absent) else parse_word(leaf, where)
    return mint(ProvenWord, rests_on=account, slot=slot, word=word)


def asked_slot(network: Network, slot: SlotKey) -> SlotKey:
    """The slot as the network's trie keys it, and as its nodes must be asked for it.

    Avalanche clears bit 0 of the first byte before it hashes. Its nodes prove the key as asked but read the value with
    the cleared one, so half of all mapping slots would come with a proof of absence beside a right value.
    """
    if network.family.clears_slot_bit and slot[0] & 1:
        return SlotKey(bytes((slot[0] & 0xFE,)) + slot[1:])
    return slot


def parse_word(leaf: bytes, where: Where) -> Word:
    """
    The word in a storage leaf: the RLP of an integer of 1 to 32 bytes without leading zeros, and never zero.

    Raises:
        MalformedWord: Any other bytes.
    """
    try:
        value = rlp.decode_uint(rlp.decode(leaf, where), where)
    except MalformedRlp as error:
        raise MalformedWord(where, error.reason, leaf) from error
    if value == 0:
        raise MalformedWord(where, "a stored zero; zero is told by absence only", leaf)
    return Word(value.to_bytes(32, "big"))


def _parse_leaf(leaf: bytes, shape: AccountShape, where: Where) -> list[bytes]:
    try:
        fields = rlp.decode_flat_list(leaf, where)
    except MalformedRlp as error:
        raise MalformedAccount(where, error.reason, leaf) from error
    if len(fields) != _FIELDS[shape]:
        raise MalformedAccount(where, f"{len(fields)} fields, where accounts of {shape.value} have {_FIELDS[shape]}")
    if shape is AccountShape.AVALANCHE and fields[4] not in {b"", b"\x01"}:
        raise MalformedAccount(where, "the multi-coin flag is neither empty nor 1", fields[4])
    return fields


def _balance(fields: list[bytes], shape: AccountShape, where: Where) -> Wei | None:
    if shape is not AccountShape.BLAST:
        return Wei(_uint(fields[1], "balance", 32, where))
    # flags, fixed, shares, remainder: what an account has depends on a share price that is elsewhere.
    _uint(fields[1], "flags", 1, where)
    for name, field in zip(("fixed", "shares", "remainder"), fields[2:5], strict=True):
        _uint(field, name, 32, where)
    return None


def _hashes(fields: list[bytes], shape: AccountShape, where: Where) -> tuple[Hash32, Hash32]:
    first = 5 if shape is AccountShape.BLAST else 2
    for name, field in (("storage root", fields[first]), ("code hash", fields[first + 1])):
        # The slim form of snapshots writes empty strings here; no trie holds it.
        if len(field) != 32 or field == ZERO_HASH:
            raise MalformedAccount(where, f"the {name} is no hash", field)
    return Hash32(fields[first]), Hash32(fields[first + 1])


def _uint(field: bytes, name: str, width: int, where: Where) -> int:
    if len(field) > width or field[:1] == b"\x00":
        raise MalformedAccount(where, f"the {name} is no shortest integer of at most {width} bytes", field)
    return int.from_bytes(field, "big")


def _account(
    root: ProvenRoot,
    address: Address,
    *,
    exists: bool = True,
    nonce: int = 0,
    balance: Wei | None = Wei(0),  # noqa: B008 - a NewType call is the integer itself
    storage_root: Hash32 = EMPTY_ROOT,
    code_hash: Hash32 = EMPTY_CODE,
) -> ProvenAccount:
    return mint(
        ProvenAccount,
        rests_on=root,
        address=address,
        exists=exists,
        nonce=nonce,
        balance=balance,
        storage_root=storage_root,
        code_hash=code_hash,
    )
