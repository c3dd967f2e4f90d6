"""Headers that are believed without a consensus proof: because the checker says so, or the checker's own endpoints did.

How far each is believed is in its anchor: `pinned`, `quorum` or `rpc`. A root speaks of one network by chain id; the
same hash pinned for another network is no root here, since nothing in a header names its chain.
"""

from __future__ import annotations

from collections.abc import Sequence

from verifier.errors import NoTrustRoot, Unsupported, Where, WrongBinding
from verifier.headers.decode import Header, decode_header
from verifier.headers.minted import mint_header
from verifier.network import Network
from verifier.proven import ProvenHeader
from verifier.trust import ANCHOR_ORDER, Checkpoint, HeaderRoot, Observed, Settlement, Trust, TrustRoot, anchor_of


def verify_anchor(rlp: bytes, network: Network, roots: Sequence[TrustRoot], where: Where) -> ProvenHeader:
    """
    Establish a header that a trust root of the checker names; where several do, the strongest counts.

    Args:
        rlp: Untrusted.
        roots: The checker's own, for any networks; never out of a bundle.

    Raises:
        Unsupported: States of this family cannot be proven here, so neither is a header any use.
        Malformed: Not a header of the family.
        NoTrustRoot: No root for this network names its hash.
        WrongBinding: It was observed under another number.
    """
    if network.family.unsupported is not None:
        raise Unsupported(where, network.family.unsupported)
    header = decode_header(rlp, network.family, where)
    known = [root for root in roots if root.chain_id == network.chain_id and not isinstance(root, Checkpoint)]
    naming = [root for root in known if root.hash == header.hash]
    if not naming:
        raise NoTrustRoot(where, header.hash, len(known))
    root = min(naming, key=lambda named: ANCHOR_ORDER.index(anchor_of(named)))
    if isinstance(root, Observed) and root.number != header.number:
        raise WrongBinding(where, "the number of the observed block", root.number, header.number)
    return _minted(header, network, root)


def _minted(header: Header, network: Network, root: HeaderRoot) -> ProvenHeader:
    settlement = Settlement.NONE if network.is_rollup else None
    return mint_header(header, network, root, Trust(anchor_of(root), settlement))
