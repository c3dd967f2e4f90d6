"""What a slot means is the checker's to say: layouts, reviewed code, proxies, holders that are blocked."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rlp

from tests.simulators.trie_builder import build, keccak
from tests.simulators.world import LAYOUT, TOKEN, World, balance_slot, checker, holder, uint
from tests.verifier.verify.gathering import gather
from verifier.claims import Asset, Claim, ClaimKind, CodePin, ProxyKind, Source
from verifier.errors import NotThere, NotUsable, UnreviewedCode, UnreviewedMeaning
from verifier.policy import STRICT
from verifier.primitives import Address, ChainId, Hash32, slot_key
from verifier.proven import ProvenAmount
from verifier.trust import Basis
from verifier.verify import Refusal, verify_bundle
from verifier.wire import encode_bundle, parse_bundle


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


EIP1967_SLOT = (int.from_bytes(keccak(b"eip1967.proxy.implementation"), "big") - 1).to_bytes(32, "big")
IMPLEMENTATION = Address(b"\x1a" * 20)


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
