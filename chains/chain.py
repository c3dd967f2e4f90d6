"""A chain as an operator reviews it: its network's values, the assets we know there, and where all of it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from chains.families import ETHEREUM
from verifier.claims import KnownAsset
from verifier.errors import BadInput
from verifier.network import Network, OwnConsensus
from verifier.primitives import chain_id


@dataclass(frozen=True, slots=True)
class Chain:
    """One network of the registry.

    Attributes:
        network: What the verifier is handed.
        finality_tags: What `safe` and `finalized` mean there, for people; nothing rests on them.
        proofs: How its usual nodes serve proofs, for people.
        sources: Where the values come from.
        unconfirmed: Values that nobody has held against the chain yet.
    """

    network: Network
    assets: tuple[KnownAsset, ...] = ()
    finality_tags: str = ""
    proofs: str = "eth_getProof"
    sources: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()


def local_network(name: str, chain: int, symbol: str = "ETH") -> Network:
    """A development chain of one's own (anvil, geth --dev): Ethereum's rules, believed only as far as a root says."""
    if not name or not name.isprintable() or len(name) > 40:
        raise BadInput("network name", "1 to 40 printable characters", name)
    return Network(chain_id(chain), name, ETHEREUM, symbol, OwnConsensus("development"), block_time=1, finality=60)
