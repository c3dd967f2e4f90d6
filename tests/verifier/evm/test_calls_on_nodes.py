"""Real contracts on real nodes: every call ends as the node's own eth_call, again offline, and never without its evidence."""

from __future__ import annotations

import random

import pytest

from tests.nodes.contracts import deploy_tokens
from tests.nodes.protocols.optimism import deploy_games
from tests.verifier.evm import catalogue
from tests.verifier.evm.talk import Talk, gathered, node_answer, our_answer
from verifier.calls import Call
from verifier.errors import MissingEvidence, MissingNode, VerifierError
from verifier.evm.call import verify_call
from verifier.gather import Gathered, assemble
from verifier.primitives import Timestamp
from verifier.proven import ProvenCall
from verifier.verify_calls import call_claim, verify_calls
from verifier.wire import encode_bundle

QUIRK = "a stored zero"
"""Anvil keeps zero words in its storage tries; their proofs are refused, whatever is asked of them."""


def check_all(node, calls: list[Call]) -> tuple[int, Talk]:
    """Gathered, run, held against the node; and once more out of the bundle, offline. Returns how many were compared."""
    calls = list(dict.fromkeys(calls))
    talk = gathered(node, calls)
    strange = {i: str(e) for i, e in talk.state.failed.items() if QUIRK not in str(e)}
    assert strange == {}
    kept = [call for i, call in enumerate(calls) if i not in talk.state.failed]
    answers = [node_answer(node, call, talk.header.number) for call in kept]
    state = talk.section()
    assert [our_answer(state.call(call)) for call in kept] == answers
    again = verify_calls(bundle_of(talk, kept), talk.checker())
    assert [our_answer(outcome) for outcome in again.outcomes if isinstance(outcome, ProvenCall)] == answers
    return len(kept), talk


def bundle_of(talk: Talk, calls: list[Call]) -> bytes:
    """The bytes of a bundle of calls."""
    chain = talk.network.chain_id
    part = Gathered(chain, talk.rlp, (), talk.state.nodes, {}, None, talk.state.codes)
    claims = [call_claim(chain, call) for call in calls]
    return encode_bundle(assemble(Timestamp(talk.header.timestamp + 1), claims, [part]))


@pytest.fixture(scope="module")
def busy(protocols):
    """The protocols' chain with something in every market."""
    catalogue.used(protocols)
    return protocols


def test_a_thousand_calls_end_as_on_the_node(three_chains, busy, anvil_factory):
    """Tokens and proxies, lending, pools, vaults, feeds and dispute games: over a thousand calls, each byte for byte."""
    tokens = sum(check_all(chain.node, catalogue.token_calls(chain))[0] for chain in three_chains[:2])
    protocols, _ = check_all(busy.node, catalogue.protocol_calls(busy))
    node = anvil_factory(chain_id=31_342)
    games = deploy_games(node, 901)
    found = [games.propose(bytes([n]) * 32, 100 + n) for n in range(1, 8)]
    node.mine(3)
    judged, _ = check_all(node, catalogue.game_calls(games, found))
    node.stop()
    assert tokens + protocols + judged >= 1_000
    assert min(tokens, protocols, judged) >= 80


@pytest.mark.parametrize("client", ["geth_dev", "ethereumjs"])
def test_calls_end_as_on_clients_of_another_make(client, request):
    """The tokens' calls on geth and on EthereumJS, whose proofs and hints look different."""
    chain = deploy_tokens(request.getfixturevalue(client))
    count, talk = check_all(chain.node, catalogue.token_calls(chain)[::4])
    assert count >= 45 and talk.lied == 0


@pytest.mark.soak
@pytest.mark.parametrize("client", ["geth_dev", "ethereumjs"])
def test_all_token_calls_end_as_on_clients_of_another_make(client, request):
    """The same, for every call."""
    chain = deploy_tokens(request.getfixturevalue(client))
    assert check_all(chain.node, catalogue.token_calls(chain))[0] >= 190


@pytest.mark.parametrize("hints", [True, False])
def test_hints_save_rounds_and_change_nothing(three_chains, hints):
    """Without hints the same evidence is found, in a few more rounds."""
    chain = three_chains[1]
    calls = catalogue.token_calls(chain)[:60]
    talk = gathered(chain.node, calls, hints=hints)
    assert talk.waves <= (3 if hints else 7)
    assert talk.state.nodes == gathered(chain.node, calls, hints=not hints).state.nodes


# --- evidence --------------------------------------------------------------------------------------------


def sample(busy, chain) -> list[tuple[object, Call]]:
    """One call of each kind whose evidence is picked apart."""
    pool, alice = busy.pool, catalogue.word(catalogue.HOLDERS["alice"])
    account = "getUserAccountData(address)(uint256,uint256,uint256,uint256,uint256,uint256)"
    balances = [
        (chain.node, catalogue.call_of(chain.tokens[name].address, f"0x70a08231{alice}")) for name in ("UPG", "PKD")
    ]
    return [
        *balances,
        (busy.node, catalogue.of(busy.vault.vault, "convertToAssets(uint256)(uint256)", 10**18)),
        (busy.node, catalogue.of(busy.upgradeable_vault.vault, "convertToAssets(uint256)(uint256)", 10**18)),
        *((busy.node, catalogue.of(pool.manager, "positions(uint256)", token)) for token in (1, 2, 3)),
        (busy.node, catalogue.of(pool.pool, "observe(uint32[])(int56[],uint160[])", [3, 0])),
        *((busy.node, catalogue.of(m.pool, account, busy.user(8))) for m in (busy.aave, busy.old_aave)),
        (busy.node, catalogue.of(busy.aave.reserves[0].a_token, "balanceOf(address)(uint256)", busy.user(7))),
        (busy.node, catalogue.of(busy.feed.proxy, "latestRoundData()")),
    ]


def test_each_piece_of_evidence_is_needed(three_chains, busy):
    """Every node and every code left out, or altered, ends in a refusal that names what is missing."""
    rng, tried, kinds = random.Random(5), 0, 0
    for node, call in sample(busy, three_chains[0]):
        talk = gathered(node, [call])
        if any(QUIRK in str(error) for error in talk.state.failed.values()):
            continue
        assert talk.state.failed == {}
        kinds += 1
        nodes, codes = sorted(talk.state.nodes), sorted(talk.state.codes)
        verify_call(talk.header, call, talk.section(), talk.section().codes)
        for which, items in (("nodes", nodes), ("codes", codes)):
            for i in sorted(rng.sample(range(len(items)), min(8, len(items)))):
                flipped = bytes([*items[i][:-1], items[i][-1] ^ 1])
                for changed in ([*items[:i], *items[i + 1 :]], [*items[:i], flipped, *items[i + 1 :]]):
                    state = talk.section(**{which: changed})
                    with pytest.raises((MissingNode, MissingEvidence)) as refused:
                        state.call(call)
                    assert refused.value.where.address is not None
                    tried += 1
    assert tried > 80 and kinds >= 6, (tried, kinds)


def test_a_changed_byte_of_a_bundle_is_refused(three_chains):
    """Whichever byte: the bundle's id covers it."""
    chain = three_chains[0]
    call = catalogue.call_of(chain.tokens["UPG"].address, f"0x70a08231{catalogue.word(catalogue.HOLDERS['alice'])}")
    talk = gathered(chain.node, [call])
    data = bundle_of(talk, [call])
    assert isinstance(verify_calls(data, talk.checker()).outcomes[0], ProvenCall)
    for i in range(0, len(data), 5):
        with pytest.raises(VerifierError):
            verify_calls(data[:i] + bytes([data[i] ^ 0x10]) + data[i + 1 :], talk.checker())
