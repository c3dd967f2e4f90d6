"""What a person should know before running: lines that will be refused or count as nothing, each with its cure."""

from __future__ import annotations

from collections.abc import Mapping

from chains.endpoint import Endpoint
from verifier.app.compile.assets import Compiled
from verifier.app.compile.ground import Ground
from verifier.app.quantities import checksummed
from verifier.claims import Claim, ClaimKind, Source
from verifier.policy import Policy
from verifier.positions import Position
from verifier.primitives import Address, ChainId


def advice(
    made: Compiled, policy: Policy, ground: Ground, endpoints: Mapping[ChainId, tuple[Endpoint, ...]]
) -> tuple[str, ...]:
    """Each as a sentence."""
    found = [line for claim in made.claims for line in _of_claim(claim, policy, ground.name_of(claim))]
    return (*dict.fromkeys(found), *_unbounded(endpoints))


def _of_claim(claim: Claim, policy: Policy, network: str) -> list[str]:
    """Why the verifier will refuse a claim or count it as nothing, with the line to add."""
    asset, found = claim.asset, list[str]()
    taken = (claim.chain_id, asset.contract) in policy.accept_contracts
    if isinstance(claim.reading, Position):
        found += _untaken(claim, claim.reading, policy, network)
    elif claim.source is Source.USER and asset.contract is not None and not taken:
        by = "a slot" if claim.reading is None else "a call"
        line = f'accept_contracts = ["{network}:{checksummed(asset.contract)}"]'
        found.append(
            f"{asset.symbol} is read by {by} that only your file vouches for, and will be refused; "
            f"if you have reviewed the contract, add under [policy]: {line}"
        )
    if claim.kind is ClaimKind.HOLDING and asset.group not in policy.factors:
        found.append(
            f"{asset.group} counts nothing as collateral: add [policy.assets.{asset.group}] with haircut_initial"
        )
    return found


def _untaken(claim: Claim, of: Position, policy: Policy, network: str) -> list[str]:
    """The contracts that a position names and the policy does not; its run may yet find others behind them."""
    named = [claim.asset.contract, *(v for _, v in of.given if isinstance(v, bytes) and len(v) == 20)]
    missing = [Address(c) for c in named if c is not None and (claim.chain_id, c) not in policy.accept_contracts]
    if not missing:
        return []
    line = ", ".join(f'"{network}:{checksummed(contract)}"' for contract in dict.fromkeys(missing))
    text = f"{claim.asset.symbol} is a position that only your file vouches for, and will be refused"
    return [f"{text}; if you have reviewed its contracts, add under [policy]: accept_contracts = [{line}]"]


def _unbounded(endpoints: Mapping[ChainId, tuple[Endpoint, ...]]) -> tuple[str, ...]:
    """Endpoints that are read by another library than ours."""
    return tuple(
        f"endpoint {e.name} is no HTTP endpoint: limits on the size and pace of its answers are not enforced"
        for some in endpoints.values()
        for e in some
        if e.kind != "http"
    )
