"""Checks of other positions, and of the way to one, whose removal no test without a node would notice."""

from __future__ import annotations

import pytest

from tests.hostile.by_hand import ALICE, CODE, COIN, HERE, NOW, OTHER, POOL, WAD, at, claim_at, mine, read, world
from tests.simulators.evm_world import Account, EvmWorld, call
from verifier.assets.figure import holder_slot
from verifier.assets.judges import with_judge
from verifier.assets.position import Needing, check_position, decode, read_position
from verifier.assets.reader import Planning, Unread
from verifier.assets.rocket import ETHER, SUPPLY
from verifier.assets.steth import BEACON, BUFFER, SECOND, TOTALS
from verifier.assets.uniswap_v3 import INIT_CODE
from verifier.codec.abi import array_slot, erc7201_slot, mapping_slot, offset_slot, pad_address, pad_uint
from verifier.codec.ticks import sqrt_price_at
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, CrossCheckFailed, NotThere, NotUsable, Where, WrongBinding
from verifier.positions import PositionKind, position
from verifier.primitives import Address, slot_key

# --- shares ----------------------------------------------------------------------------------------------


def test_a_vaults_shares_convert_in_both_layouts_and_orders():
    """Three of four shares and nine coins; namespaced, in Vyper's order, with a flag above the asset's balance."""
    root = at(erc7201_slot("openzeppelin.storage.ERC20"))
    for order, vyper in (("solidity", False), ("vyper", True)):
        held = {at(holder_slot(4, HERE, vyper=vyper)): 9 | 1 << 200}
        for layout, base in (("plain", 0), ("namespaced", root)):
            storages = {HERE: {mine(base): 3, base + 2: 4}, COIN: held}
            given = {"asset": COIN, "asset_slot": 4, "asset_bits": 200, "asset_order": order, "layout": layout}
            assert read(PositionKind.ERC4626, storages, **given) == 3 * 10 // 5
            assert read(PositionKind.ERC4626, storages, **given, offset=1) == 3 * 10 // 14


def lido(shares=10, external=4, buffered=5, deposited=3, balance=7, known=2, version="3"):

    if version == "3":
        totals = {at(TOTALS): shares | external << 128, at(BUFFER): buffered | deposited << 128}
        totals |= {at(BEACON): balance | known << 128}
    else:
        totals = dict(zip(map(at, SECOND), (shares, buffered, balance, deposited, known), strict=True))
    return totals


def test_staked_ether_by_both_versions_of_its_storage_and_through_its_wrapper():
    """Ether is what is buffered, what is staked, and 32 for each validator under way; shares outside are no part."""
    ether = 5 + 7 + 32 * WAD
    for version, internal in (("3", 6), ("2", 10)):
        words = lido(version=version) | {mine(0): 2}
        assert read(PositionKind.STETH, {HERE: words}, version=version) == 2 * ether // internal
        wrapped = {HERE: {mine(3): 2}, POOL: lido(version=version)}
        assert read(PositionKind.WSTETH, wrapped, steth=POOL, slot=3, version=version) == 2 * ether // internal
    assert read(PositionKind.STETH, {HERE: lido(deposited=2) | {mine(0): 2}}) == 2 * 12 // 6
    for wrong in ({"deposited": 1}, {"external": 11}):
        with pytest.raises(NotUsable, match="contradict one another"):
            read(PositionKind.STETH, {HERE: lido(**wrong) | {mine(0): 2}})
    for nothing in ({"external": 10}, {"shares": 0, "external": 0}):
        with pytest.raises(NotUsable, match="the number of shares is zero"):
            read(PositionKind.STETH, {HERE: lido(**nothing) | {mine(0): 2}})


def test_rocket_ether_by_its_store_directly_and_in_a_mapping():
    """Ether over supply; where nothing was reported yet, one for one."""

    for given, place in (({}, at), ({"mapping": 2}, lambda key: at(mapping_slot(key, slot_key(2))))):
        store = {place(ETHER): 30, place(SUPPLY): 20}
        assert read(PositionKind.RETH, {HERE: {mine(1): 7}, POOL: store}, store=POOL, **given) == 10
        assert read(PositionKind.RETH, {HERE: {mine(1): 7}, POOL: {}}, store=POOL, **given) == 7


# --- liquidity -------------------------------------------------------------------------------------------


def pair(leg=0, coin=COIN, *, fee_to=0, last=0, supply=100, factory=POOL, reserves=(1_000, 4_000)):
    words = {
        0: supply, mine(1): 10, 5: int.from_bytes(factory, "big"), 6: int.from_bytes(COIN, "big"),
        7: int.from_bytes(OTHER, "big"), 8: reserves[0] | reserves[1] << 112 | NOW << 224, 11: last,
    }  # fmt: skip
    return read(PositionKind.UNISWAP_V2, {HERE: words, POOL: {0: fee_to}}, leg=leg, coin=coin, factory=POOL)


def test_a_share_of_a_pair_is_thinned_by_the_protocols_fee():
    """Only while the fee is on and the product grew since: a sixth of the root's growth."""
    assert (pair(), pair(1, OTHER)) == (100, 400)
    assert (
        pair(fee_to=1) == pair(last=500_000**2) == pair(fee_to=1, last=2_000**2) == pair(fee_to=1, last=3_000**2) == 100
    )
    thin = 100 * 1_000 // (2_000 * 5 + 1_000)
    assert pair(fee_to=1, last=1_000**2) == 10 * 1_000 // (100 + thin)
    for wrong, said in (({"coin": OTHER}, "coin 0"), ({"leg": 1}, "coin 1"), ({"factory": OTHER}, "factory")):
        with pytest.raises(WrongBinding, match=said):
            pair(**wrong)
    with pytest.raises(NotUsable, match="supply of liquidity tokens is zero"):
        pair(supply=0)


def v3(leg=0, *, tick=0, place=1, owner=ALICE, liquidity=10**18, outside=(0, 0), grown=0, coin=None, low=-60, high=60):

    factory = Address(b"\x77" * 20)
    salt = keccak256(pad_address(COIN) + pad_address(OTHER) + pad_uint(3_000))
    pool = Address(keccak256(b"\xff" + factory + salt + INIT_CODE)[12:])
    base, key = mapping_slot(pad_uint(7), slot_key(12)), mapping_slot(pad_uint(5), slot_key(11))
    manager = {
        at(mapping_slot(pad_uint(7), slot_key(3))): place,
        at(base, 1): 5 | (low % 2**24) << 80 | (high % 2**24) << 104 | liquidity << 128,
        at(base, 2): grown, at(base, 3): grown, at(base, 4): 11 | 13 << 128,
        at(offset_slot(array_slot(slot_key(2), max(place, 1) - 1, 2), 1)): int.from_bytes(owner, "big"),
        at(key): int.from_bytes(COIN, "big"), at(key, 1): int.from_bytes(OTHER, "big") | 3_000 << 160,
    }  # fmt: skip
    ticks = {}
    for where, value in zip((low, high), outside, strict=True):
        tick_slot = mapping_slot(pad_uint(where % 2**256), slot_key(5))
        ticks |= {at(tick_slot, 1 + leg): value}
    root = sqrt_price_at(tick)
    storages = {HERE: manager, pool: {0: root | (tick % 2**24) << 160, 1: 50 << 128, 2: 60 << 128} | ticks}
    coin = (COIN, OTHER)[leg] if coin is None else coin
    return read(PositionKind.UNISWAP_V3, storages, token=7, leg=leg, coin=coin, factory=factory)


def test_a_position_of_a_range_gives_its_coins_by_where_the_price_is():
    """Below, inside and above of ticks that are signed; what is owed already is added to fees of the growth inside."""
    even = v3(liquidity=0), v3(1, liquidity=0)
    assert even == (11, 13)
    inside = v3(outside=(0, 0)), v3(1)
    assert all(10**15 < units < 4 * 10**15 for units in (inside[0] - 50 * 10**18, inside[1] - 60 * 10**18))
    below, above = v3(tick=-100, outside=(0, 0)), v3(tick=100, outside=(0, 0))
    assert below > 5 * 10**15
    assert above == 11
    assert v3(1, tick=-100) == 13
    assert v3(outside=(50 << 128, 0)) - 11 < 4 * 10**15
    # Both ticks, and the pool's own, below zero: in the range, and above of it.
    low = {"low": -120, "high": -60}
    assert 10**15 < v3(tick=-90, **low) - 50 * 10**18 < 4 * 10**15
    assert v3(1, tick=0, **low) > 2 * 10**15
    assert v3(tick=0, **low) == 11


def test_a_position_is_its_owners_at_the_managers_word():
    """A token that was burnt, another owner's, and another coin are refused."""
    with pytest.raises(NotThere, match="position 7"):
        v3(place=0)
    with pytest.raises(WrongBinding, match="the owner of position 7"):
        v3(owner=OTHER)
    with pytest.raises(WrongBinding, match="coin 0"):
        v3(coin=OTHER)


# --- places in storage -----------------------------------------------------------------------------------

PLACE = (5).to_bytes(32, "big")


def field(value, *, debt=False, words=None, **given):
    return read(PositionKind.STORAGE, {HERE: {5: value % 2**256} | (words or {})}, debt=debt, slot=PLACE, **given)


def test_a_field_is_its_bits_with_its_sign():
    """Down to one bit and up to the whole word; beyond its end there is no field."""
    assert (field(0xABCD, offset=8, width=8), field(0xABCD), field(1 << 255, offset=255, width=1)) == (0xAB, 0xABCD, 1)
    assert field(-7, sign="signed", debt=True) == 7
    assert field(7, debt=True) == 7
    assert field(0, sign="signed") == field(0, sign="signed", debt=True) == 0
    for value, debt in ((-7, False), (7, True)):
        with pytest.raises(NotUsable, match="which is no"):
            field(value, debt=debt, sign="signed")
    for offset, width in ((0, 0), (1, 256), (255, 2)):
        with pytest.raises(BadInput, match="bits within one word"):
            check_position(position(PositionKind.STORAGE, slot=PLACE, offset=offset, width=width), HERE)


def test_an_item_of_an_array_is_below_its_length():
    """The last is read; at the length there is none."""
    given = {"bounds": 1, "array0": (6).to_bytes(32, "big"), "index0": 2}
    assert field(9, words={6: 3}, **given) == 9
    with pytest.raises(NotThere, match="item 2 of the array"):
        field(9, words={6: 2}, **given)


# --- the way from a claim --------------------------------------------------------------------------------


def returning(value):
    return b"\x7f" + value.to_bytes(32, "big") + bytes.fromhex("60005260206000f3")


def decoded(reading, storages, code=CODE, contract=HERE, debt=False):
    made = EvmWorld({address: Account(code, words) for address, words in storages.items()})
    claim = claim_at(contract, debt=debt, reading=reading)
    return decode(claim, None, made.section(), Where(network="net"), accepted=True)


def test_a_judge_says_the_same_figure_or_there_is_none():
    """The protocol's own view beside the words; without a judge nothing is called."""
    storages = {HERE: lido() | {mine(0): 3}}
    worth = 3 * (12 + 32 * WAD) // 6
    for judge in ({}, {"judge": "call"}):
        found = decoded(position(PositionKind.STETH, **judge), storages, returning(worth))
        assert (found.units, found.reviewed, found.contracts) == (worth, False, ())
    assert decoded(position(PositionKind.STETH), storages, returning(worth - 1)).units == worth
    with pytest.raises(CrossCheckFailed) as caught:
        decoded(position(PositionKind.STETH, judge="call"), storages, returning(worth - 1))
    assert str(worth) in str(caught.value)


CURVES = {f"{side}_{name}": 0 for side in ("supply", "borrow") for name in ("kink", "base", "low", "high")}


def test_a_comets_judge_is_asked_for_the_side_that_is_claimed():
    """Another function for what is held, owed and posted: each world answers one selector alone."""

    words = {HERE: {mine(5): 10, 0: 10**15 | 10**15 << 64, 1: NOW << 208}}
    owed = {HERE: words[HERE] | {mine(5): 2**104 - 10}}
    posted = {HERE: {at(mapping_slot(pad_address(COIN), holder_slot(6, ALICE))): 10}}
    base = position(PositionKind.COMPOUND_V3, judge="call", **CURVES)
    other = position(PositionKind.COMPOUND_V3, judge="call", of="collateral", asset=COIN)
    for reading, there, debt, name in (
        (base, words, False, "balanceOf(address)"),
        (base, owed, True, "borrowBalanceOf(address)"),
        (other, posted, False, "collateralBalanceOf(address,address)"),
    ):
        selector = keccak256(name.encode())[:4].hex()
        # PUSH1 0 CALLDATALOAD PUSH1 e0 SHR PUSH4 selector EQ PUSH1 10 MUL, returned: ten for that selector, else zero
        code = bytes.fromhex(f"60003560e01c63{selector}14600a0260005260206000f3")
        assert decoded(reading, there, code, debt=debt).units == 10


def test_judges_are_taken_where_there_is_a_view_and_by_their_word():
    """Another word, or a judge of liquidity, is refused before anything is read; one is added where there can be."""

    given = {"leg": 0, "coin": COIN, "factory": POOL}
    check_position(position(PositionKind.STETH, judge="call"), HERE)
    for wrong in (
        position(PositionKind.STETH, judge="me"),
        position(PositionKind.UNISWAP_V2, judge="call", **given),
        position(PositionKind.UNISWAP_V2, judge="me", **given),
    ):
        with pytest.raises(BadInput, match="judge"):
            check_position(wrong, HERE)
    judged = position(PositionKind.STETH, judge="call")
    assert with_judge(position(PositionKind.STETH)) == with_judge(judged) == judged
    pool = position(PositionKind.UNISWAP_V2, **given)
    assert with_judge(pool) is pool


def test_what_was_read_is_told_with_the_contracts_that_it_led_to():
    """The claim's own contract is none of those, and the word of the figure stands once."""
    found = decoded(position(PositionKind.WSTETH, steth=POOL), {HERE: {mine(0): 1}, POOL: lido()})
    assert found.contracts == (POOL,)
    assert found.rests_on not in found.bound_by
    assert len(found.bound_by) == 2 + 3
    assert found.reviewed is False


def test_a_claim_without_a_position_or_a_contract_is_none():
    """And a price source is no position."""
    with pytest.raises(BadInput, match="a position"):
        decoded(None, {HERE: {}})
    with pytest.raises(BadInput, match="a contract"):
        decoded(position(PositionKind.STETH), {HERE: {}}, contract=None)
    with pytest.raises(BadInput, match="a kind that has an amount"):
        check_position(position(PositionKind.CHAINLINK, layout="ocr2", decimals=8), HERE)


def test_a_contract_has_code():
    """An account that is absent, and one without code, are no contracts."""
    for accounts in ({}, {HERE: Account(b"", {mine(0): 1})}):
        section = EvmWorld(accounts | {OTHER: Account(CODE)}).section()
        with pytest.raises(NotThere, match="the contract's code"):
            read_position(claim_at(HERE), position(PositionKind.STETH), Needing(section, Where(network="net")))


def test_planning_asks_for_what_is_missing_and_for_nothing_else():
    """An account, then one word beside what is known; a call is never planned."""
    section = world({HERE: {5: 1, 6: 2}}).section()
    account = section.account(HERE)
    words = {(HERE, slot_key(n)): section.word(account, slot_key(n)) for n in (5, 6)}

    def planned(accounts, known, *slots):
        reader = Planning(accounts, known, NOW, Where(network="net"))
        return [word.slot for word in reader.words((HERE, list(slots)))]

    assert planned({HERE: account}, words, 5, 6) == [slot_key(5), slot_key(6)]
    for accounts, known, missing in (
        ({}, {}, (5, 6)),
        ({}, words, ()),
        ({HERE: account}, {}, (5, 6)),
        ({HERE: account}, {key: word for key, word in words.items() if key[1] == slot_key(5)}, (6,)),
    ):
        with pytest.raises(Unread) as caught:
            planned(accounts, known, 5, 6)
        (wanted,) = caught.value.reads
        assert (wanted.address, wanted.slots) == (HERE, tuple(slot_key(n) for n in missing))

    with pytest.raises(BadInput, match="calls are gathered by running them"):
        Planning({HERE: account}, {}, NOW, Where(network="net")).call(call(to=HERE))


def test_a_figure_names_the_moment_that_is_asked_for():
    """Of the block, unless another one is meant."""
    section = world({HERE: {}}).section()
    assert Needing(section, Where(network="net")).as_of == NOW
    assert Needing(section, Where(network="net"), NOW + 5).as_of == NOW + 5
