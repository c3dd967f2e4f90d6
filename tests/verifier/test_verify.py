"""The whole way over simulated networks: gathered by hand, bundled, verified; and every way in which it must not pass."""

from __future__ import annotations

import random
from dataclasses import replace

import cbor2
import pytest
import rlp

from tests.simulators.trie_builder import build, keccak
from tests.simulators.world import LAYOUT, TOKEN, World, balance_slot, checker, holder, run, uint
from verifier.calls import Call
from verifier.claims import Asset, Claim, ClaimKind, CodePin, ProxyKind, Source
from verifier.errors import (
    BadInput,
    FromTheFuture,
    Malformed,
    MalformedHeader,
    MalformedWord,
    MissingEvidence,
    MissingNode,
    NotThere,
    NotUsable,
    ProofError,
    TooOld,
    TrustTooWeak,
    UnreviewedCode,
    UnreviewedMeaning,
    Unsupported,
    UnusedEvidence,
    VerifierError,
)
from verifier.evidence import Link
from verifier.flow import AskProof
from verifier.gather import assemble, gather_section
from verifier.policy import PRACTICAL, STRICT
from verifier.primitives import Address, BlockNumber, ChainId, Hash32, Timestamp, slot_key
from verifier.proven import Moment, ProvenAmount, trail
from verifier.trust import Anchor, Basis, Observed, PinnedBlock
from verifier.verify import Refusal, verify_bundle
from verifier.verify_calls import call_claim, verify_calls
from verifier.wire import content_id, encode_bundle, parse_bundle


def gather(claims, worlds, believed, as_of, twist=None):
    """The bundle's bytes and the failures, as the service would gather them."""
    by_id = {w.network.chain_id: w for w in worlds}
    parts = []
    for chain, world in by_id.items():
        asked = [(i, c) for i, c in enumerate(claims) if c.chain_id == chain]
        root = next(r for r in believed.roots if r.chain_id == chain)
        part, _ = run(gather_section(world.network, asked, root, as_of, believed), by_id, twist)
        parts.append(part)
    return encode_bundle(assemble(as_of, claims, parts)), parts


@pytest.fixture(scope="module")
def two() -> tuple[World, World]:
    """Two networks with some holders each; one holder has nothing."""
    one = World(1, {holder(1): 5 * 10**18, holder(2): 1}, {holder(1): 2**200, holder(3): 7})
    two = World(10, {holder(1): 2**96}, {holder(1): 1_000_000, holder(9): 0})
    return one, two


@pytest.fixture(scope="module")
def honest(two):
    """Claims, the checker that knows them, and an honest bundle."""
    claims = [*two[0].claims(), *two[1].claims(), Claim(two[0].coin, holder(404))]
    believed = checker(*two)
    data, parts = gather(claims, two, believed, believed.now)
    assert not any(part.failed for part in parts)
    return claims, believed, data


def errors_of(verified) -> list[VerifierError]:
    return [o.error for o in verified.outcomes if isinstance(o, Refusal)]


def changed(data: bytes, change) -> bytes:
    """The bundle with its body changed and its content id computed anew."""
    outer = cbor2.loads(data)
    body = cbor2.loads(outer[3])
    change(body)
    raw = cbor2.dumps(body, canonical=True)
    return cbor2.dumps([outer[0], outer[1], content_id(raw), raw], canonical=True)


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


# --- meaning --------------------------------------------------------------------------------------------------


@pytest.mark.covers("STO-09", "CHN-07", "TOK-06")
@pytest.mark.parametrize(
    "field", [{"decimals": 18}, {"symbol": "FAKE"}, {"group": "ETH"}, {"layout": replace(LAYOUT, base=slot_key(1))}]
)
def test_a_bundle_does_not_say_what_a_slot_means(two, field) -> None:
    """An asset that differs from the checker's own in decimals, symbol, group or layout is refused."""
    world = two[0]
    liar = Claim(replace(world.token, **field), holder(1))
    believed = checker(world)
    easy = replace(believed, meanings={liar.asset.key: world.known(asset=liar.asset)})
    data, _ = gather(
        [liar],
        (world,),
        replace(easy, policy=replace(STRICT, accept_contracts=frozenset({(ChainId(1), TOKEN)}))),
        believed.now,
    )
    (outcome,) = verify_bundle(data, believed).outcomes
    assert isinstance(outcome, Refusal)
    assert isinstance(outcome.error, UnreviewedMeaning)
    assert next(iter(field)) in str(outcome.error)


@pytest.mark.covers("CHN-07", "STO-08")
@pytest.mark.parametrize("source", [Source.USER, Source.DISCOVERED])
def test_a_typed_or_discovered_slot_needs_the_policys_word(two, source) -> None:
    """A layout that nobody reviewed is refused, unless the checker's policy names the contract; then it is visible."""
    world = two[0]
    claim = replace(world.claims()[-1], source=source)
    naming = replace(STRICT, accept_contracts=frozenset({(ChainId(1), TOKEN)}))
    own = {claim.asset.key: world.known(source=source, pins=())}
    trusting = checker(world, policy=naming, meanings=own)
    data, _ = gather([claim], (world,), trusting, trusting.now)
    (taken,) = verify_bundle(data, trusting).outcomes
    assert taken.amount == 7
    assert taken.trust.bases == {Basis.UNREVIEWED_CODE}
    (refused,) = verify_bundle(data, checker(world, meanings={})).outcomes
    assert isinstance(refused.error, UnreviewedMeaning)


@pytest.mark.parametrize(
    ("said", "own"),
    [(Source.REVIEWED, Source.DISCOVERED), (Source.REVIEWED, Source.USER), (Source.DISCOVERED, Source.USER)],
)
def test_a_claim_does_not_say_more_of_its_meaning_than_its_checker(two, said, own) -> None:
    """Statements repeat where a meaning is from: a bundle that says `reviewed` of a typed slot is refused by name."""
    world = two[0]
    naming = replace(STRICT, accept_contracts=frozenset({(ChainId(1), TOKEN)}))
    known = {world.token.key: world.known(source=own, pins=())}
    trusting = checker(world, policy=naming, meanings=known)
    honest_claim = replace(world.claims()[-1], source=own)
    data, _ = gather([honest_claim], (world,), trusting, trusting.now)
    assert isinstance(verify_bundle(data, trusting).outcomes[0], ProvenAmount)
    bundle = parse_bundle(data).bundle
    boasting = encode_bundle(replace(bundle, claims=(replace(honest_claim, source=said),)))
    for meanings in (known, {}):
        (refused,) = verify_bundle(boasting, replace(trusting, meanings=meanings)).outcomes
        assert isinstance(refused, Refusal) and isinstance(refused.error, UnreviewedMeaning)
        assert "says more of it" in str(refused.error)
    weaker = encode_bundle(replace(bundle, claims=(replace(honest_claim, source=Source.USER),)))
    assert verify_bundle(weaker, trusting).outcomes[0].claim.source is Source.USER


@pytest.mark.covers("ACC-08", "STO-10", "CHN-04", "ACC-12")
def test_code_that_was_not_reviewed_is_refused(two) -> None:
    """The token's proven code hash is not the pinned one."""
    world = two[0]
    other = world.known(pins=(CodePin(Hash32(b"\x13" * 32)),))
    believed = checker(world, meanings={world.token.key: other})
    data, _ = gather([world.claims()[-1]], (world,), believed, believed.now)
    (outcome,) = verify_bundle(data, believed).outcomes
    assert isinstance(outcome.error, UnreviewedCode)
    assert keccak(b"the token's code").hex() in str(outcome.error)


def test_an_asset_without_reviewed_code_is_only_a_hint(two) -> None:
    """A registry entry without any pin is refused until the policy names the contract."""
    world = two[0]
    believed = checker(world, meanings={world.token.key: world.known(pins=())})
    data, parts = gather([world.claims()[-1]], (world,), believed, believed.now)
    assert isinstance(parts[0].failed[0], UnreviewedMeaning)


def test_a_token_without_code_is_not_a_token(two) -> None:
    """A contract that is proven absent proves no balance of zero."""
    world = two[0]
    nowhere = Asset(ChainId(1), "GONE", 6, "USD", Address(b"\x71" * 20), LAYOUT)
    claim = Claim(nowhere, holder(1), source=Source.USER)
    naming = replace(STRICT, accept_contracts=frozenset({(ChainId(1), Address(b"\x71" * 20))}))
    believed = checker(world, policy=naming)
    data, _ = gather([claim], (world,), believed, believed.now)
    (outcome,) = verify_bundle(data, believed).outcomes
    assert isinstance(outcome.error, NotThere)


@pytest.mark.covers("STO-04")
def test_a_blocked_holder_has_nothing_usable() -> None:
    """The flag bit in a packed balance word refuses the claim; without the flag the masked balance is read."""
    layout = replace(LAYOUT, width_bits=255, blocked_bit=255)
    world = World(1, {}, {holder(1): 2**255 + 5, holder(2): 5})
    asset = replace(world.token, layout=layout)
    believed = checker(world, meanings={asset.key: world.known(asset=asset)})
    claims = [Claim(asset, holder(1)), Claim(asset, holder(2))]
    data, _ = gather(claims, (world,), believed, believed.now)
    blocked, free = verify_bundle(data, believed).outcomes
    assert isinstance(blocked.error, NotUsable)
    assert free.amount == 5


@pytest.mark.covers("STO-04", "STO-05", "ACC-10")
def test_bits_that_the_layout_does_not_explain_are_refused() -> None:
    """A word with more than the field and its known neighbours is another layout."""
    layout = replace(LAYOUT, width_bits=104, other_bits=((1 << 72) - 1) << 104)
    world = World(1, {}, {holder(1): 5 + (9 << 104), holder(2): 5 + (1 << 200)})
    asset = replace(world.token, layout=layout)
    believed = checker(world, meanings={asset.key: world.known(asset=asset)})
    data, _ = gather([Claim(asset, holder(1)), Claim(asset, holder(2))], (world,), believed, believed.now)
    packed, strange = verify_bundle(data, believed).outcomes
    assert packed.amount == 5
    assert isinstance(strange.error, NotUsable)


def test_a_coin_means_what_the_network_says(two) -> None:
    """Nobody renames the native coin or moves its point."""
    world = two[0]
    believed = checker(world)
    claim = Claim(replace(world.coin, decimals=0), holder(1))
    _, parts = gather([claim], (world,), believed, believed.now)
    assert isinstance(parts[0].failed[0], UnreviewedMeaning)


def test_a_debt_counts_below_zero(two) -> None:
    """The same word, claimed as a debt, lowers."""
    world = two[0]
    believed = checker(world)
    data, _ = gather([Claim(world.token, holder(3), ClaimKind.DEBT)], (world,), believed, believed.now)
    (outcome,) = verify_bundle(data, believed).outcomes
    assert outcome.amount == -7


# --- moment -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spare", [0, 5, 11])
def test_a_past_moment_is_exact(two, spare) -> None:
    """The snapshot is the last block not after the time, shown by its successor."""
    world = two[0]
    believed = checker(world)
    as_of = Timestamp(world.time_of(3) + spare)
    data, _ = gather(world.claims(), (world,), believed, as_of)
    verified = verify_bundle(data, believed)
    header, moment = verified.snapshots[ChainId(1)]
    assert (header.number, moment) == (103, Moment.EXACT)


def test_a_far_moment_is_reached_over_the_history_contract() -> None:
    """Past a few parent links, one hop proves an older hash under the anchor's state."""
    world = World(1, {holder(1): 3}, {}, blocks=60)
    believed = checker(world)
    as_of = Timestamp(world.time_of(4))
    data, _ = gather(world.claims(), (world,), believed, as_of)
    links = [step.link for step in parse_bundle(data).bundle.sections[0].steps]
    assert links == [Link.HISTORY, Link.PARENT]
    (outcome,) = verify_bundle(data, believed).outcomes
    assert (outcome.amount, outcome.header.number, outcome.moment) == (3, 104, Moment.EXACT)


@pytest.mark.covers("HDR-02", "HDR-03")
def test_the_wrong_block_for_the_moment_is_refused(two) -> None:
    """A bundle for one moment does not serve another: the block would not be the last one before it."""
    world = two[0]
    believed = checker(world)
    data, _ = gather(world.claims(), (world,), believed, Timestamp(world.time_of(3)))
    for as_of in (world.time_of(3) - 1, world.time_of(4)):
        verified = verify_bundle(changed(data, lambda b, t=as_of: b.update(as_of=t)), believed)
        assert {type(e).__name__ for e in errors_of(verified)} == {"WrongMoment"}


def test_hints_that_lie_about_the_moment_cost_rounds_and_nothing_else() -> None:
    """An endpoint whose headers by number are of a forged chain is caught; the proven search still finds the block."""
    world = World(1, {holder(1): 3}, {}, blocks=60)
    forged = World(1, {holder(1): 3}, {}, blocks=60, spacing=3)
    believed = checker(world)

    def twist(question, answer):
        by_number = not isinstance(question, AskProof) and isinstance(getattr(question, "block", None), int)
        return forged.answer(question) if by_number else answer

    data, parts = gather(world.claims(), (world,), believed, Timestamp(world.time_of(30)), twist)
    assert not parts[0].failed
    (outcome,) = verify_bundle(data, believed).outcomes
    assert outcome.header.number == 130


@pytest.mark.covers("HDR-06", "RPC-13")
def test_a_head_that_lags_is_refused(two) -> None:
    """An old but true block is refused at one second past the allowed lag, and taken at the limit."""
    world = two[0]
    limit = STRICT.max_head_lag
    for extra, refused in ((0, False), (1, True)):
        now = world.time_of(-1) + limit + extra
        believed = checker(world, now=now)
        _, parts = gather(world.claims(), (world,), believed, Timestamp(now))
        assert bool(parts[0].failed) is refused
        if refused:
            assert {type(e) for e in parts[0].failed.values()} == {TooOld}


@pytest.mark.covers("HDR-07", "DB-08")
def test_times_ahead_of_the_clock_are_refused(two) -> None:
    """Neither the as-of time nor a header may be later than the checker's clock and its stated error."""
    world = two[0]
    believed = checker(world)
    data, _ = gather(world.claims(), (world,), believed, believed.now)
    early = replace(believed, now=Timestamp(believed.now - STRICT.max_clock_error - 1))
    assert {type(e) for e in errors_of(verify_bundle(data, early))} == {FromTheFuture}
    ok = replace(believed, now=Timestamp(believed.now - STRICT.max_clock_error))
    assert not errors_of(verify_bundle(data, ok))


def test_an_old_account_is_refused_by_age_alone(honest) -> None:
    """`now - T` is a limit of policy: past it the same bundle is refused, with what to do."""
    claims, believed, data = honest
    late = replace(believed, now=Timestamp(believed.now + STRICT.max_age + 1))
    refused = errors_of(verify_bundle(data, late))
    assert len(refused) == len(claims)
    assert {type(e) for e in refused} == {TooOld}
    assert not errors_of(verify_bundle(data, replace(late, now=Timestamp(believed.now + STRICT.max_age))))


# --- trust --------------------------------------------------------------------------------------------------------


@pytest.mark.covers("RPC-11", "ROL-01", "HDR-12")
def test_the_default_policy_counts_no_ones_word(two) -> None:
    """Neither one endpoint's word nor a quorum's is taken by `strict`; `practical` takes the quorum, not the one."""
    world = two[0]
    one = Observed(ChainId(1), world.head, BlockNumber(107), frozenset({"a"}), 2, Timestamp(0))
    many = replace(one, operators=frozenset({"a", "b"}))
    for policy, root, taken in (
        (STRICT, one, False), (STRICT, many, False), (PRACTICAL, one, False), (PRACTICAL, many, True),
    ):  # fmt: skip
        believed = checker(world, policy=policy, roots=(root,))
        data, _ = gather(world.claims(), (world,), checker(world), believed.now)
        verified = verify_bundle(data, believed)
        kinds = {TrustTooWeak} if not taken else set()
        assert {type(e) for e in errors_of(verified)} == kinds
        if taken:
            assert verified.outcomes[0].trust.word == "quorum"


# --- withholding ---------------------------------------------------------------------------------------------------


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


IMPLEMENTATION = Address(b"\x1a" * 20)
EIP1967_SLOT = (int.from_bytes(keccak(b"eip1967.proxy.implementation"), "big") - 1).to_bytes(32, "big")


def proxied(pointer: bytes, code: bytes = b"reviewed") -> World:
    """A token behind a proxy: its implementation slot holds `pointer`, and the implementation has this code."""
    stored = {
        keccak(balance_slot(holder(1))): rlp.encode(uint(5)),
        keccak(EIP1967_SLOT): rlp.encode(pointer.lstrip(b"\0")),
    }
    leaf = rlp.encode([b"\x01", b"", keccak(b"\x80"), keccak(code)])
    return World(
        1,
        {},
        {holder(1): 5},
        storage_override=build(stored),
        extra_leaves={IMPLEMENTATION: leaf, Address(b"\x1b" * 20): leaf},
    )


@pytest.mark.covers("STO-10", "ACC-08")
@pytest.mark.parametrize(
    ("pointer", "code", "refused"),
    [
        (IMPLEMENTATION, b"reviewed", None),
        (b"\x1b" * 20, b"reviewed", "the proxy's implementation"),
        (b"\x01" + IMPLEMENTATION, b"reviewed", "the proxy's implementation"),
        (IMPLEMENTATION, b"upgraded in place", "the implementation's code hash"),
    ],
    ids=["as reviewed", "another implementation", "bits above the address", "another code"],
)
def test_a_proxy_is_bound_to_its_reviewed_implementation(pointer: bytes, code: bytes, refused: str | None) -> None:
    """The implementation slot and the code behind it are proven under the same root as the balance."""
    world = proxied(pointer, code)
    asset = replace(world.token, layout=replace(LAYOUT, proxy=ProxyKind.EIP1967))
    pin = CodePin(world.known().pins[0].code_hash, IMPLEMENTATION, Hash32(keccak(b"reviewed")))
    believed = checker(world, meanings={asset.key: world.known(asset=asset, pins=(pin,))})
    data, parts = gather([Claim(asset, holder(1))], (world,), believed, believed.now)
    assert not parts[0].failed
    (outcome,) = verify_bundle(data, believed).outcomes
    if refused is None:
        assert (outcome.amount, len(outcome.bound_by)) == (5, 3)
        return
    assert isinstance(outcome.error, UnreviewedCode)
    assert refused in str(outcome.error)


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
