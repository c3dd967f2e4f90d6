"""A chain as an operator reviews it: its network's values, the assets we know there, and where all of it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

from chains.families import ETHEREUM
from verifier.claims import Asset, AssetKey, CodePin, Guard, KnownAsset, ProxyKind, TokenLayout
from verifier.errors import BadInput
from verifier.forks import Activation, Fork
from verifier.network import Network, OwnConsensus
from verifier.primitives import Address, ChainId, address, chain_id, nonzero_hash, parse_hex, slot_key

PROOFS_BY_CLIENT: Final = (
    "eth_getProof; hash-mode archives at any block, path mode about 128 blocks, reth's default the head only"
)
"""How long proofs are served on networks that run geth and reth."""


@dataclass(frozen=True, slots=True)
class SecondEntry:
    """A contract through which balances of another asset are seen once more: both are one balance.

    Attributes:
        stands_for: The token whose balances it shows; None for the network's own coin.
        source: Where that is said.
    """

    contract: Address
    stands_for: Address | None
    source: str


@dataclass(frozen=True, slots=True)
class Escrow:
    """A contract on another network that holds the originals of what circulates here: both are one value.

    Attributes:
        chain_id: Of the network that the contract is on.
        source: Where that is said.
    """

    chain_id: ChainId
    contract: Address
    source: str


@dataclass(frozen=True, slots=True)
class Uptime:
    """
    Chainlink's feed of whether a rollup's sequencer is up.

    Attributes:
        proxy: The contract that points to the feed.
        source: Where that is said.
    """

    proxy: Address
    source: str


@dataclass(frozen=True, slots=True)
class Chain:
    """One network of the registry.

    Attributes:
        network: What the verifier is handed.
        finality_tags: What `safe` and `finalized` mean there, for people; nothing rests on them.
        proofs: How its usual nodes serve proofs, for people.
        sources: Where the values come from.
        unconfirmed: Values that nobody has held against the chain yet.
        second_entries: Contracts that show balances counted elsewhere.
        escrows: Contracts elsewhere that hold the originals of bridged tokens.
        uptime: What says whether its sequencer is up; None where no such feed is known.
    """

    network: Network
    assets: tuple[KnownAsset, ...] = ()
    finality_tags: str = ""
    proofs: str = "eth_getProof"
    sources: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    second_entries: tuple[SecondEntry, ...] = ()
    escrows: tuple[Escrow, ...] = ()
    uptime: Uptime | None = None


def local_network(name: str, chain: int, symbol: str = "ETH", fork: Fork = Fork.OSAKA) -> Network:
    """
    A development chain of one's own (anvil, geth --dev): Ethereum's rules, believed only as far as a root says.

    Args:
        fork: Whose rules all of its blocks run under; calls are run by them.
    """
    if not name or not name.isprintable() or len(name) > 40:
        raise BadInput("network name", "1 to 40 printable characters", name)
    return Network(
        chain_id(chain),
        name,
        ETHEREUM,
        symbol,
        OwnConsensus("development"),
        block_time=1,
        finality=60,
        forks=(Activation(fork, fork.value),),
    )


def token(
    network: Network,
    symbol: str,
    contract: str,
    base: int,
    *,
    decimals: int = 18,
    group: str | None = None,
    width_bits: int = 256,
    blocked_bit: int | None = None,
    other_bits: int = 0,
    proxy: ProxyKind | None = None,
    pins: tuple[CodePin, ...] = (),
    guards: tuple[Guard, ...] = (),
    evidence: str,
) -> KnownAsset:
    """
    A token of the registry.

    Args:
        base: Slot of the balance mapping.
        group: What it is netted, priced and weighed with; its symbol unless told.
        pins: The code that this layout was reviewed for. Without any the entry is a hint: whoever wants it counted
            names the contract in the policy.
        guards: Flags of that code which must be off.
        evidence: Where address, layout and code hash come from.
    """
    layout = TokenLayout(
        slot_key(base), width_bits=width_bits, blocked_bit=blocked_bit, other_bits=other_bits, proxy=proxy
    )
    where = address(parse_hex(contract, f"{symbol} on {network.name}"))
    return KnownAsset(
        Asset(network.chain_id, symbol, decimals, group or symbol, where, layout), pins, evidence, guards=guards
    )


def mirror(contract: str, source: str, stands_for: str | None = None) -> SecondEntry:
    """A second entry point; of the network's own coin, unless it stands for a token."""
    target = None if stands_for is None else address(parse_hex(stands_for, "token"))
    return SecondEntry(address(parse_hex(contract, "second entry")), target, source)


def escrow(chain: int, contract: str, source: str) -> Escrow:
    """A bridge's escrow on another network."""
    return Escrow(chain_id(chain), address(parse_hex(contract, "escrow")), source)


def uptime(proxy: str) -> Uptime:
    """A sequencer's uptime feed, from the one list that Chainlink keeps of them."""
    return Uptime(address(parse_hex(proxy, "uptime feed")), "docs.chain.link/data-feeds/l2-sequencer-feeds")


class HasSecondEntries(Protocol):
    """What listing second entry points and escrows needs to know of a chain."""

    @property
    def network(self) -> Network:
        """The network as reviewed."""
        ...

    @property
    def second_entries(self) -> tuple[SecondEntry, ...]:
        """Contracts that show balances counted elsewhere."""
        ...

    @property
    def escrows(self) -> tuple[Escrow, ...]:
        """Contracts elsewhere that hold the originals of bridged tokens."""
        ...


def escrows_of(chains: Iterable[HasSecondEntries]) -> Mapping[tuple[ChainId, Address], str]:
    """For each bridge's escrow, by its network and address, whose tokens it backs."""
    return MappingProxyType(
        {(entry.chain_id, entry.contract): chain.network.name for chain in chains for entry in chain.escrows}
    )


def aliases_of(chains: Iterable[HasSecondEntries]) -> Mapping[AssetKey, AssetKey]:
    """For each second entry point, the asset whose balances it shows."""
    return MappingProxyType(
        {
            (chain.network.chain_id, entry.contract): (chain.network.chain_id, entry.stands_for)
            for chain in chains
            for entry in chain.second_entries
        }
    )


def pin(code_hash: str, implementation: str | None = None, implementation_code_hash: str | None = None) -> CodePin:
    """Reviewed code: a token's own, and behind a proxy its implementation's."""
    return CodePin(
        nonzero_hash(parse_hex(code_hash, "code hash")),
        None if implementation is None else address(parse_hex(implementation, "implementation")),
        None if implementation_code_hash is None else nonzero_hash(parse_hex(implementation_code_hash, "code hash")),
    )


def op_weth(
    network: Network,
    *,
    pins: tuple[CodePin, ...] = (),
    evidence: str = "WETH9 predeploy of the OP Stack (newer deployments: WETH98, balances at slot 0)",
) -> KnownAsset:
    """
    Wrapped ether of the OP Stack: the predeploy at 0x42…06, balances at slot 3.

    Source: ethereum-optimism/optimism, packages/contracts-bedrock/src/libraries/Predeploys.sol; WETH9.
    """
    contract = "0x4200000000000000000000000000000000000006"
    return token(network, "WETH", contract, 3, group="ETH", pins=pins, evidence=evidence)


def circle_usdc(network: Network, contract: str, *, pins: tuple[CodePin, ...] = (), evidence: str = "") -> KnownAsset:
    """
    Circle's own USDC: FiatToken v2.2 behind a ZeppelinOS proxy; balances at slot 9, bit 255 says "blocked".

    Source: circlefin/stablecoin-evm, FiatTokenV2_2 compiled: balanceAndBlacklistStates at slot 9.
    """
    told = (
        evidence or "layout of FiatToken v2.2, compiled; address as Circle lists it; no code reviewed for this network"
    )
    return token(
        network,
        "USDC",
        contract,
        9,
        decimals=6,
        width_bits=255,
        blocked_bit=255,
        proxy=ProxyKind.ZEPPELINOS,
        pins=pins,
        evidence=told,
    )
