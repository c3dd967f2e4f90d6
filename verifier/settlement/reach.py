"""Whether a rollup's endpoints can still prove the block that a root is about: found out before anything is gathered.

What a parent settles is hours to ten days old, on a fast chain millions of blocks; most endpoints prove state of the
newest few hundred blocks only. So as soon as a hint names the block, one proof of one account is tried there, and the
parent's contracts are asked for after it. Where nobody serves it, that is the answer, with the age that is needed and
with what would serve it, in place of the failures of each claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from verifier.crypto.keccak import keccak256
from verifier.errors import Where
from verifier.flow import AskHeader, AskHeight, AskReach, Flow, Unanswered, ask
from verifier.headers.decode import Header, decode_header
from verifier.network import Network
from verifier.primitives import Address
from verifier.proven import ProvenHeader
from verifier.trie.table import NodeTable
from verifier.trie.walk import walk

TRIED: Final = Address(bytes(20))
"""The zero address: whether it is there or not, its proof is one."""
SERVED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "op-stack": "an archive node, or op-reth with its store of historical proofs",
        "celo": "an archive node with historical proofs",
        "arbitrum": "an archive Nitro node",
    }
)
"""By family. Source: paradigmxyz/reth and Celo's documentation on historical proofs; Arbitrum's node documentation."""
HOUR: Final = 3_600
DAY: Final = 86_400


class OutOfReach(Unanswered):
    """No endpoint proves state of a block; the last failure says how old it is, and what would serve it."""


def check_reach(network: Network, header: Header | ProvenHeader) -> Flow[None]:
    """
    Try one proof at a block, whose header may be a hint still.

    Raises:
        OutOfReach: No endpoint proves state of its age.
        Unanswered: One answered, with lies only.
    """
    where = Where(network=network.name, block=str(header.number), address=TRIED)

    def judge(answer: tuple[bytes, ...]) -> None:
        table = NodeTable.from_hashed((keccak256(node), node) for node in answer)
        walk(header.state_root, keccak256(TRIED), table, where)

    question = AskReach(
        chain_id=network.chain_id, address=TRIED, slots=(), block_hash=header.hash, number=header.number, judge=judge
    )
    try:
        yield from ask(question)
    except Unanswered as error:
        raise (yield from out_of_reach(network, header, error)) from None


def out_of_reach(network: Network, header: Header | ProvenHeader, error: Unanswered) -> Flow[Unanswered]:
    """A failed proof at a block, as what it needs; unchanged where someone answered with lies."""
    if error.lied:
        return error
    needed = yield from _needed(network, header)
    service = SERVED_BY.get(network.family.name, "an archive node")
    reason = f"no endpoint proves state {needed}; {service} would"
    return OutOfReach(error.question, error.refusals, (*error.failures, (network.name, reason)))


def _needed(network: Network, header: Header | ProvenHeader) -> Flow[str]:
    """How far back the block lies, as far as the endpoints say where they stand."""
    try:
        height = yield from ask(AskHeight(chain_id=network.chain_id))
        raw = yield from ask(AskHeader(chain_id=network.chain_id, block=height))
    except Unanswered:
        return f"of block {header.number}"
    newest = decode_header(raw, network.family, Where(network=network.name))
    blocks, seconds = int(newest.number) - int(header.number), int(newest.timestamp) - int(header.timestamp)
    return f"of block {header.number}, {depth(blocks, seconds)} behind the newest"


def depth(blocks: int, seconds: int) -> str:
    """How old a proof has to be, in words."""
    days = f" ({seconds / DAY:.1f} days)" if seconds >= 2 * DAY else ""
    return f"{blocks:,} blocks and {seconds / HOUR:,.1f} hours{days}"
