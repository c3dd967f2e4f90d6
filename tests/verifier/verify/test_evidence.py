"""The whole way over simulated networks: gathered by hand, bundled, verified; and no change of the evidence passes."""

from __future__ import annotations

import random
from dataclasses import replace

import cbor2
import pytest
import rlp

from tests.simulators.trie_builder import build, keccak
from tests.simulators.world import LAYOUT, TOKEN, World, balance_slot, checker, holder, run, uint
from tests.verifier.verify.gathering import changed, errors_of, gather
from verifier.calls import Call
from verifier.claims import Claim, ProxyKind
from verifier.errors import (
    BadInput,
    Malformed,
    MalformedHeader,
    MalformedWord,
    MissingEvidence,
    MissingNode,
    ProofError,
    UnreviewedMeaning,
    Unsupported,
    UnusedEvidence,
    VerifierError,
)
from verifier.flow import AskProof
from verifier.gather import gather_section
from verifier.primitives import Address, ChainId, Hash32
from verifier.proven import Moment, ProvenAmount, trail
from verifier.trust import Anchor, Basis, PinnedBlock
from verifier.verify import Refusal, verify_bundle
from verifier.verify_calls import call_claim, verify_calls
from verifier.wire import content_id, encode_bundle, parse_bundle


def test_every_claim_is_proven_to_the_unit(honest, two) -> None:
    """Amounts are those that were put into the tries; absent holders and zero balances are proven zero."""
    claims, believed, data = honest
    verified = verify_bundle(data, believed)
    expected = [*two[0].coins.values(), *two[0].tokens.values(), *two[1].coins.values(), *two[1].tokens.values(), 0]
    assert expected == [o.amount for o in verified.outcomes]
    assert all(o.moment is Moment.HEAD for o in verified.outcomes)


def test_a_trail_leads_from_the_figure_to_the_pin(honest, two) -> None:
    """`rests_on` goes down from the amount over word, account, root and header to the checker's own pin."""
    verified = verify_bundle(honest[2], honest[1])
    token = next(o for o in verified.outcomes if o.claim.asset.contract is not None)
    names = [type(step).__name__ for step in trail(token)]
    assert names == ["ProvenAmount", "ProvenWord", "ProvenAccount", "ProvenRoot", "ProvenHeader", "PinnedBlock"]
    assert token.trust.anchor is Anchor.PINNED
    assert token.trust.bases == {Basis.REVIEWED_CODE}


def test_gathering_takes_two_rounds_for_a_head_snapshot(two) -> None:
    """The header, then all proofs at once."""
    believed = checker(*two)
    _, rounds = run(
        gather_section(two[0].network, list(enumerate(two[0].claims())), two[0].pin(), believed.now, believed),
        {1: two[0]},
    )
    assert rounds == 2


def test_the_same_bytes_give_the_same_verdict(honest) -> None:
    """Verification is a function: twice the same, and gathering packs the same bundle."""
    claims, believed, data = honest
    assert verify_bundle(data, believed) == verify_bundle(data, believed)


@pytest.mark.covers("PRF-09", "MPT-01", "MPT-29", "HDR-10")
def test_no_changed_byte_of_evidence_survives_a_new_content_id(two) -> None:
    """Every byte of every node and header of a small bundle, changed, with the content id made right again."""
    claims = [two[1].claims()[0], two[1].claims()[1]]
    believed = checker(two[1])
    data, _ = gather(claims, (two[1],), believed, believed.now)
    body = cbor2.loads(cbor2.loads(data)[3])
    parts = [("nodes", i, len(node)) for i, node in enumerate(body["nodes"])]
    parts.append(("anchor", 0, len(body["sections"][0]["anchor"])))
    for kind, index, size in parts:
        for at in range(size):

            def change(b, kind=kind, index=index, at=at):
                holder_ = b["nodes"] if kind == "nodes" else b["sections"][0]
                key = index if kind == "nodes" else "anchor"
                raw = bytearray(holder_[key])
                raw[at] ^= 1 << (at % 8)
                holder_[key] = bytes(raw)
                b["nodes"].sort()

            try:
                verified = verify_bundle(changed(data, change), believed)
            except Malformed:
                continue
            assert errors_of(verified), f"{kind} {index} byte {at} changed nothing"


@pytest.mark.covers("MPT-13", "PRF-03")
def test_each_node_left_out_is_missed(honest) -> None:
    """A bundle without one of its nodes loses a claim to `MissingNode`, never to a zero."""
    claims, believed, data = honest
    count = len(cbor2.loads(cbor2.loads(data)[3])["nodes"])
    for gone in range(count):

        def change(b, gone=gone):
            del b["nodes"][gone]
            for section in b["sections"]:
                section["nodes"] = [i - (i > gone) for i in section["nodes"] if i != gone]

        refused = errors_of(verify_bundle(changed(data, change), believed))
        assert refused
        assert all(isinstance(error, MissingNode) for error in refused)


@pytest.mark.covers("PRF-01", "PRF-02")
def test_surplus_nodes_are_refused(honest) -> None:
    """A genuine node that no claim needs refuses its network's claims, and no other network's."""
    claims, believed, data = honest
    stranger = cbor2.dumps([b"stranger"] * 3)

    def change(b):
        b["nodes"] = sorted([*b["nodes"], stranger])
        place = b["nodes"].index(stranger)
        for k, section in enumerate(b["sections"]):
            section["nodes"] = sorted([i + (i >= place) for i in section["nodes"]] + ([place] if k == 0 else []))

    verified = verify_bundle(changed(data, change), believed)
    kinds = {o.claim.chain_id: type(o.error) if isinstance(o, Refusal) else ProvenAmount for o in verified.outcomes}
    assert kinds == {1: UnusedEvidence, 10: ProvenAmount}


@pytest.mark.covers("HDR-12", "PRF-07", "CHN-05", "HDR-09")
def test_a_bundle_that_reaches_no_root_of_the_checker_is_refused(honest, two) -> None:
    """Everything hashes together, and nothing of it hangs on what the checker believes."""
    claims, believed, data = honest
    stranger = PinnedBlock(ChainId(1), Hash32(b"\x99" * 32))
    verified = verify_bundle(data, replace(believed, roots=(stranger, believed.roots[1])))
    refused = {o.claim.chain_id: type(o.error).__name__ for o in verified.outcomes if isinstance(o, Refusal)}
    assert refused == {1: "NoTrustRoot"}


@pytest.mark.covers("CHN-01", "CHN-02", "CHN-03")
def test_a_pin_of_one_network_anchors_no_other(honest, two) -> None:
    """The same hash, pinned for another chain id, is no root here."""
    claims, believed, data = honest
    moved = PinnedBlock(ChainId(10), believed.roots[0].hash)
    verified = verify_bundle(data, replace(believed, roots=(moved, believed.roots[1])))
    assert {type(o.error).__name__ for o in verified.outcomes if isinstance(o, Refusal)} == {"NoTrustRoot"}


@pytest.mark.covers("MPT-26", "ACC-07")
def test_claims_swapped_between_holders_are_refused(two) -> None:
    """Evidence for one holder never proves its balance for another: it is refused, or proves the other's true zero."""
    believed = checker(two[0])
    data, _ = gather(two[0].claims(), (two[0],), believed, believed.now)
    refused = 0
    for other in range(50, 90):

        def change(b, other=other):
            b["claims"][0][1] = holder(other)

        outcome = verify_bundle(changed(data, change), believed).outcomes[0]
        refused += isinstance(outcome, Refusal)
        assert isinstance(outcome, Refusal) or outcome.amount == 0
    assert refused > 20


@pytest.mark.covers("RPC-13", "MRG-06", "PRF-08")
def test_what_is_withheld_is_missing_and_what_is_forged_is_refused(two) -> None:
    """A claim without evidence is named as omitted; the others stand; a lie about one address loses that one only."""
    world = two[0]
    believed = checker(world)
    claims = world.claims()

    def forge(question, answer):
        if isinstance(question, AskProof) and question.address == holder(2):
            return tuple(bytes([node[0] ^ 1]) + node[1:] for node in answer)
        return answer

    data, parts = gather(claims, (world,), believed, believed.now, forge)
    assert list(parts[0].failed) == [1]
    assert parts[0].failed[1].lied
    outcomes = verify_bundle(data, believed).outcomes
    assert [isinstance(o, Refusal) for o in outcomes] == [False, True, False, False]
    assert isinstance(outcomes[1].error, MissingEvidence)
    assert outcomes[1].missing


def test_a_network_that_the_checker_does_not_know_is_unsupported(honest) -> None:
    """Its claims are refused by name; the other network stands."""
    claims, believed, data = honest
    less = replace(believed, networks={ChainId(10): believed.networks[ChainId(10)]})
    refused = [o for o in verify_bundle(data, less).outcomes if isinstance(o, Refusal)]
    assert {type(o.error) for o in refused} == {Unsupported}
    assert {o.claim.chain_id for o in refused} == {1}


@pytest.mark.covers("TST-01")
def test_a_world_of_thousands_of_keys() -> None:
    """Derivations do not pass by luck on a trie with thousands of holders."""
    rng = random.Random(7)
    owners = {Address(rng.randbytes(20)): rng.getrandbits(rng.randrange(1, 256)) for _ in range(3_000)}
    world = World(1, dict(list(owners.items())[:1_000]), owners, blocks=2)
    believed = checker(world)
    claims = rng.sample(world.claims(), 300)
    data, _ = gather(claims, (world,), believed, believed.now)
    verified = verify_bundle(data, believed)
    for claim, outcome in zip(claims, verified.outcomes, strict=True):
        table = world.coins if claim.asset.contract is None else world.tokens
        assert outcome.amount == table[claim.holder]


@pytest.mark.covers("STO-03")
def test_the_other_order_of_the_mapping_key_finds_nothing() -> None:
    """A Vyper layout on a Solidity token proves a zero, which is why the order is part of the reviewed layout."""
    world = World(1, {}, {holder(1): 5})
    claimed = replace(world.token, layout=replace(LAYOUT, proxy=ProxyKind.EIP1967))
    believed = checker(world)
    _, parts = gather([Claim(claimed, holder(1))], (world,), believed, believed.now)
    assert isinstance(parts[0].failed[0], UnreviewedMeaning)


def test_refusals_are_errors_of_ours(honest) -> None:
    """Whatever is done to the body, the result is outcomes or `Malformed`, with no other exception."""
    claims, believed, data = honest
    rng = random.Random(11)
    body = cbor2.loads(data)[3]
    for _ in range(400):
        raw = bytearray(body)
        for _ in range(rng.randrange(1, 4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        whole = cbor2.dumps(["xmargin-bundle", 1, content_id(bytes(raw)), bytes(raw)], canonical=True)
        try:
            verified = verify_bundle(whole, believed)
        except Malformed:
            continue
        assert all(isinstance(e, VerifierError) for e in errors_of(verified))
        assert all(isinstance(e, Malformed | ProofError | VerifierError) for e in errors_of(verified))


@pytest.mark.covers("STO-09", "MRG-06")
def test_one_bad_word_does_not_take_its_neighbours_along() -> None:
    """A leaf that holds zero refuses its own claim; the token's other holders are asked for alone, and proven."""
    world = World(1, {}, {holder(n): n for n in range(1, 40)})
    stored = {keccak(balance_slot(o)): rlp.encode(uint(v)) for o, v in world.tokens.items()}
    stored[keccak(balance_slot(holder(77)))] = b"\x80"
    spoilt = World(1, {}, {holder(n): n for n in range(1, 40)} | {holder(77): 0}, storage_override=build(stored))
    believed = checker(spoilt)
    data, parts = gather(spoilt.claims(), (spoilt,), believed, believed.now)
    (only,) = parts[0].failed.values()
    assert isinstance(only.refusals[0][1], MalformedWord)
    outcomes = verify_bundle(data, believed).outcomes
    assert [o.amount for o in outcomes if isinstance(o, ProvenAmount)] == list(range(1, 40))


def test_a_token_claim_without_a_layout_is_no_claim(two) -> None:
    """A contract without a layout cannot be read; it is an input error of whoever made the claim."""
    world = two[0]
    bare = replace(world.token, layout=None)
    believed = checker(world, meanings={bare.key: world.known(asset=bare)})
    _, parts = gather([Claim(bare, holder(1))], (world,), believed, believed.now)
    assert isinstance(parts[0].failed[0], BadInput)


def test_a_header_without_a_state_refuses_its_own_networks_claims_only(honest, two) -> None:
    """Some networks leave the state root zero: nothing hangs under it, and the other network's figures stand."""
    claims, believed, data = honest
    assert not errors_of(verify_bundle(data, believed))
    fields = rlp.decode(two[1].headers[-1])
    fields[3] = bytes(32)
    bare = rlp.encode(fields)
    pins = replace(believed, roots=(two[0].pin(), PinnedBlock(ChainId(10), Hash32(keccak(bare)))))
    bundle = parse_bundle(data).bundle
    stateless = replace(bundle, sections=(bundle.sections[0], replace(bundle.sections[1], anchor=bare)))
    for outcome in verify_bundle(encode_bundle(stateless), pins).outcomes:
        if outcome.claim.chain_id == two[1].chain_id:
            assert isinstance(outcome, Refusal) and isinstance(outcome.error, MalformedHeader)
        else:
            assert isinstance(outcome, ProvenAmount)
    asked = [call_claim(world.network.chain_id, Call(TOKEN, b"")) for world in two]
    _, other = verify_calls(encode_bundle(replace(stateless, claims=tuple(asked))), pins).outcomes
    assert isinstance(other, Refusal) and isinstance(other.error, MalformedHeader)
