"""A decoded header as a proven one. As `mint`, this is for the rooms that have just shown why its hash is believed."""

from __future__ import annotations

from verifier.headers.decode import Header
from verifier.network import Network
from verifier.proven import ProvenBeacon, ProvenHeader, ProvenSettlement, ProvenWord, mint
from verifier.trust import HeaderRoot, Trust


def mint_header(
    header: Header,
    network: Network,
    rests_on: HeaderRoot | ProvenBeacon | ProvenHeader | ProvenWord | ProvenSettlement,
    trust: Trust,
) -> ProvenHeader:
    """
    The header with its network, what it rests on, and how strongly.

    Args:
        header: Its hash was computed from its bytes, and the caller has found that very hash in what it rests on.
    """
    return mint(
        ProvenHeader,
        rests_on=rests_on,
        network=network,
        hash=header.hash,
        parent_hash=header.parent_hash,
        number=header.number,
        timestamp=header.timestamp,
        state_root=header.state_root,
        transactions_root=header.transactions_root,
        receipts_root=header.receipts_root,
        withdrawals_root=header.withdrawals_root,
        block=header.block,
        trust=trust,
    )
