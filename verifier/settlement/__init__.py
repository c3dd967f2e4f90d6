"""Why a rollup's root is believed: one module for each way in which a contract of the parent network accepts roots.

`SCHEMES` is the one list. A scheme's name stands in a network's entry (`SettledOn.scheme`); a name that is not here is
a scheme that cannot be judged here, and such a rollup is anchored by a pin or a quorum, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from verifier.errors import Unsupported, Where
from verifier.flow import Flow
from verifier.network import Network, SettledOn
from verifier.policy import Policy
from verifier.primitives import Timestamp
from verifier.proven import ProvenHeader
from verifier.settlement import (
    arbitrum,
    arbitrum_asking,
    op_asking,
    op_fault,
    op_output,
    op_output_asking,
    scroll,
    taiko,
    validity_asking,
)
from verifier.settlement.collect import Settled
from verifier.settlement.scheme import Case, Verify

_CURE: Final = "pin a block of the network, or let a quorum of endpoints say"

Gather = Callable[[Network, ProvenHeader, Timestamp, Policy], Flow[Settled]]
"""Rollup, header of its parent, as-of time, policy -> the rollup's header with its evidence."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """Both halves of one way to settle.

    Attributes:
        trusts: Who could forge a root, in a sentence.
    """

    verify: Verify
    gather: Gather
    trusts: str


SCHEMES: Final[Mapping[str, Scheme]] = MappingProxyType(
    {
        "op_fault": Scheme(
            op_fault.verify,
            op_asking.gather_registry,
            "a false claim that nobody challenges or the guardian does not blacklist in time; the proxies' owners",
        ),
        "base": Scheme(
            op_fault.verify,
            op_asking.gather_registry,
            "the proof systems of its games (TEE, or TEE and ZK), unless the guardian acts; the proxies' owners",
        ),
        "op_portal": Scheme(
            op_fault.verify_portal,
            op_asking.gather_portal,
            "a false claim that nobody challenges or the guardian does not blacklist in time; the proxies' owners",
        ),
        "op_output": Scheme(
            op_output.verify,
            op_output_asking.gather_output,
            "the one proposer, unless the challenger deletes its output within the period; the proxy's owner",
        ),
        "bold": Scheme(
            arbitrum.verify_bold,
            arbitrum_asking.gather_bold,
            "a false assertion that no validator challenges in its window; the security council",
        ),
        "nitro": Scheme(
            arbitrum.verify_classic,
            arbitrum_asking.gather_classic,
            "a false node that no validator challenges in its window; the chain's owner",
        ),
        "scroll": Scheme(scroll.verify, validity_asking.gather_scroll, "whoever breaks the validity proofs; the owner"),
        "taiko": Scheme(
            taiko.verify,
            validity_asking.gather_taiko,
            "whoever holds enough of the accepted proof systems' keys; the owner",
        ),
    }
)


def verify_settlement(case: Case, rlp: bytes, preimages: Sequence[bytes]) -> ProvenHeader:
    """
    Establish a rollup's header by its network's scheme.

    Args:
        rlp, preimages: Untrusted.

    Raises:
        Unsupported: The scheme is not known here.
        VerifierError: As the scheme raises it.
    """
    return scheme_of(case.network, case.settled).verify(case, rlp, preimages)


def gather_settlement(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """
    Gather what settles a header of a rollup under its parent's header `at`, for an as-of time.

    Raises:
        Unsupported: The scheme is not known here.
        Unanswered, VerifierError: As the scheme's search and judging raise them.
    """
    settled = network.rooted_by
    where = Where(network=network.name)
    if not isinstance(settled, SettledOn):
        raise Unsupported(where, "a settlement of a network with a consensus of its own")
    return (yield from scheme_of(network, settled).gather(network, at, as_of, policy))


def scheme_of(network: Network, settled: SettledOn) -> Scheme:
    """The scheme of a rollup. Raises Unsupported for one that is not known here."""
    found = SCHEMES.get(settled.scheme)
    if found is None:
        raise Unsupported(Where(network=network.name), f"the settlement scheme {settled.scheme}", _CURE)
    return found
