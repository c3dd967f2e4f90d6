"""What endpoints say a call touches: read strictly, and never believed. A lie costs rounds; a missing method does too."""

from __future__ import annotations

import asyncio

import pytest

from chains.chain import local_network
from chains.driver import Desk, drive
from chains.errors import BadAnswer
from chains.record import PlayingDesk, RecordingDesk
from chains.touched import MAX_PLACES, parse_access_list, parse_prestate
from tests.chains.talk import endpoint, header_question
from tests.nodes.contracts import ALICE, word
from tests.simulators import lies
from tests.verifier.evm.talk import call_of, gathered
from verifier.consensus.weaker import verify_anchor
from verifier.errors import NOWHERE
from verifier.evm.gather import gather_calls
from verifier.flow import Unanswered, ask
from verifier.primitives import hash32, parse_hex
from verifier.proven import Ended
from verifier.trust import PinnedBlock

A, K = "0x" + "aa" * 20, "0x" + "01" * 32


def test_access_lists_and_traces_are_read():
    """Both shapes give the same places; balances, nonces and code in a trace are not looked at."""
    listed = parse_access_list({"accessList": [{"address": A, "storageKeys": [K]}], "error": "execution reverted"}, "e")
    traced = parse_prestate({A: {"balance": "0x1", "code": "0x", "storage": {K: K}}}, "e")
    assert listed == traced
    assert (listed[0].address, listed[0].slots) == (bytes([0xAA]) * 20, (bytes([1]) * 32,))
    assert parse_prestate({A: {}}, "e")[0].slots == ()


@pytest.mark.parametrize(
    "answer",
    [
        None, [], {}, {"accessList": None}, {"accessList": [A]}, {"accessList": [{"address": A}]}, {"accessList": [{"storageKeys": []}]},
        {"accessList": [{"address": A[:-2], "storageKeys": []}]}, {"accessList": [{"address": A, "storageKeys": ["0x1"]}]},
        {"accessList": [{"address": A, "storageKeys": K}]}, {"accessList": [{"address": A, "storageKeys": [K] * MAX_PLACES}]},
    ],
)  # fmt: skip
def test_a_malformed_hint_is_no_answer(answer):
    """Then another way is tried, or none: it is only a hint."""
    with pytest.raises(BadAnswer):
        parse_access_list(answer, "e")


@pytest.mark.parametrize("answer", [None, [], {"0x12": {}}, {A: {"storage": {"0x1": K}}}])
def test_a_malformed_trace_is_no_answer(answer):
    """The same for traces."""
    with pytest.raises(BadAnswer):
        parse_prestate(answer, "e")


def balance_call(chain):
    return call_of(chain.tokens["UPG"].address, f"0x70a08231{word(ALICE)}")


@pytest.mark.parametrize(
    "tell",
    [
        lambda p: p.tell(lies.error(-32601, "the method does not exist"), method="eth_createAccessList"),
        lambda p: [
            p.tell(lies.error(-32601, "not found"), method=m) for m in ("eth_createAccessList", "debug_traceCall")
        ],
    ],
    ids=["no access lists", "no hints at all"],
)
def test_an_endpoint_without_hints_still_works(three_chains, lying_proxy, tell):
    """The other method, or none: more rounds, the same proven answer."""
    chain, call = three_chains[1], balance_call(three_chains[1])
    proxy = lying_proxy(chain.url)
    tell(proxy)
    talk = gathered(chain.node, [call], url=proxy.url)
    found = talk.section().call(call)
    assert talk.state.failed == {} and talk.lied == 0
    assert int.from_bytes(found.output, "big") == chain.tokens["UPG"].balance_of(ALICE)
    assert talk.state.nodes == gathered(chain.node, [call]).state.nodes


@pytest.mark.parametrize(
    "listed",
    [[], [{"address": A, "storageKeys": [K, "0x" + "02" * 32]}], [{"address": A, "storageKeys": []}] * 50],
    ids=["nothing", "another account", "many"],
)
def test_a_lying_hint_costs_rounds_and_never_truth(three_chains, lying_proxy, listed):
    """What it names is asked for in vain; the local run finds the rest, and only what was used is kept."""
    chain, call = three_chains[1], balance_call(three_chains[1])
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.result_is({"accessList": listed, "gasUsed": "0x1"}), method="eth_createAccessList")
    talk, honest = gathered(chain.node, [call], url=proxy.url), gathered(chain.node, [call])
    assert (talk.state.nodes, talk.state.codes) == (honest.state.nodes, honest.state.codes)
    assert honest.waves < talk.waves <= 7
    assert int.from_bytes(talk.section().call(call).output, "big") == chain.tokens["UPG"].balance_of(ALICE)


def test_code_of_another_contract_is_a_lie_that_is_noticed(three_chains, lying_proxy):
    """Code that does not have the proven hash is refused; the claim fails by that endpoint's name, nothing is run."""
    chain, call = three_chains[1], balance_call(three_chains[1])
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.result_is("0x6001"), method="eth_getCode")
    talk = gathered(chain.node, [call], url=proxy.url)
    (error,) = talk.state.failed.values()
    assert isinstance(error, Unanswered) and error.lied and "must hash to" in str(error)


def test_a_conversation_about_a_call_plays_back(three_chains):
    """Hints and code are recorded like proofs; the recording alone proves the same call."""
    chain, call = three_chains[1], balance_call(three_chains[1])
    network = local_network("dev", chain.chain_id)
    pin = hash32(parse_hex(chain.node.block("latest")["hash"]))

    def flow():
        rlp = yield from ask(header_question(network, pin))
        header = verify_anchor(rlp, network, (PinnedBlock(network.chain_id, pin),), NOWHERE)
        return (yield from gather_calls(header, [call]))

    async def record():
        async with Desk.to([(network, [endpoint(chain.url)])]) as desk:
            kept = RecordingDesk(desk)
            return await drive(flow(), kept), kept.lines()

    first, text = asyncio.run(record())
    again = asyncio.run(drive(flow(), PlayingDesk(text)))
    assert (again.nodes, again.codes, dict(again.failed)) == (first.nodes, first.codes, {})
    assert Ended.RETURNED.value == "returned" and '"touched"' in text and '"code"' in text
