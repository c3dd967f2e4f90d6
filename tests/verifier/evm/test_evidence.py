"""The evidence of a call picked apart: each single piece of it, left out or altered, is refused by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.nodes.contracts import ALICE, word
from tests.verifier.evm import catalogue
from tests.verifier.evm.stage import E18, Stage
from tests.verifier.evm.taken import Taken, altered, taken, without
from verifier.calls import Call
from verifier.crypto.keccak import keccak256
from verifier.errors import (
    NOWHERE,
    MalformedRlp,
    MissingEvidence,
    MissingNode,
    NoTrustRoot,
    UnusedEvidence,
    VerifierError,
    WrongHash,
    WrongMoment,
)
from verifier.headers.decode import decode_header
from verifier.proven import ProvenCall, ProvenHeader

ACCOUNT = "getUserAccountData(address)(uint256,uint256,uint256,uint256,uint256,uint256)"


def sample(stage: Stage) -> list[Call]:
    """A token, two kinds of proxy, a borrower's account, a position, a game behind its clone."""
    tokens, protocols = stage.tokens.tokens, stage.protocols
    return [
        *(catalogue.call_of(tokens[name].address, f"0x70a08231{word(ALICE)}") for name in ("OZD", "UPG", "PKD")),
        catalogue.of(protocols.aave.pool, ACCOUNT, protocols.user(7)),
        catalogue.of(protocols.pool.manager, "positions(uint256)", 1),
        catalogue.of(stage.proposed[0], "claimData(uint256)", 0),
    ]


def larger_sample(stage: Stage) -> list[Call]:
    """Vaults, feeds, oracles, the older market, a pool's history, a quote that writes, and calls of many contracts at once."""
    protocols, pool = stage.protocols, stage.protocols.pool
    quote = (pool.coins[0].address, pool.coins[1].address, E18, pool.fee, 0)
    return [
        *(catalogue.of(protocols.old_aave.pool, ACCOUNT, protocols.user(n)) for n in (7, 8)),
        *(catalogue.of(pool.manager, "positions(uint256)", token) for token in (2, 3)),
        catalogue.of(pool.manager, "tokenURI(uint256)(string)", 1),
        catalogue.of(pool.pool, "observe(uint32[])(int56[],uint160[])", [3, 0]),
        catalogue.of(protocols.upgradeable_vault.vault, "convertToAssets(uint256)(uint256)", E18),
        catalogue.of(protocols.feed.proxy, "latestRoundData()"),
        catalogue.of(protocols.aave.reserves[0].a_token, "balanceOf(address)(uint256)", protocols.user(7)),
        catalogue.of(stage.lenses.quoter, "quoteExactInputSingle((address,address,uint256,uint24,uint160))", quote),
        *catalogue.every_call(stage)["lenses"][-3:],
        *(catalogue.of(game, "getChallengerDuration(uint256)(uint64)", 0) for game in stage.proposed[1:3]),
    ]


def each_piece(one: Taken) -> int:
    """Every node, code, header and step left out and altered, every read forged; returns how many changes were refused."""
    found = one.verified()
    assert isinstance(found, ProvenCall), found
    return nodes_refused(one, found) + codes_refused(one, found) + headers_refused(one) + reads_refused(one, found)


def nodes_refused(one: Taken, found: ProvenCall) -> int:
    """What is missing is named by its hash, and by an account or a word whose proof it is part of."""
    paths, tried = one.paths(found), 0
    for i, node in enumerate(one.nodes):
        needs_it = {place for place, path in paths.items() if keccak256(node) in path}
        for changed in (without(one.nodes, i), altered(one.nodes, i)):
            error = one.verified(nodes=changed)
            assert type(error) is MissingNode and error.wanted == keccak256(node)
            assert (error.where.address, error.where.slot) in needs_it
            tried += 1
    error = one.verified(nodes=[*one.nodes, b"\xc2\x01\x02"])
    assert type(error) is UnusedEvidence and error.count == 1
    return tried


def codes_refused(one: Taken, found: ProvenCall) -> int:
    """Code is missed by the hash that its account is proven to have."""
    tried = 0
    for i, code in enumerate(one.codes):
        for changed in (without(one.codes, i), altered(one.codes, i)):
            error = one.verified(codes=changed)
            assert type(error) is MissingEvidence and error.what == f"the code with hash 0x{keccak256(code).hex()}"
            assert found.code_hashes[error.where.address] == keccak256(code)
            tried += 1
    error = one.verified(codes=[*one.codes, b"\x00"])
    assert type(error) is UnusedEvidence and error.count == 1
    return tried


def headers_refused(one: Taken) -> int:
    """Each byte of the pinned header, and its ancestors: no root names another header, no parent's hash does."""
    anchor, (first, second) = one.evidence.anchor, one.evidence.steps
    assert anchor is not None
    for place in range(len(anchor)):
        changed = bytes([*anchor[:place], anchor[place] ^ 1, *anchor[place + 1 :]])
        assert type(one.verified(anchor=changed)) is decoded_or(NoTrustRoot, changed, one)
    assert type(one.verified(anchor=b"")) is MalformedRlp
    for cut in (b"", first.header[:-1]):
        assert type(one.verified(steps=[replace(first, header=cut), second])) is MalformedRlp
    other, older = (replace(step, header=altered([step.header], 0)[0]) for step in (first, second))
    for changed, wanted in (
        ([other, second], first),
        ([second], first),
        ([second, first], first),
        ([first, older], second),
    ):
        error = one.verified(steps=changed)
        assert type(error) is WrongHash and error.expected == keccak256(wanted.header)
    assert [type(one.verified(steps=some)) for some in ([first], [])] == [WrongMoment, WrongMoment]
    return len(anchor) + 9


def decoded_or(refused: type[VerifierError], rlp: bytes, one: Taken) -> type[VerifierError]:
    """What a header that is none is refused with, or what one that is, but is not ours."""
    try:
        decode_header(rlp, one.network.family, NOWHERE)
    except VerifierError as error:
        return type(error)
    return refused


def reads_refused(one: Taken, found: ProvenCall) -> int:
    """A leaf that says something else, linked up to a root of its own, ends at the root in the header."""
    header, tried = found.rests_on, 0
    assert isinstance(header, ProvenHeader)
    root = decode_header(one.evidence.steps[-1].header, one.network.family, header.where).state_root
    for leaf in {path[-1] for path in one.paths(found).values() if path}:
        error = one.verified(nodes=one.forged(leaf))
        assert type(error) is MissingNode and error.wanted == root and error.path == ""
        tried += 1
    return tried


def test_each_piece_of_evidence_is_needed(stage, ethereumjs_copy):
    """All of it, for a token, two proxies, a borrower's account, a position and a dispute game."""
    ethereumjs_copy.mine(2)
    tried = sum(each_piece(one) for one in taken(ethereumjs_copy, sample(stage), back=2))
    assert tried > 4_000, tried


@pytest.mark.soak
def test_each_piece_of_evidence_is_needed_by_many_calls(stage, ethereumjs_copy):
    """The same for one call of every kind."""
    ethereumjs_copy.mine(2)
    tried = sum(each_piece(one) for one in taken(ethereumjs_copy, larger_sample(stage), back=2))
    assert tried > 10_000, tried
