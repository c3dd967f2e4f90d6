"""What a block looks like from inside the machine, out of its proven header, and under which rules it runs.

Source: go-ethereum core/evm.go (NewEVMBlockContext); OffchainLabs/go-ethereum core/types/arb_types.go (mix hash),
params/config.go (forks by ArbOS version).
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.errors import Unsupported, Where
from verifier.forks import Activation, EvmRules, Fork
from verifier.primitives import Address, Hash32
from verifier.proven import ProvenHeader


@dataclass(frozen=True, slots=True)
class Environment:
    """
    The block environment of a call.

    Attributes:
        number: What NUMBER says; `height` is the block's own number, which BLOCKHASH and the history ring go by.
        base_fee: Wei, as the header has it. Nodes answer eth_call with zero here where no gas price is given.
    """

    fork: Fork
    rules: EvmRules
    chain_id: int
    number: int
    height: int
    time: int
    beneficiary: Address
    gas_limit: int
    difficulty: int
    mix_hash: Hash32
    base_fee: int
    excess_blob_gas: int


def environment(header: ProvenHeader) -> Environment:
    """
    The environment that a proven block's own transactions had, for a call on the state after it.

    Raises:
        Unsupported: The network has no reviewed schedule, or the block follows a fork that we cannot run.
    """
    network, block, where = header.network, header.block, header.where
    rules = network.family.evm
    if rules is None:
        what = f"calls on {network.name}: the rules of its machine (family {network.family.name}) are not modelled"
        raise Unsupported(where, what, "read the asset by a storage layout")
    if not network.forks:
        what = f"calls on {network.name}: nothing says whose rules its machine runs"
        raise Unsupported(where, what, 'give the network a fork, such as fork = "osaka"')
    fork = _fork(header, rules, where)
    values = (block.beneficiary, block.gas_limit, block.difficulty, block.mix_hash, block.base_fee)
    beneficiary, gas_limit, difficulty, mix_hash, base_fee = values
    if beneficiary is None or gas_limit is None or difficulty is None or mix_hash is None or base_fee is None:
        raise Unsupported(where, "the header lacks fields that its fork's machine reads")
    number = int.from_bytes(mix_hash[8:16], "big") if rules.number_in_mix_hash else int(header.number)
    return Environment(
        fork,
        rules,
        int(network.chain_id),
        number,
        int(header.number),
        int(header.timestamp),
        beneficiary,
        gas_limit,
        difficulty,
        mix_hash,
        base_fee,
        block.excess_blob_gas or 0,
    )


def _fork(header: ProvenHeader, rules: EvmRules, where: Where) -> Fork:
    version = 0
    if rules.number_in_mix_hash and header.block.mix_hash is not None:
        version = int.from_bytes(header.block.mix_hash[16:24], "big")
    reached: Activation | None = None
    for row in header.network.forks:
        if header.number >= row.block and header.timestamp >= row.time and version >= row.version:
            reached = row
    if reached is None:
        raise Unsupported(where, "calls in blocks before London, whose rules are not run here")
    if reached.fork is None or header.block.newer:
        name = reached.name if reached.fork is None else "a fork that appended header fields"
        raise Unsupported(where, f"calls under the rules of {name}", "use a release that covers this fork")
    return reached.fork
