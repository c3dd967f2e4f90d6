"""When a proposed root counts: where the policy takes such roots, and each of its conditions is shown.

Anyone can post a root by risking one bond, so that it stands in the contract says nothing yet. What is asked for beside
it: that it has stood for a while, that nobody posted another root of the same height or moved against it, and that a
quorum of the checker's own endpoints names the same block of the rollup. Each is proven, or observed by the checker
itself; one that cannot be shown refuses the root by name, since silence is what an attacker would prefer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verifier.errors import NotSettled, Where
from verifier.policy import Policy
from verifier.primitives import ChainId, Hash32, to_hex
from verifier.trust import Observed, Settlement, TrustRoot


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is known of a root that is not settled.

    Attributes:
        block: Hash of the rollup's block.
        age: Seconds that it has stood, at least; None where the contract's state does not show it.
        against: Rivals and challenges that the state shows.
        unshown: Conditions that the evidence does not show, each as what would have to be shown.
    """

    block: Hash32
    age: int | None
    against: tuple[str, ...] = ()
    unshown: tuple[str, ...] = ()


def conditions(
    policy: Policy, seen: Sequence[TrustRoot] | None, chain: ChainId, where: Where, proposal: Proposal | None
) -> tuple[str, ...]:
    """
    What speaks for a proposed root, where the policy counts those.

    Args:
        seen: The checker's roots, its observations among them; None while gathering, before anyone was asked.
        where: The word that names the root.

    Returns:
        One line for each condition; empty where the policy takes no proposed roots, which it says itself then.

    Raises:
        NotSettled: A condition is not met, or not shown; it names which.
    """
    if Settlement.PROPOSED not in policy.settlements:
        return ()
    if proposal is None:
        raise NotSettled(where, "a proposed root: no rival and no challenge", "shown", "its code was not reviewed")
    rule = policy.proposed
    if proposal.age is None:
        raise NotSettled(where, "a proposed root: its age", f"at least {rule.min_age} s", "not shown")
    if proposal.age < rule.min_age:
        raise NotSettled(where, "a proposed root: its age", f"at least {rule.min_age} s", f"{proposal.age} s")
    if proposal.against:
        raise NotSettled(where, "a proposed root: no rival and no challenge", "none", "; ".join(proposal.against))
    if proposal.unshown:
        raise NotSettled(where, "a proposed root: no rival and no challenge", proposal.unshown[0], "not shown")
    told = (f"posted at least {proposal.age} s ago", "no rival and no challenge at its height")
    if seen is None:
        return told
    return (*told, f"{check_quorum(policy, seen, chain, where, proposal.block)} operators name its block")


def check_quorum(
    policy: Policy, seen: Sequence[TrustRoot], chain: ChainId, where: Where, block: Hash32, why: str = ""
) -> int:
    """
    How many operators name a proposed root's block.

    Args:
        why: What came of asking them, for the error.

    Raises:
        NotSettled: They are fewer than the policy asks.
    """
    operators = named_by(seen, chain, block)
    if len(operators) < policy.proposed.quorum:
        expected = f"at least {policy.proposed.quorum} operators name {to_hex(block)}"
        raise NotSettled(where, "a proposed root: the quorum on its block", expected, f"{len(operators)} did{why}")
    return len(operators)


def named_by(seen: Sequence[TrustRoot], chain: ChainId, block: Hash32) -> frozenset[str]:
    """The operators that one observation of the checker's counts for a block; observations are not added up."""
    counts = [
        root.operators for root in seen if isinstance(root, Observed) and root.chain_id == chain and root.hash == block
    ]
    return max(counts, key=len, default=frozenset())
