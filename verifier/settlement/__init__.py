"""Why a rollup's root is believed: one module for each way in which a contract of the parent network accepts roots.

`SCHEMES` is the one list. A scheme's name stands in a network's entry (`SettledOn.scheme`); a name that is not here is
a scheme that cannot be judged here, and such a rollup is anchored by a pin or a quorum, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from verifier.errors import Unsupported
from verifier.proven import ProvenHeader
from verifier.settlement import arbitrum, op_fault, op_output, scroll, taiko
from verifier.settlement.scheme import Case, Verify

SCHEMES: Final[Mapping[str, Verify]] = MappingProxyType(
    {
        "op_fault": op_fault.verify,
        "op_portal": op_fault.verify_portal,
        "op_output": op_output.verify,
        "bold": arbitrum.verify_bold,
        "nitro": arbitrum.verify_classic,
        "scroll": scroll.verify,
        "taiko": taiko.verify,
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
    scheme = SCHEMES.get(case.settled.scheme)
    if scheme is None:
        what = f"the settlement scheme {case.settled.scheme} of {case.network.name}"
        raise Unsupported(case.where, what, "pin a block of the network, or let a quorum of endpoints say")
    return scheme(case, rlp, preimages)
