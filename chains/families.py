"""What the networks of one kind have in common: how headers are hashed, how accounts and slots look."""

from __future__ import annotations

from typing import Final

from verifier.forks import EvmRules, Span
from verifier.network import AccountShape, Dialect, Family, HistoryRing
from verifier.primitives import Address

HISTORY: Final = HistoryRing(Address(bytes.fromhex("0000F90827F1C53a10cb7A02335B175320002935")), 8_191)
"""
The block-hash history contract: HISTORY_STORAGE_ADDRESS and HISTORY_SERVE_WINDOW.

Source: EIP-2935, parameters. Live on Ethereum networks since Prague; on OP Stack chains since Isthmus; on BNB Chain
since Pascal, which contains it (BEP-440); on Gnosis since Pectra. A chain before its fork has no account there, and a
hop over it is then refused by the proof. Arbitrum has the contract at the same address with another ring length and
block numbers of its own, so it is left out there.
"""

P256: Final = Span(0x100, 0x100, "P256VERIFY at 0x100")
"""RIP-7212 on rollups: another price than EIP-7951's on Ethereum, and on forks before it."""

ETHEREUM: Final = Family("ethereum", history=HISTORY, blooms=True, evm=EvmRules())
OP_STACK: Final = Family("op-stack", history=HISTORY, evm=EvmRules(refused_precompiles=(P256,)))
"""Ethereum's header rules; since Isthmus the withdrawals root is the message passer's storage root."""
CELO: Final = Family("celo", (Dialect.ETHEREUM, Dialect.CELO_EARLY), history=HISTORY)
"""OP Stack since block 31,056,500; before Gingerbread a header of ten fields. Source: celo-blockchain."""
BLAST: Final = Family("blast", account=AccountShape.BLAST)
"""Seven-field accounts: the native balance is no single leaf field. Source: blast-geth core/types/state_account.go."""
ARBITRUM: Final = Family(
    "arbitrum",
    evm=EvmRules(
        refused_opcodes=frozenset({"BLOCKHASH", "PREVRANDAO", "DIFFICULTY", "BLOBHASH", "BLOBBASEFEE"}),
        refused_precompiles=(
            Span(0x0A, 0x11, "at 0x0a to 0x11 (blobs and BLS12-381)"),
            Span(0x64, 0xFF, "at 0x64 to 0xff (ArbSys, ArbInfo, ArbGasInfo, …)"),
            P256,
        ),
        refused_code=(b"\xef\xf0",),
        number_in_mix_hash=True,
    ),
)
"""
Sixteen header fields. NUMBER is the L1 block number that the header's mix hash holds; BLOCKHASH speaks of L1 blocks;
code that begins with 0xeff0 is a Stylus program.

Source: OffchainLabs/go-ethereum core/types/arb_types.go, core/vm/instructions.go (opNumber, opBlockhash),
core/state/statedb_arbitrum.go (Stylus prefix); docs.arbitrum.io, precompiles reference.
"""
BOR: Final = Family("bor")
"""Sixteen header fields; the hash covers the whole extraData. Source: bor consensus/bor/bor.go."""
PARLIA: Final = Family("parlia", history=HISTORY)
"""Ethereum's fields; mixHash holds milliseconds since Lorentz. Source: bsc core/types/block.go."""
GNOSIS: Final = Family("gnosis", (Dialect.ETHEREUM, Dialect.AURA), history=HISTORY)
"""Ethereum's fields since its merge; AuRa's step and seal before."""
AVALANCHE: Final = Family("avalanche", (Dialect.AVALANCHE,), account=AccountShape.AVALANCHE, clears_slot_bit=True)
"""extDataHash in every header, a multi-coin flag in every account. Source: coreth header_ext.go, state_account_ext."""
SONIC: Final = Family("sonic", (Dialect.SONIC,))
"""Nineteen fields, without a parent beacon root. Source: 0xsoniclabs/sonic inter/block.go."""
BERACHAIN: Final = Family("berachain", (Dialect.BERACHAIN, Dialect.ETHEREUM))
"""Ethereum's fields and, since Prague1, the parent proposer's key. Source: BRIP-0004. History ring: unconfirmed."""
PLAIN: Final = Family("ethereum-like")
"""Ethereum's header order and accounts; whether the history contract is there is not confirmed."""
ZKSYNC: Final = Family(
    "zksync",
    unsupported=(
        "its state is a binary tree over Blake2s, and its block hash is not that of an Ethereum header; "
        "hold the asset on a network whose state is a Merkle-Patricia trie, or declare it, which counts nothing"
    ),
)
MONAD: Final = Family(
    "monad",
    unsupported=(
        "its nodes do not serve eth_getProof, and its header's state root lags the block; "
        "wait until nodes serve proofs (category-labs/monad#781)"
    ),
)

OP_TAGS: Final = "safe: derived from L1 data; finalized: from finalized L1; neither: the output root is settled"
"""What the block tags of an OP Stack chain mean."""
