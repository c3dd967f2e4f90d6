"""The state root under a proven header, where the header's family has a state that can be walked at all."""

from __future__ import annotations

from verifier.errors import MalformedHeader, Unsupported
from verifier.primitives import ZERO_HASH
from verifier.proven import ProvenHeader, ProvenRoot, mint


def state_root(header: ProvenHeader) -> ProvenRoot:
    """
    Establish the state root that a proven header holds.

    Raises:
        Unsupported: The family keeps its state in another tree; the error says which.
        MalformedHeader: The root is zero, as an unset field is, and never the root of a state.
    """
    if header.network.family.unsupported is not None:
        raise Unsupported(header.where, header.network.family.unsupported)
    if header.state_root == ZERO_HASH:
        raise MalformedHeader(header.where, "the state root is zero")
    return mint(
        ProvenRoot,
        rests_on=header,
        network=header.network,
        state_root=header.state_root,
        number=header.number,
        timestamp=header.timestamp,
        trust=header.trust,
    )
