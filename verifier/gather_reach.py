"""Whether a rollup's endpoints can still prove a settled block: asked once, before all that hangs on it.

What a parent settles is hours to ten days old, on a fast chain millions of blocks; most endpoints prove state of the
newest few hundred blocks only. So the age that is needed is computed from the chosen block and tried with one proof of
one account. Where nobody serves it, that is the answer, with the depth and with what would serve it, in place of the
failures of each claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from verifier.flow import AskHeader, AskHeight, Flow, Unanswered, ask
from verifier.headers.decode import decode_header
from verifier.network import Network
from verifier.primitives import Address
from verifier.proven import ProvenHeader
from verifier.state.asking import Proofs

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
DAY: Final = 86_400


def check_reach(header: ProvenHeader) -> Flow[None]:
    """
    Try one proof at a block that a parent settled.

    Raises:
        Unanswered: No endpoint proves state of its age; the last reason says how old it is and what would serve it. One
            that was answered with lies only says that, as everywhere.
    """
    try:
        yield from ask(Proofs(header).question(TRIED, ()))
    except Unanswered as error:
        if error.lied:
            raise
        needed = yield from _needed(header)
        service = SERVED_BY.get(header.network.family.name, "an archive node")
        reason = f"no endpoint proves state {needed}; {service} would"
        failures = (*error.failures, (header.network.name, reason))
        raise Unanswered(error.question, error.refusals, failures) from None


def _needed(header: ProvenHeader) -> Flow[str]:
    """How far back the block lies, as far as the endpoints say where they stand."""
    network = header.network
    try:
        height = yield from ask(AskHeight(chain_id=network.chain_id))
        raw = yield from ask(AskHeader(chain_id=network.chain_id, block=height))
    except Unanswered:
        return f"of block {header.number}"
    return f"of block {header.number}, {_behind(network, header, raw)}"


def _behind(network: Network, header: ProvenHeader, raw: bytes) -> str:
    newest = decode_header(raw, network.family, header.where)
    blocks, seconds = int(newest.number) - int(header.number), int(newest.timestamp) - int(header.timestamp)
    return f"{blocks:,} blocks and {seconds / DAY:.1f} days behind the newest"
