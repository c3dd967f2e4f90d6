"""From a proven beacon header to the execution header it settles: by block hash, whatever the fork.

Up to Fulu a beacon header's body holds the hash of its own execution block; from Gloas on, of the block before it,
whose payload is settled when the committee signs. In both cases nothing but the hash is taken: the execution header
comes as RLP and must hash to it, and its state root, number and time are read from there.
"""

from __future__ import annotations

from verifier.errors import Unsupported, Where, WrongChain, WrongHash
from verifier.headers.decode import decode_header
from verifier.headers.minted import mint_header
from verifier.network import Network
from verifier.proven import ProvenBeacon, ProvenHeader


def execution_header(beacon: ProvenBeacon, rlp: bytes, network: Network) -> ProvenHeader:
    """
    Establish the execution header whose hash a beacon header proves; it is believed as far as that one.

    Args:
        rlp: Untrusted.
        network: The checker's; must be the execution network of the beacon chain.

    Raises:
        WrongChain: The beacon chain is that of another network.
        Unsupported: A beacon header before Capella proves no execution block; or this family's states are not provable.
        Malformed: Not a header of the family.
        WrongHash: It is another header.
    """
    where = Where(network=network.name, node=f"execution block of beacon slot {beacon.slot}")
    if network.chain_id != beacon.chain_id:
        raise WrongChain(where, "the chain of the beacon header", network.chain_id, beacon.chain_id)
    if network.family.unsupported is not None:
        raise Unsupported(where, network.family.unsupported)
    if beacon.execution_hash is None:
        raise Unsupported(where, "a header before Capella, or one reached by its root, proves no execution block")
    header = decode_header(rlp, network.family, where)
    if header.hash != beacon.execution_hash:
        raise WrongHash(where, "the execution header", beacon.execution_hash, header.hash)
    return mint_header(header, network, beacon, beacon.trust)
