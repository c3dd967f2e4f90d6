"""Which execution block a beacon header settles: the one in its body, and its header by its hash alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hostile.light.clients import CHAINS, FULU, known, refused
from tests.simulators.beacon import CHAIN, execution_rlp
from tests.simulators.chain import network
from verifier.consensus.containers import LightClientHeader, Update
from verifier.consensus.execution import execution_header
from verifier.consensus.forks import Fork
from verifier.consensus.light_client import finalized_beacon
from verifier.errors import MalformedBranch, Unsupported, WrongBinding, WrongHash
from verifier.primitives import ZERO_HASH, Hash32


@pytest.mark.covers("LC-13", "SSZ-04")
@pytest.mark.parametrize("fork", [Fork.CAPELLA, Fork.DENEB, Fork.ELECTRA, Fork.FULU, Fork.GLOAS])
def test_an_execution_block_must_be_in_the_body(fork: Fork) -> None:
    """Another hash, another body, the state in place of the body, and surplus entries that are not zero."""
    chain = CHAINS[fork]
    good, state = chain.update(50, 32), known(chain)
    header = good.attested

    def with_header(changed: LightClientHeader) -> Update:
        return replace(good, attested=changed)

    refused(WrongHash, with_header(replace(header, execution_hash=Hash32(b"\x66" * 32))), state, chain=chain)
    other = chain.header(50, good.finalized.beacon.root, b"salt")
    refused(WrongHash, with_header(replace(header, execution_branch=other.execution_branch)), state, chain=chain)
    swapped = replace(header, beacon=replace(header.beacon, body_root=header.beacon.state_root))
    refused(WrongHash, with_header(swapped), state, chain=chain)
    refused(WrongHash, replace(good, finalized=replace(good.finalized, execution_hash=ZERO_HASH)), state, chain=chain)
    if fork is not Fork.GLOAS:
        padded = (b"\x01" * 32, *header.execution_branch[1:])
        refused(MalformedBranch, with_header(replace(header, execution_branch=padded)), state, chain=chain)


@pytest.mark.covers("LC-13")
def test_only_the_proven_execution_header_is_taken() -> None:
    """The RLP of any other block has another hash; its fields come from the RLP alone."""
    beacon = finalized_beacon(known())
    net = network(chain_id=CHAIN)
    with pytest.raises(WrongHash):
        execution_header(beacon, execution_rlp(25), net)
    header = execution_header(beacon, execution_rlp(24), net)
    assert (header.rests_on, header.trust, header.timestamp) == (beacon, beacon.trust, FULU.time(24))
    with pytest.raises(Unsupported):
        execution_header(beacon, execution_rlp(24), network(chain_id=CHAIN, unsupported="another tree"))


@pytest.mark.covers("LC-13")
def test_before_capella_no_execution_block_is_proven() -> None:
    """A header of Bellatrix has no execution part; one that claims some is refused."""
    chain = CHAINS[Fork.BELLATRIX]
    beacon = finalized_beacon(known(chain))
    assert beacon.execution_hash is None
    with pytest.raises(Unsupported):
        execution_header(beacon, execution_rlp(24), network(chain_id=CHAIN))
    good = chain.update(50, 32)
    claimed = replace(good, attested=replace(good.attested, execution_hash=Hash32(b"\x66" * 32)))
    refused(WrongBinding, claimed, chain=chain)


@pytest.mark.covers("LC-13")
def test_in_gloas_a_bid_s_own_block_is_not_the_settled_one() -> None:
    """The bid names its own block hash beside the parent's: 2857 is another leaf than 2856."""
    chain = CHAINS[Fork.GLOAS]
    body, _ = chain.body(50)
    good = chain.update(50, 32)
    own = replace(good.attested, execution_hash=Hash32(body.node(2857)), execution_branch=body.branch(2857))
    refused(WrongHash, replace(good, attested=own), chain=chain)
