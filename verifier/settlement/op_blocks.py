"""Blocks of an OP Stack rollup that claims on its parent are about: hints of its own endpoints, bound by the claims."""

from __future__ import annotations

from typing import Final

from verifier.codec import rlp
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, Where
from verifier.flow import AskHeader, AskHeight, AskProof, Flow, Unanswered, ask
from verifier.headers.decode import Header, decode_header
from verifier.primitives import Address, BlockNumber, Hash32
from verifier.settlement.op_games import ClaimForm, game_type, output_root
from verifier.settlement.op_told import Place, Told
from verifier.settlement.reach import out_of_reach
from verifier.trie.table import NodeTable
from verifier.trie.walk import EMPTY_ROOT, walk

PASSER: Final = Address(bytes.fromhex("4200000000000000000000000000000000000016"))
"""L2ToL1MessagePasser, the same on every chain. Source: ethereum-optimism/optimism, Predeploys.sol."""


def passer_root(place: Place, header: Header, root: Hash32) -> Flow[Hash32]:
    """
    The message passer's storage root at a block: the header's own field since Isthmus, else out of the rollup's state.

    It is a preimage only: whichever value makes the claim's hash, the claim commits to the header by it.
    """
    told = header.withdrawals_root
    if told is not None and (output_root(header, told) == root or told != EMPTY_ROOT):
        return told
    question = AskProof(
        chain_id=place.network.chain_id,
        address=PASSER,
        slots=(),
        block_hash=header.hash,
        number=header.number,
        deep=True,
    )
    try:
        nodes = yield from ask(question)
    except Unanswered as error:
        raise (yield from out_of_reach(place.network, header, error)) from None
    table = NodeTable.from_hashed((keccak256(node), node) for node in nodes)
    leaf = walk(header.state_root, keccak256(PASSER), table, Where(network=place.network.name, address=PASSER))
    return _storage_root(leaf, place) if isinstance(leaf, bytes) else EMPTY_ROOT


def _storage_root(leaf: bytes, place: Place) -> Hash32:
    """The storage root in an account's leaf."""
    items = rlp.decode_list(leaf, Where(network=place.network.name, address=PASSER))
    found = items[2] if len(items) > 2 else b""
    if not isinstance(found, bytes) or len(found) != 32:
        raise BadInput("account of the message passer", "a storage root", leaf)
    return Hash32(found)


def block_of(place: Place, game: Told) -> Flow[BlockNumber]:
    """The rollup's block that a game is about: by its number, or for super games by its time."""
    form = game_type(game.record.game_type, Where(network=place.network.name)).form
    if form not in {ClaimForm.SUPER, ClaimForm.SUPER_AND_INDEX}:
        return BlockNumber(int.from_bytes(game.extra[:32], "big") & (1 << 64) - 1)
    preimage = game.extra[4:] if form is ClaimForm.SUPER_AND_INDEX else game.extra
    time = int.from_bytes(preimage[1:9], "big")
    height = yield from ask(AskHeight(chain_id=place.network.chain_id))
    head = yield from _header_at(place, height)
    behind = max(0, head.timestamp - time)
    return BlockNumber(max(0, int(head.number) - -(-behind // place.network.block_time)))


def _header_at(place: Place, number: BlockNumber) -> Flow[Header]:
    raw = yield from ask(AskHeader(chain_id=place.network.chain_id, block=number))
    return decode_header(raw, place.network.family, Where(network=place.network.name))
