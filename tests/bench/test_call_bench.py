"""Proven calls on real contracts: time for each, the bytes of its bundle, and round trips with the hint and without."""

from __future__ import annotations

import time

from tests.nodes.contracts import ALICE, word
from tests.nodes.protocols.contract import Contract, calldata
from tests.verifier.evm.talk import Talk, call_of, gathered
from verifier.calls import Call
from verifier.gather import Gathered, assemble
from verifier.primitives import Timestamp
from verifier.proven import Ended
from verifier.verify_calls import call_claim
from verifier.wire import encode_bundle

E18 = 10**18
ROUNDS = 15


def of(contract: Contract, signature: str, *values: object) -> Call:
    return call_of(contract.address, calldata(signature, *values))


def measured(talk: Talk, call: Call) -> tuple[float, int]:
    """Milliseconds of the fastest of some runs, proofs included, and the units of work of one."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        found = talk.section().call(call)
        best = min(best, time.perf_counter() - begun)
        assert found.ended is Ended.RETURNED
    return best * 1_000, found.steps


def bundle_bytes(talk: Talk, call: Call) -> int:
    chain = talk.network.chain_id
    part = Gathered(chain, talk.rlp, (), talk.state.nodes, {}, codes=talk.state.codes)
    return len(encode_bundle(assemble(Timestamp(talk.header.timestamp + 1), [call_claim(chain, call)], [part])))


def test_what_a_proven_call_costs(three_chains, protocols):
    """One table; nothing is asserted of speed, only that each call is answered."""
    user = protocols.user(9)
    market, pool = protocols.old_aave, protocols.pool
    market.supply(user, market.reserves[0], 1_000 * E18)
    market.supply(protocols.user(8), market.reserves[1], 1_000 * E18)
    market.borrow(user, market.reserves[1], 100 * E18)
    pool.open(user, -6_000, 6_000, (1_000 * E18, 1_000 * E18))
    for way in (True, False):
        pool.swap(user, way, 20 * E18)
    position = pool.open(user, -6_000, 6_000, (1_000 * E18, 1_000 * E18))
    # Every word of the position is other than zero now: anvil keeps zero words, whose proofs are refused.
    pool.manager.send("approve(address,uint256)", protocols.user(8), position, sender=user)
    pool.shrink(user, position, 10**12)
    protocols.node.mine(3)
    chain = three_chains[0]
    account = "getUserAccountData(address)(uint256,uint256,uint256,uint256,uint256,uint256)"
    rows = [
        ("ERC-20 balanceOf", chain.node, call_of(chain.tokens["OZD"].address, f"0x70a08231{word(ALICE)}")),
        ("balanceOf behind a proxy", chain.node, call_of(chain.tokens["UPG"].address, f"0x70a08231{word(ALICE)}")),
        ("Aave v3 getUserAccountData", protocols.node, of(market.pool, account, protocols.user(8))),
        ("Uniswap v3 positions", protocols.node, of(pool.manager, "positions(uint256)", position)),
        ("Uniswap v3 slot0", protocols.node, of(pool.pool, "slot0()")),
    ]
    print(f"\n{'call':28} {'ms':>8} {'steps':>8} {'bundle':>8} {'trips':>6} {'no hint':>8}")
    for name, node, call in rows:
        talk, plain = gathered(node, [call]), gathered(node, [call], hints=False)
        if talk.state.failed:  # anvil keeps zero words, whose proofs are refused
            print(f"{name:28} refused here: {next(iter(talk.state.failed.values()))}"[:150])
            continue
        ms, steps = measured(talk, call)
        print(f"{name:28} {ms:8.2f} {steps:8} {bundle_bytes(talk, call):8} {talk.waves:6} {plain.waves:8}")
