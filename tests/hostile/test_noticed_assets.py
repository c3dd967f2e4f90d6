"""Checks of asset kinds whose removal no other test would notice."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rlp

from chains.registry import NETWORKS
from tests.simulators.minting import ALICE, coin, header, network
from tests.simulators.trie_builder import build, keccak
from tests.simulators.world import EMPTY_CODE, EMPTY_TRIE, LAYOUT, TOKEN, World, balance_slot, checker, holder, uint
from tests.verifier.verify.gathering import gather
from verifier.assets import erc20, native
from verifier.claims import Asset, Claim, CodePin, Guard, ProxyKind, Source
from verifier.errors import NotThere, NotUsable, UnreviewedCode, Unsupported, Where
from verifier.policy import STRICT
from verifier.primitives import Address, ChainId, Hash32, slot_key, to_hex
from verifier.proven import ProvenAccount, ProvenRoot, mint
from verifier.trust import Anchor, Basis, Trust
from verifier.verify import verify_bundle

IMPLEMENTATION = Address(b"\x1a" * 20)
IMPLEMENTATION_CODE = keccak(b"the implementation's code")
PROXIED = replace(LAYOUT, proxy=ProxyKind.EIP1967)
POINTER = erc20.IMPLEMENTATION_SLOTS[ProxyKind.EIP1967]


def with_words(words: dict[bytes, int], leaves: dict[bytes, bytes] | None = None) -> World:
    """A network whose token has these words in its storage, whatever they mean."""
    storage = build({keccak(slot): rlp.encode(uint(value)) for slot, value in words.items()})
    return World(1, {}, {}, storage_override=storage, extra_leaves=leaves or {})


def outcome_of(world: World, claim: Claim, **believed: object):
    """The one outcome of gathering and verifying one claim."""
    trusting = checker(world, **believed)
    data, _ = gather([claim], (world,), trusting, trusting.now)
    (outcome,) = verify_bundle(data, trusting).outcomes
    return outcome


# --- flags of reviewed code ------------------------------------------------------------------------------

FLAG = Guard(slot_key(10), 1 << 160, "it is deprecated")
BLOCKED = Guard(slot_key(6), 0xFF, "the holder is blocked", by_holder=True)
FLAG_SLOT = (10).to_bytes(32, "big")
GOOD = {balance_slot(holder(1)): 5, FLAG_SLOT: 0xABCD}


@pytest.mark.covers("STO-04", "TOK-03")
@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ({}, None),
        ({FLAG_SLOT: (1 << 160) | 0xABCD}, "it is deprecated"),
        ({balance_slot(holder(1), 6): 1}, "the holder is blocked"),
        ({balance_slot(holder(2), 6): 1}, None),
        ({balance_slot(holder(1), 6): 1 << 8}, None),
    ],
    ids=["nothing set", "deprecated", "blocked", "another holder blocked", "a bit beside the flag"],
)
def test_a_flag_of_the_reviewed_code_is_read_beside_the_balance(word: dict[bytes, int], reason: str | None) -> None:
    """The token's own flags refuse the claim, by name; other bits and other holders' flags do not."""
    world = with_words(GOOD | word)
    known = world.known(guards=(FLAG, BLOCKED))
    outcome = outcome_of(world, Claim(world.token, holder(1)), meanings={world.token.key: known})
    if reason is None:
        assert outcome.amount == 5
        assert len(outcome.bound_by) == 3
    else:
        assert isinstance(outcome.error, NotUsable)
        assert outcome.error.reason == reason


def test_flags_say_nothing_of_code_that_was_not_reviewed() -> None:
    """A contract that the policy names is taken as it stands: its slots mean what its owner says."""
    world = with_words(GOOD | {FLAG_SLOT: 1 << 160})
    naming = replace(STRICT, accept_contracts=frozenset({(ChainId(1), TOKEN)}))
    known = world.known(guards=(FLAG,))
    claim = Claim(world.token, holder(1))
    outcome = outcome_of(world, claim, meanings={world.token.key: known}, policy=naming)
    assert outcome.amount == 5
    assert Basis.UNREVIEWED_CODE in outcome.trust.bases
    assert isinstance(outcome_of(world, claim, meanings={world.token.key: known}).error, NotUsable)


def test_tether_asks_for_its_flags() -> None:
    """One question for the token holds the balance and the three flags, each slot once."""
    known = next(k for k in NETWORKS["ethereum"].assets if k.asset.symbol == "USDT")
    (read,) = erc20.compile(Claim(known.asset, ALICE), known, accepted=False).accounts
    flags = [slot_key(10), slot_key(0), balance_slot(ALICE, 6)]
    assert read.slots == (balance_slot(ALICE, 2), *flags)


# --- what binds a layout to code -------------------------------------------------------------------------


def test_an_accepted_proxy_is_not_followed() -> None:
    """Its pins do not count, so neither its pointer nor its implementation is asked for."""
    world = World(1, {}, {holder(1): 5})
    asset = replace(world.token, layout=PROXIED)
    pinned = CodePin(Hash32(keccak(b"t")), IMPLEMENTATION, Hash32(IMPLEMENTATION_CODE))
    known = world.known(asset=asset, pins=(pinned,))
    taken = erc20.compile(Claim(asset, holder(1)), known, accepted=True)
    assert [(read.address, len(read.slots)) for read in taken.accounts] == [(TOKEN, 1)]
    bound = erc20.compile(Claim(asset, holder(1)), known, accepted=False)
    assert [(read.address, len(read.slots)) for read in bound.accounts] == [(TOKEN, 2), (IMPLEMENTATION, 0)]


def test_an_account_without_code_is_no_token() -> None:
    """It exists, has money, and answers no call; a claim on it is not zero but refused."""
    eoa = Address(b"\x72" * 20)
    world = World(1, {bytes(eoa): 1}, {})
    claim = Claim(Asset(ChainId(1), "EOA", 6, "USD", eoa, LAYOUT), holder(1), source=Source.USER)
    naming = replace(STRICT, accept_contracts=frozenset({(ChainId(1), eoa)}))
    outcome = outcome_of(world, claim, policy=naming)
    assert isinstance(outcome.error, NotThere)


def proxied(implementation_code: bytes, pointer: bytes = IMPLEMENTATION) -> tuple[World, Claim, dict]:
    """A proxy whose implementation has this code, and a registry that pins the reviewed one."""
    leaf = rlp.encode([b"\x01", b"", EMPTY_TRIE, implementation_code])
    leaves = {bytes(IMPLEMENTATION): leaf}
    world = with_words({balance_slot(holder(1)): 5, bytes(POINTER): int.from_bytes(pointer, "big")}, leaves)
    asset = replace(world.token, layout=PROXIED)
    pins = (CodePin(Hash32(keccak(b"the token's code")), IMPLEMENTATION, Hash32(IMPLEMENTATION_CODE)),)
    return world, Claim(asset, holder(1)), {asset.key: world.known(asset=asset, pins=pins)}


def test_the_error_names_the_reviewed_implementation() -> None:
    """A pointer to elsewhere, or other code behind it, is refused with what was expected and what was found."""
    world, claim, meanings = proxied(IMPLEMENTATION_CODE)
    assert outcome_of(world, claim, meanings=meanings).amount == 5
    world, claim, meanings = proxied(IMPLEMENTATION_CODE, pointer=bytes(19) + b"\x07")
    moved = outcome_of(world, claim, meanings=meanings).error
    assert isinstance(moved, UnreviewedCode)
    assert (moved.expected, moved.got) == (to_hex(IMPLEMENTATION), bytes(19) + b"\x07")
    world, claim, meanings = proxied(keccak(b"other code"))
    changed = outcome_of(world, claim, meanings=meanings).error
    assert isinstance(changed, UnreviewedCode)
    assert (changed.expected, changed.got) == (to_hex(IMPLEMENTATION_CODE), keccak(b"other code"))


# --- the network's own coin ------------------------------------------------------------------------------


class OneAccount:
    """State that holds one account and no words."""

    def __init__(self, balance: int | None) -> None:
        head = header(network(), 1_700_000_000, Trust(Anchor.PINNED))
        root = mint(
            ProvenRoot, rests_on=head, network=head.network, state_root=head.state_root, number=head.number,
            timestamp=head.timestamp, trust=head.trust,
        )  # fmt: skip
        self.made = mint(
            ProvenAccount, rests_on=root, address=ALICE, exists=True, nonce=0, balance=balance,
            storage_root=Hash32(EMPTY_TRIE), code_hash=Hash32(EMPTY_CODE),
        )  # fmt: skip

    def account(self, address: Address) -> ProvenAccount:
        assert address == ALICE
        return self.made


def test_a_leaf_without_a_balance_field_is_not_read_as_zero() -> None:
    """Families whose balance is more than a field are refused; with a field, zero is zero."""
    claim, where = Claim(coin(1), ALICE), Where(network="net1", address=ALICE)
    assert native.decode(claim, None, OneAccount(0), where, accepted=False).units == 0
    with pytest.raises(Unsupported, match="no single leaf field"):
        native.decode(claim, None, OneAccount(None), where, accepted=False)
