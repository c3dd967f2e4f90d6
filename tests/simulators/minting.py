"""Proven amounts for tests of what comes after proving: minted by hand, which only tests and the verifier may do."""

from __future__ import annotations

from verifier.claims import Asset, Claim, ClaimKind, TokenLayout
from verifier.errors import MissingEvidence, VerifierError, Where
from verifier.network import Family, Network, OwnConsensus
from verifier.primitives import Address, BlockNumber, ChainId, Hash32, Timestamp, Wei, slot_key
from verifier.proven import BlockValues, Moment, ProvenAccount, ProvenAmount, ProvenHeader, ProvenRoot, mint
from verifier.trust import Anchor, PinnedBlock, Settlement, Trust
from verifier.verify import Refusal

AS_OF = Timestamp(1_800_000_000)
BUNDLE = Hash32(b"\xbb" * 32)
FAMILY = Family("ethereum")
ALICE = Address(b"\xa1" * 20)
BOB = Address(b"\xb0" * 20)


def network(chain: int = 1, finality: int = 900) -> Network:
    return Network(ChainId(chain), f"net{chain}", FAMILY, "ETH", OwnConsensus("test"), finality=finality)


def coin(chain: int = 1, group: str = "ETH") -> Asset:
    return Asset(ChainId(chain), group, 18, group)


def token(chain: int = 1, group: str = "USDC", decimals: int = 6, contract: int = 0x70) -> Asset:
    return Asset(ChainId(chain), group, decimals, group, Address(bytes([contract]) * 20), TokenLayout(slot_key(0)))


def holding(asset: Asset, holder: Address = ALICE) -> Claim:
    return Claim(asset, holder)


def debt(asset: Asset, holder: Address = ALICE) -> Claim:
    return Claim(asset, holder, ClaimKind.DEBT)


def header(net: Network, timestamp: int, trust: Trust) -> ProvenHeader:
    root = PinnedBlock(net.chain_id, Hash32(b"\x11" * 32))
    return mint(
        ProvenHeader,
        rests_on=root,
        network=net,
        hash=Hash32(b"\x11" * 32),
        parent_hash=Hash32(b"\x10" * 32),
        number=BlockNumber(1_000),
        timestamp=Timestamp(timestamp),
        state_root=Hash32(b"\x12" * 32),
        transactions_root=Hash32(b"\x13" * 32),
        receipts_root=Hash32(b"\x14" * 32),
        withdrawals_root=None,
        block=BlockValues(Address(bytes(20)), 30_000_000, 0, Hash32(bytes(32)), 7, 0),
        trust=trust,
    )


def proven(
    claim: Claim,
    units: int,
    *,
    anchor: Anchor = Anchor.PINNED,
    settlement: Settlement | None = None,
    as_of: int = AS_OF,
    lag: int | None = None,
    finality: int = 900,
) -> ProvenAmount:
    """An amount as the verifier would have made it: exact without `lag`, a head snapshot `lag` seconds old with it."""
    trust = Trust(anchor, settlement)
    head = header(network(claim.chain_id, finality), as_of - (lag if lag is not None else 5), trust)
    root = mint(
        ProvenRoot,
        rests_on=head,
        network=head.network,
        state_root=head.state_root,
        number=head.number,
        timestamp=head.timestamp,
        trust=trust,
    )
    account = mint(
        ProvenAccount,
        rests_on=root,
        address=claim.holder,
        exists=True,
        nonce=0,
        balance=Wei(abs(units)),
        storage_root=Hash32(b"\x15" * 32),
        code_hash=Hash32(b"\x16" * 32),
    )
    return mint(
        ProvenAmount,
        rests_on=account,
        claim=claim,
        amount=units,
        as_of=Timestamp(as_of),
        moment=Moment.EXACT if lag is None else Moment.HEAD,
        header=head,
        bound_by=(),
        trust=trust,
    )


def refused(claim: Claim, error: VerifierError | None = None, *, missing: bool = False) -> Refusal:
    where = Where(network=f"net{claim.chain_id}", address=claim.holder)
    return Refusal(claim, error or MissingEvidence(where, "a proof"), missing=missing)
