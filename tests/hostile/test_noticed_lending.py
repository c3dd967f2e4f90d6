"""Checks of lending positions whose removal no test without a node would notice."""

from __future__ import annotations

import pytest

from tests.hostile.by_hand import ALICE, COIN, HERE, NOW, OTHER, POOL, RAY, WAD, YEAR, at, mine, read, world
from verifier.assets import adaptive_curve as curve
from verifier.assets.figure import holder_slot
from verifier.assets.position import Needing
from verifier.codec.abi import mapping_slot, pad_address, pad_uint
from verifier.errors import NotThere, NotUsable, UnlistedDebt, Where, WrongBinding
from verifier.positions import PositionKind
from verifier.primitives import Address, slot_key

# --- Aave v3 ---------------------------------------------------------------------------------------------

RESERVE = mapping_slot(pad_address(COIN), slot_key(52))


def aave(
    state=1_000,
    *,
    index=2 * RAY,
    rate=0,
    last=NOW,
    debt=False,
    token=HERE,
    release="3.6",
    slot=None,
    terms=18 << 48 | 1 << 56,
):
    """A token's word for the holder and the pool's record of the reserve, with the other side's figures elsewhere."""
    ours, theirs = (2, 1) if debt else (1, 2)
    record = {
        at(RESERVE): terms,
        at(RESERVE, ours): index | rate << 128,
        at(RESERVE, theirs): 7 * RAY | 1 << 128,
        at(RESERVE, 3): last << 128,
        at(RESERVE, 6 if debt else 4): int.from_bytes(token, "big"),
        at(RESERVE, 4 if debt else 6): int.from_bytes(OTHER, "big"),
    }
    base = (56 if debt else 52) if slot is None else slot
    return read(
        PositionKind.AAVE_V3, {HERE: {mine(base): state}, POOL: record}, debt=debt, pool=POOL, underlying=COIN,
        release=release,
    )  # fmt: skip


def test_an_index_grows_linearly_for_what_is_supplied_and_by_compounding_for_what_is_owed():
    """Half a year at a tenth; each release by its own formula and rounding."""
    assert aave() == 2_000
    assert aave(debt=True) == 2_000
    half = {"rate": RAY // 10, "last": NOW - YEAR // 2, "state": 10**18}
    assert aave(**half) == 2 * 10**18 * 105 // 100
    assert aave(**half, release="3.0") == 2 * 10**18 * 105 // 100
    x = 5 * 10**25
    # 1 + x + x * (x/2 + x * (x/6)), and with n seconds n(n-1)/2 and n(n-1)(n-2)/6 of the rate's powers per second
    nested = RAY + x + x * (x // 2 + x * (x // 6) // RAY) // RAY
    assert aave(**half, debt=True) in (-(-(10**18 * 2 * nested) // RAY), -(-(10**18 * 2 * nested) // RAY) + 2)
    assert aave(**half, debt=True, release="3.0") < aave(**half, debt=True)


def test_each_release_rounds_its_own_way_and_has_its_own_width():
    """Half up at first; later down for what is held and up for what is owed. The newest keeps 120 bits."""
    third = {"state": 1, "index": RAY + RAY // 3}
    assert (aave(**third), aave(**third, debt=True)) == (1, 2)
    assert (aave(**third, release="3.0"), aave(**third, release="3.0", debt=True)) == (1, 1)
    assert aave(state=1, index=RAY + RAY // 2, release="3.0") == 2
    assert aave(state=5 | 1 << 120) == 10
    assert aave(state=5 | 1 << 120, release="3.0") == 10 + 2**121
    assert aave(state=5 | 1 << 128, release="3.0") == 10


def test_a_reserve_updated_after_the_block_or_kept_for_another_token_is_refused():
    """In the very second it is its own index; a second later it is another block's."""
    with pytest.raises(NotUsable, match="updated 1 s after"):
        aave(last=NOW + 1)
    assert aave(rate=RAY, last=NOW) == 2_000
    assert aave(rate=RAY, last=NOW - YEAR) == 4_000
    for debt in (False, True):
        with pytest.raises(WrongBinding, match="the token that the pool keeps"):
            aave(token=OTHER, debt=debt)
    assert aave(slot=56) == 0
    assert aave(slot=52, debt=True) == 0


def test_a_holders_entry_is_in_soliditys_order_unless_told():
    """The key before the slot."""
    assert holder_slot(3, ALICE) == mapping_slot(pad_address(ALICE), slot_key(3)) != holder_slot(3, ALICE, vyper=True)


@pytest.mark.covers("TOK-03", "TOK-06")
def test_a_reserve_says_its_digits_and_whether_it_gives_anything_out():
    """Other digits are refused on both sides; paused or not active, what is supplied does not count, and what is owed does."""
    for debt in (False, True):
        for digits in (17, 19):
            with pytest.raises(WrongBinding, match="the reserve's decimals"):
                aave(terms=digits << 48 | 1 << 56, debt=debt)
    frozen = 18 << 48 | 1 << 56 | 1 << 57
    assert aave(terms=frozen) == aave(terms=frozen, debt=True) == 2_000
    for terms in (18 << 48 | 1 << 56 | 1 << 60, 18 << 48):
        with pytest.raises(NotUsable, match="nothing can be taken out"):
            aave(terms=terms)
        assert aave(terms=terms, debt=True) == 2_000


def borrower(bits, coins=(COIN, OTHER), count=2, **more):
    names = {at(mapping_slot(pad_uint(i), slot_key(54))): int.from_bytes(coin, "big") for i, coin in enumerate(coins)}
    return {POOL: names | {mine(53): bits, 59: count << 64} | more.pop("words", {})} | more.pop("others", {})


def owes(storages, **given):
    return read(PositionKind.AAVE_V3_DEBTS, storages, POOL, debt=True, **given)


def test_the_pools_own_bits_say_where_a_holder_owes():
    """Even bits are debts, odd ones collateral; listed reserves are no surprise."""
    assert owes(borrower(0b1010)) == 0
    with pytest.raises(UnlistedDebt) as caught:
        owes(borrower(0b0111))
    assert (caught.value.assets, caught.value.examined) == ((COIN, OTHER), 2)
    with pytest.raises(UnlistedDebt) as caught:
        owes(borrower(0b0101), asset00=COIN)
    assert caught.value.assets == (OTHER,)
    assert owes(borrower(0b0101), asset00=COIN, asset01=OTHER) == 0
    assert owes(borrower(0, count=128)) == 0
    with pytest.raises(NotUsable, match="lists 129 reserves"):
        owes(borrower(0, count=129))


def test_debts_at_a_stable_rate_are_looked_for_in_the_first_release_alone():
    """A reserve may have no such token; with one, its word for the holder must be zero."""
    record = {at(RESERVE, 5): int.from_bytes(HERE, "big")}
    for amount, release, stands in ((0, "3.0", True), (1 << 128, "3.0", True), (1, "3.6", True), (1, "3.0", False)):
        there = borrower(1, words=record, others={HERE: {mine(56): amount}})
        if stands:
            assert owes(there, asset00=COIN, release=release) == 0
        else:
            with pytest.raises(UnlistedDebt) as caught:
                owes(there, asset00=COIN, release=release)
            assert caught.value.assets == (COIN,)
    assert owes(borrower(1), asset00=COIN, release="3.0") == 0
    second = at(mapping_slot(pad_address(OTHER), slot_key(52)), 5)
    both = borrower(5, words={second: int.from_bytes(HERE, "big")}, others={HERE: {mine(56): 1}})
    with pytest.raises(UnlistedDebt) as caught:
        owes(both, asset00=COIN, asset01=OTHER, release="3.0")
    assert caught.value.assets == (OTHER,)
    with pytest.raises(UnlistedDebt) as caught:
        owes(borrower(5, words=record, others={HERE: {mine(56): 1}}), asset00=COIN, release="3.0")
    assert caught.value.assets == (OTHER,)


# --- Compound III ----------------------------------------------------------------------------------------

CURVES = {f"{side}_{name}": 0 for side in ("supply", "borrow") for name in ("kink", "base", "low", "high")}


def comet(principal, *, debt=False, last=NOW, supplied=10**6, borrowed=5 * 10**5, paused=0, **given):
    words = {
        mine(5): principal % 2**104 | 1 << 104,
        0: 2 * 10**15 | 4 * 10**15 << 64,
        1: supplied | borrowed << 104 | last << 208 | paused << 248,
        at(mapping_slot(pad_address(COIN), holder_slot(6, ALICE))): 77 | 1 << 128,
    }
    return read(PositionKind.COMPOUND_V3, {HERE: words}, debt=debt, **(given or CURVES))


def test_a_principal_is_supplied_or_owed_by_its_sign():
    """At the index of its own side; of the other sign there is nothing, and below zero is not above."""
    assert (comet(10), comet(-10, debt=True)) == (20, 40)
    assert (comet(-10), comet(10, debt=True), comet(0), comet(0, debt=True)) == (0, 0, 0, 0)
    assert comet(0, of="collateral", asset=COIN) == 77
    assert comet(0, of="collateral", asset=OTHER) == 0


@pytest.mark.covers("TOK-03")
def test_while_withdrawals_are_paused_nothing_held_counts():
    """The third flag alone; what is owed stays owed."""
    posted = {"of": "collateral", "asset": COIN}
    assert (comet(10, paused=0b11011), comet(0, paused=0b11011, **posted)) == (20, 77)
    for held in ({}, posted):
        with pytest.raises(NotUsable, match="paused withdrawals"):
            comet(10, paused=0b00100, **held)
    assert comet(-10, debt=True, paused=0b11111) == 40


def test_interest_is_counted_by_the_curve_of_each_side():
    """Utilisation is one (both sides at 2e6): below, at and beyond a kink; a base that is always due."""
    passed = {"last": NOW - 1_000}
    for kink, expected in ((2 * WAD, 1), (WAD, 1), (WAD // 2, 2)):
        rates = CURVES | {
            "supply_kink": kink, "supply_low": WAD // 1_000, "supply_high": 3 * WAD // 1_000,
            "borrow_base": WAD // 1_000,
        }  # fmt: skip
        assert comet(10, **passed, **rates) == 20 + 20 * expected
        assert comet(-10, debt=True, **passed, **rates) == 80
    assert comet(10, **passed, supplied=0, borrowed=0, **(CURVES | {"supply_base": WAD // 1_000})) == 40
    with pytest.raises(NotUsable, match="accrued 1 s after"):
        comet(10, last=NOW + 1, **CURVES)
    assert comet(10, last=NOW, **(CURVES | {"supply_base": WAD})) == 20


def test_whether_base_coin_is_owed_is_the_principals_sign():
    """One below zero is a debt."""
    for principal, owed in ((0, False), (1, False), (-1, True)):
        words = {HERE: {mine(5): principal % 2**104 | 1 << 200}}
        if owed:
            with pytest.raises(UnlistedDebt):
                read(PositionKind.COMPOUND_V3_DEBTS, words, debt=True)
        else:
            assert read(PositionKind.COMPOUND_V3_DEBTS, words, debt=True) == 0


# --- Morpho Blue -----------------------------------------------------------------------------------------

MARKET = b"\x09" * 32
IRM = Address(b"\x55" * 20)


def morpho(
    *, lent=10**6, taken=10**6, posted=9, last=NOW, fee=0, debt=False, assets=10**9, borrowed=9 * 10**8, model="none",
    words=None, **given,
):  # fmt: skip
    me = mapping_slot(pad_address(ALICE), mapping_slot(MARKET, slot_key(2)))
    market, terms = (mapping_slot(MARKET, slot_key(n)) for n in (3, 8))
    irm = bytes(20) if model == "none" else IRM
    models = {} if words is None else {IRM: words}
    storage = {
        at(me): lent, at(me, 1): taken | posted << 128,
        at(market): assets | 10**15 << 128, at(market, 1): borrowed | 10**15 << 128, at(market, 2): last | fee << 128,
        at(terms): int.from_bytes(COIN, "big"), at(terms, 1): int.from_bytes(OTHER, "big"),
        at(terms, 3): int.from_bytes(irm, "big"),
    }  # fmt: skip
    given = {"coin": COIN, "model": model} | ({} if model == "none" else {"irm": IRM}) | given
    return read(PositionKind.MORPHO_BLUE, {HERE: storage} | models, debt=debt, market=MARKET, **given)


def test_shares_of_a_market_lent_down_owed_up_and_posted_as_they_are():
    """A million shares of 1e15, of a thousand million and of nine tenths of that."""
    assert morpho() == 1
    assert morpho(lent=10**10) == 10**10 * (10**9 + 1) // (10**15 + 10**6)
    assert morpho(debt=True) == 1
    assert morpho(taken=0, debt=True) == 0
    assert read_posted({"market": MARKET, "of": "collateral", "coin": OTHER}) == 9
    for wrong, said in (({"coin": OTHER}, "the market's coin"), ({"model": "linear", "irm": OTHER}, "interest model")):
        with pytest.raises(WrongBinding, match=said):
            morpho(**wrong)


def read_posted(given):
    me = mapping_slot(pad_address(ALICE), mapping_slot(MARKET, slot_key(2)))
    terms = mapping_slot(MARKET, slot_key(8))
    storage = {
        at(me, 1): 5 | 9 << 128,
        at(terms): int.from_bytes(COIN, "big"),
        at(terms, 1): int.from_bytes(OTHER, "big"),
    }
    return read(PositionKind.MORPHO_BLUE, {HERE: storage}, **given)


def test_a_markets_interest_counts_to_the_block_with_a_model_and_a_debt_only():
    """Nine tenths over a year: a rate of 0.9, three terms of its exponent."""
    year = {"last": NOW - YEAR, "lent": 10**15, "taken": 10**15}
    rate = 9 * WAD // 10 // YEAR
    first = rate * YEAR
    interest = 9 * 10**8 * (first + first * first // (2 * WAD) + first * first // (2 * WAD) * first // (3 * WAD)) // WAD
    shares = 10**15 + 10**6
    assert morpho(**year, model="linear") == 10**15 * (10**9 + interest + 1) // shares
    owed = -(-(10**15) * (9 * 10**8 + interest + 1) // shares)
    assert morpho(**year, model="linear", debt=True) == owed
    assert morpho(**year) == 10**15 * (10**9 + 1) // shares
    assert morpho(**(year | {"last": NOW}), model="linear") == 10**15 * (10**9 + 1) // shares
    assert morpho(**year, model="linear", borrowed=0) == 10**15 * (10**9 + 1) // shares
    fee = interest // 10
    minted = fee * shares // (10**9 + interest - fee + 1)
    assert morpho(**year, model="linear", fee=WAD // 10) == 10**15 * (10**9 + interest + 1) // (shares + minted)
    with pytest.raises(NotUsable, match="added 1 s after"):
        morpho(last=NOW + 1)


def test_the_adaptive_curve_starts_at_its_initial_rate():
    """A market that it never saw: at the target the rate is the initial one, at full use four times, at none a quarter."""
    initial = 4 * WAD // 100 // YEAR
    assert [curve.curve(initial, error) for error in (0, WAD, -WAD)] == [initial, 4 * initial, initial // 4]
    year = {"last": NOW - YEAR, "lent": 10**15, "model": "adaptive-curve", "words": {}}
    first = initial * YEAR
    grown = 9 * 10**8 * (first + first * first // (2 * WAD) + first * first // (2 * WAD) * first // (3 * WAD)) // WAD
    assert morpho(**year) == 10**15 * (10**9 + grown + 1) // (10**15 + 10**6)
    rates = {at(mapping_slot(MARKET, slot_key(0))): 3 * initial}
    thrice = 3 * initial * YEAR
    grown = 9 * 10**8 * (thrice + thrice**2 // (2 * WAD) + thrice**2 // (2 * WAD) * thrice // (3 * WAD)) // WAD
    assert morpho(**(year | {"words": rates})) == 10**15 * (10**9 + grown + 1) // (10**15 + 10**6)


def test_a_model_is_asked_where_there_is_interest_to_count():
    """In the very second, and where nothing is borrowed, nothing of it is read; else it must be there."""
    model = {"model": "adaptive-curve", "lent": 10**15}
    plain = 10**15 * (10**9 + 1) // (10**15 + 10**6)
    assert morpho(**model) == morpho(**model, last=NOW - YEAR, borrowed=0) == plain
    with pytest.raises(NotThere):
        morpho(**model, last=NOW - YEAR)


def test_the_adaptive_curve_moves_with_use_and_time():
    """Above its target it rises over the window, below it falls; the average lies between start and end."""
    initial = 4 * WAD // 100 // YEAR
    rates = {IRM: {at(mapping_slot(MARKET, slot_key(0))): initial}}

    def average(use, passed):
        reader = Needing(world(rates).section(), Where(network="net"))
        return curve.average_rate(use, passed, reader, IRM, MARKET)

    target = 9 * WAD // 10
    assert average(target, YEAR) == initial
    assert average(WAD, 0) == 4 * initial
    assert average(WAD, YEAR // 365) > 4 * initial
    assert average(0, 0) == initial // 4
    assert average(0, YEAR // 365) < initial // 4
    assert initial < average(target + 10**15, YEAR // 365) < 4 * initial
    assert initial // 4 < average(target - 10**15, YEAR // 365) < initial


def test_the_exponent_is_the_librarys():
    """Zero far below, one value far above, and between them a power of two times two terms."""
    assert (curve.exp(curve.LN_WEI - 1), curve.exp(curve.TOP), curve.exp(curve.TOP + 1)) == (
        0,
        curve.TOP_VALUE,
        curve.TOP_VALUE,
    )
    assert curve.exp(curve.LN_WEI + 10**17) == 1
    assert curve.exp(0) == WAD
    assert curve.exp(curve.TOP - 1) < curve.TOP_VALUE
    assert curve.exp(curve.LN_2) == 2 * WAD
    assert curve.exp(-curve.LN_2) == WAD // 2
    assert [curve.toward_zero(n, 2) for n in (-3, -1, 0, 1, 3)] == [-1, 0, 0, 0, 1]


def test_whether_anything_is_owed_in_a_market_is_the_borrowers_shares():
    """Collateral above them in the word is none."""
    me = mapping_slot(pad_address(ALICE), mapping_slot(MARKET, slot_key(2)))
    for shares, owed in ((0, False), (1, True)):
        words = {HERE: {at(me): 7, at(me, 1): shares | 9 << 128}}
        if owed:
            with pytest.raises(UnlistedDebt) as caught:
                read(PositionKind.MORPHO_BLUE_DEBTS, words, debt=True, market=MARKET)
            assert caught.value.assets == (MARKET,)
        else:
            assert read(PositionKind.MORPHO_BLUE_DEBTS, words, debt=True, market=MARKET) == 0
