"""Real contracts on real nodes: every call ends as the node's own eth_call, and again out of the saved bundle, offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.nodes.contracts import ALICE, DAVE, word
from tests.verifier.evm import catalogue
from tests.verifier.evm.talk import Talk, gathered, node_answers, our_answer
from verifier.calls import Call
from verifier.errors import VerifierError
from verifier.gather import Gathered, assemble
from verifier.primitives import Address, Timestamp, parse_hex
from verifier.proven import ProvenCall
from verifier.verify_calls import call_claim, verify_calls
from verifier.wire import encode_bundle

QUIRK = "a stored zero"
"""Anvil keeps zero words in its storage tries; their proofs are refused, whatever is asked of them."""


def check_all(
    node, calls: Sequence[Call], folder: Path, *, quirk: str | None = None, metered: Address | None = None
) -> tuple[list[Call], Talk]:
    """
    Gathered from the node, saved, verified out of the file alone, and held against the node's own answers.

    Args:
        metered: A contract whose answers end with the gas that was used, which this node counts otherwise.
    """
    talk = gathered(node, calls)
    assert {i: str(e) for i, e in talk.state.failed.items() if quirk is None or quirk not in str(e)} == {}
    kept = [call for i, call in enumerate(calls) if i not in talk.state.failed]
    (folder / "calls.bundle").write_bytes(bundle_of(talk, kept))
    again = verify_calls((folder / "calls.bundle").read_bytes(), talk.checker())
    ours = [our_answer(outcome) for outcome in again.outcomes if isinstance(outcome, ProvenCall)]
    theirs = node_answers(node, kept, talk.header.number)
    assert [_but_gas(*one, metered) for one in zip(kept, ours, strict=True)] == [
        _but_gas(*one, metered) for one in zip(kept, theirs, strict=True)
    ]
    return kept, talk


def _but_gas(call: Call, answer: tuple[str, str], metered: Address | None) -> tuple[str, str]:
    """An answer, without the last word of a metered one."""
    ended, output = answer
    return (ended, output[:-64]) if call.to == metered and ended == "returned" else answer


def bundle_of(talk: Talk, calls: Sequence[Call]) -> bytes:
    """The bytes of a bundle of calls."""
    chain = talk.network.chain_id
    part = Gathered(chain, talk.rlp, (), talk.state.nodes, {}, None, talk.state.codes)
    claims = [call_claim(chain, call) for call in calls]
    return encode_bundle(assemble(Timestamp(talk.header.timestamp + 1), claims, [part]))


def counts(calls: dict[str, list[Call]], kept: list[Call]) -> dict[str, int]:
    """How many of each kind were compared."""
    there = set(kept)
    return {kind: len(there & set(some)) for kind, some in calls.items()}


def test_a_thousand_calls_end_as_on_anvil(stage, tmp_path):
    """Tokens and proxies, lending, pools, vaults, feeds, games, quotes and aggregates: each byte for byte."""
    calls = catalogue.every_call(stage)
    kept, _ = check_all(stage.node, [call for some in calls.values() for call in some], tmp_path, quirk=QUIRK)
    compared = counts(calls, kept)
    assert sum(compared.values()) >= 1_000
    assert min(compared.values()) >= 20, compared


@pytest.mark.node("geth")
def test_a_thousand_calls_end_as_on_geth(stage, tmp_path):
    """The same calls on the same state under geth: all of them, for it keeps no zeros."""
    calls = [call for some in catalogue.every_call(stage).values() for call in some]
    node = stage.on_geth()
    try:
        kept, talk = check_all(node, calls, tmp_path)
        assert len(kept) == len(calls) >= 1_000 and talk.lied == 0
    finally:
        node.stop()


def test_a_thousand_calls_end_as_on_ethereumjs(stage, ethereumjs_copy, tmp_path):
    """
    All but the aggregates, on a client that serves no hints.

    They tell how much gas each call in them took, and this client's eth_call counts the called account and the
    precompiles as cold; every such call is compared by itself. Quotes are compared but for their estimate of gas.
    """
    every = [call for some in catalogue.every_call(stage).values() for call in some]
    several, quoter = (Address(parse_hex(lens.address)) for lens in (stage.lenses.multicall, stage.lenses.quoter))
    calls = [call for call in every if call.to != several]
    kept, talk = check_all(ethereumjs_copy, calls, tmp_path, metered=quoter)
    assert len(kept) == len(calls) == len(every) - 16 >= 1_000 and talk.lied == 0


@pytest.mark.parametrize("hints", [True, False])
def test_hints_save_rounds_and_change_nothing(three_chains, hints):
    """Without hints the same evidence is found, in a few more rounds."""
    chain = three_chains[1]
    dave = bytes.fromhex(word(DAVE))  # whose word is a zero that anvil keeps: it is asked for once more
    calls = [call for call in catalogue.token_calls(chain) if dave not in call.data][:60]
    talk = gathered(chain.node, calls, hints=hints)
    assert talk.waves <= (3 if hints else 7)
    assert talk.state.nodes == gathered(chain.node, calls, hints=not hints).state.nodes


def test_a_changed_byte_of_a_bundle_is_refused(stage):
    """Whichever byte: the bundle's id covers it."""
    call = catalogue.call_of(stage.tokens.tokens["UPG"].address, f"0x70a08231{word(ALICE)}")
    talk = gathered(stage.node, [call])
    data = bundle_of(talk, [call])
    assert isinstance(verify_calls(data, talk.checker()).outcomes[0], ProvenCall)
    for i in range(0, len(data), 5):
        with pytest.raises(VerifierError):
            verify_calls(data[:i] + bytes([data[i] ^ 0x10]) + data[i + 1 :], talk.checker())
