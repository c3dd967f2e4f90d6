"""Goals of whoever wants more margin than is there: section 20 of the catalogue, as far as spot and linear perpetuals go."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from chains.registry import aliases
from tests.simulators.minting import ALICE, AS_OF, BOB, coin, debt, holding, proven, refused, token
from tests.verifier.margin.build import (
    account,
    declared_debt,
    declared_position,
    declared_price,
    line,
    policy,
    snapshot,
    weigh,
)
from verifier.calls import Call
from verifier.claims import Asset, CallReading, Claim, ClaimKind
from verifier.errors import BadInput, CountedTwice, SkewTooLarge, TooOld, ValuationOverflow, Where
from verifier.margin.account import check_skew
from verifier.margin.duplicates import check_duplicates
from verifier.margin.fixed import SCALE, Price, usd, value
from verifier.margin.report import report
from verifier.margin.rules import MarginRules, flat_market
from verifier.margin.snapshot import Doubt, Line
from verifier.margin.status import FAILING, Status
from verifier.policy import Factors, Haircut
from verifier.positions import PositionKind, position
from verifier.primitives import MAX_UINT256, Address, ChainId, Hash32, Timestamp, Word, address, parse_hex, slot_key
from verifier.proven import Ended, ProvenAccount, ProvenAmount, ProvenCall, ProvenWord, mint
from verifier.trust import Anchor

ETH = 10**18
WETH = token(1, "ETH", 18, 0xC0)


# --- MRG-01: value counted at both ends of a bridge ------------------------------------------------------


@pytest.mark.covers("MRG-01")
def test_snapshots_of_different_times_are_no_account() -> None:
    """Heads further apart than the policy's skew: refused by name, indeterminate in the report."""
    near = (proven(holding(coin(1)), ETH, lag=1_800), proven(holding(coin(10)), ETH, lag=0))
    check_skew(near, policy())
    assert report(account(*near)).status is Status.HEALTHY
    far = (proven(holding(coin(1)), ETH, lag=1_801), near[1])
    with pytest.raises(SkewTooLarge) as caught:
        check_skew(far, policy())
    assert (caught.value.limit, caught.value.got, caught.value.refusal_class) == (1_800, 1_801, "FRESHNESS")
    made = report(account(*far))
    assert made.status is Status.INDETERMINATE
    assert {reason.doubt for reason in made.figures.reasons} == {Doubt.SKEW}
    assert len(made.figures.reasons) == 2


@pytest.mark.covers("MRG-01")
def test_amounts_of_another_as_of_time_do_not_join() -> None:
    """Each may be proven; together they are of no moment."""
    good, other = proven(holding(coin(1)), ETH), proven(holding(coin(10)), ETH, as_of=AS_OF - 3_600)
    assert report(account(good)).status is Status.HEALTHY
    with pytest.raises(BadInput):
        account(good, other)


@pytest.mark.covers("MRG-01")
def test_an_older_head_counts_less() -> None:
    """What the holder may have moved since is discounted, at last to nothing."""
    lows = [
        report(account(proven(holding(coin(1)), ETH, lag=lag))).figures.lines[0].low
        for lag in (0, 3_600, 43_200, 86_400)
    ]
    known = [low for low in lows if low is not None]
    assert known == sorted(known, reverse=True)
    assert (known[0], known[-1]) == (usd("3000"), 0)


# --- MRG-02: one balance, twice --------------------------------------------------------------------------


def spelled(text: str) -> Address:
    return address(parse_hex(text))


CELO = Asset(ChainId(42220), "CELO", 18, "CELO")
CELO_TOKEN = replace(token(42220, "CELO", 18), contract=spelled("0x471EcE3750Da237f93B8E339c536989b8978a438"))
POL = Asset(ChainId(137), "POL", 18, "POL")
POL_TOKEN = replace(token(137, "POL", 18), contract=spelled("0x0000000000000000000000000000000000001010"))
TUSD = replace(token(1, "TUSD", 18), contract=spelled("0x0000000000085d4780B73119b644AE5ecd22b376"))
OLD_TUSD = replace(token(1, "TUSD", 18), contract=spelled("0x8dd5fbCe2F6a956C3022bA3663759011Dd51e73E"))
WETH_ITSELF = Claim(coin(1), Address(b"\xc0" * 20))


def bits(offset: int, width: int, who: Address = ALICE) -> Claim:
    """Some bits of one word of a contract."""
    reading = position(PositionKind.STORAGE, slot=bytes(32), offset=offset, width=width, path="x")
    return replace(holding(replace(token(), layout=None), who), reading=reading)


def called(data: bytes, who: Address) -> Claim:
    """What a call of the token returns."""
    asset = replace(token(), layout=None)
    return replace(holding(asset, who), reading=CallReading(Call(asset.contract or who, data)))


TWICE = {
    "the same claim listed twice": (holding(token()), holding(token())),
    "one account in two spellings": (
        holding(token(), spelled("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045")),
        holding(token(), spelled("0xd8da6bf26964af9d7eed9e03e53415d37aa96045")),
    ),
    "one token under two symbols, scales and groups": (
        holding(token()),
        holding(replace(token(), symbol="USDC.e", decimals=18, group="OTHER")),
    ),
    "one coin under two names": (holding(coin(1, "ETH")), holding(coin(1, "WETH"))),
    "one word for two holders": (bits(0, 256), bits(0, 256, BOB)),
    "fields of a word that overlap": (bits(0, 128), bits(127, 8)),
    "one call for two holders": (called(b"\x18\x16\x0d\xdd", ALICE), called(b"\x18\x16\x0d\xdd", BOB)),
    "the coin and its mirror contract": (holding(CELO), holding(CELO_TOKEN)),
    "the coin and another mirror": (holding(POL_TOKEN), holding(POL)),
    "a token's two addresses": (holding(TUSD), holding(OLD_TUSD)),
    "one balance held and owed": (holding(token()), debt(token())),
    "a wrapped coin and the coins that back it": (holding(WETH), WETH_ITSELF),
}
DISTINCT = {
    "two holders": (holding(token()), holding(token(), BOB)),
    "two networks": (holding(coin(1)), holding(coin(10))),
    "two tokens": (holding(token()), holding(TUSD)),
    "two fields of a word": (bits(0, 128), bits(128, 128)),
    "a call that names each holder": (called(b"\x01" + ALICE, ALICE), called(b"\x01" + BOB, BOB)),
    "a coin and its wrapped form, both held": (holding(coin(1)), holding(WETH)),
    "another network's contract at a mirror's address": (
        holding(coin(1)),
        holding(replace(CELO_TOKEN, chain_id=ChainId(1))),
    ),
    "the wrapped coin's address on another network": (holding(WETH), Claim(coin(10), Address(b"\xc0" * 20))),
}


@pytest.mark.covers("MRG-02", "TOK-01")
@pytest.mark.parametrize("pair", TWICE.values(), ids=TWICE.keys())
def test_one_balance_does_not_count_twice(pair: tuple[Claim, Claim]) -> None:
    """Before gathering, and again when an account is built, in either order; the error names both claims."""
    for claims in (pair, pair[::-1]):
        with pytest.raises(CountedTwice) as caught:
            check_duplicates(claims, aliases())
        assert caught.value.first != "" and caught.value.second != ""
        with pytest.raises(CountedTwice):
            account(*(proven(claim, 0) for claim in claims))


@pytest.mark.covers("MRG-02", "TOK-01")
@pytest.mark.parametrize("pair", DISTINCT.values(), ids=DISTINCT.keys())
def test_two_balances_count_both(pair: tuple[Claim, Claim]) -> None:
    """What differs in chain, contract or holder is another balance."""
    check_duplicates(pair, aliases())
    assert len(report(account(*(proven(claim, 0) for claim in pair))).figures.lines) == 2


@pytest.mark.covers("MRG-02")
def test_one_chain_under_two_names_is_one_chain() -> None:
    """Names of networks are the account file's; the chain id decides."""
    mainnet, l1 = (proven(holding(coin(1)), ETH) for _ in range(2))
    object.__setattr__(l1.header.network, "name", "l1")
    assert mainnet.header.network.name != l1.header.network.name
    with pytest.raises(CountedTwice):
        account(mainnet, l1)


@pytest.mark.covers("MRG-02")
def test_a_checkers_own_aliases_count_too() -> None:
    """A further second entry point can be named."""
    pair = (holding(token()), holding(TUSD))
    check_duplicates(pair)
    with pytest.raises(CountedTwice):
        check_duplicates(pair, {TUSD.key: token().key})


@pytest.mark.covers("MRG-02")
def test_a_refused_twin_still_counts_as_a_twin() -> None:
    """One proven, one refused with a last value: the high figure would count it twice."""
    last = proven(holding(token()), 5)
    with pytest.raises(CountedTwice):
        account(proven(holding(token()), 5), refused(holding(token())), last_proven={last.claim.identity: last})


def computed(contract: Address, *, by_call: bool) -> ProvenAmount:
    """A holding that words of some contract were read for: by a position's rules, or by a call."""
    amount = proven(holding(token()), 5)
    at = mint(
        ProvenAccount, rests_on=amount.rests_on.rests_on, address=contract, exists=True, nonce=1, balance=None,
        storage_root=Hash32(bytes(32)), code_hash=Hash32(bytes(32)),
    )  # fmt: skip
    word = mint(ProvenWord, rests_on=at, slot=slot_key(0), word=Word(bytes(32)))
    call = Call(amount.claim.asset.contract or ALICE, b"\0" * 4)
    run = mint(
        ProvenCall, rests_on=amount.header, call=call, ended=Ended.RETURNED, output=b"", halted=None, reads=(at, word),
        code_hashes={}, steps=1,
    )  # fmt: skip
    reading = CallReading(call) if by_call else position(PositionKind.UNISWAP_V3, token=1)
    parts = {name: getattr(amount, name) for name in ("amount", "as_of", "moment", "header", "trust")}
    return mint(
        ProvenAmount,
        **parts,
        claim=replace(amount.claim, reading=reading),
        rests_on=run if by_call else amount.rests_on,
        bound_by=() if by_call else (at, word),
    )


@pytest.mark.covers("MRG-02")
@pytest.mark.parametrize("by_call", [True, False], ids=["call", "position"])
def test_a_contract_that_a_holding_is_computed_from_is_no_holder_beside_it(by_call: bool) -> None:
    """In either order, and as what was proven last; on another network, as a debt or for a stranger it is another value."""
    pool = Address(b"\x99" * 20)
    share, held = computed(pool, by_call=by_call), proven(holding(token(contract=0x71), pool), 5)
    for pair in ((share, held), (held, share)):
        with pytest.raises(CountedTwice, match="computed from") as caught:
            account(*pair)
        assert pool.hex() in str(caught.value)
    with pytest.raises(CountedTwice, match="computed from"):
        account(share, refused(held.claim), last_proven={held.claim.identity: held})
    for other in (
        holding(token(10, contract=0x71), pool),
        debt(token(contract=0x71), pool),
        holding(token(contract=0x71), BOB),
    ):
        account(share, proven(other, 0))
    account(computed(share.claim.holder, by_call=by_call))
    account(replaced(share, reading=None), held)


def replaced(amount: ProvenAmount, **claim: object) -> ProvenAmount:
    """The same figure of another claim."""
    names = ("rests_on", "amount", "as_of", "moment", "header", "bound_by", "trust")
    return mint(ProvenAmount, **{name: getattr(amount, name) for name in names}, claim=replace(amount.claim, **claim))


# --- MRG-03: what a report rests on can vanish -----------------------------------------------------------


@pytest.mark.covers("MRG-03")
def test_a_report_names_the_block_and_bundle_that_it_rests_on() -> None:
    """Whoever uses it later can see whether that block is still there."""
    made = report(account(proven(holding(coin()), ETH, lag=60)))
    found = made.figures.lines[0].line.provenance
    assert found is not None
    assert (found.block_hash, found.block, found.time) == (b"\x11" * 32, 1_000, AS_OF - 60)
    assert made.account.bundle_id == b"\xbb" * 32


@pytest.mark.covers("MRG-03")
def test_an_unsettled_root_counts_nothing_by_default() -> None:
    """A value that a reorganisation can take away is in the high figure only."""
    firm, loose = (report(account(proven(holding(coin()), ETH, anchor=a))) for a in (Anchor.FINALIZED, Anchor.RPC))
    assert firm.figures.lines[0].low == usd("3000")
    assert (loose.figures.lines[0].low, loose.figures.lines[0].high) == (0, usd("3000"))


# --- MRG-04: rounding and overflow -----------------------------------------------------------------------


@pytest.mark.covers("MRG-04")
def test_collateral_rounds_down_and_debt_up() -> None:
    """A third of a unit of money is nothing to have and one to owe."""
    held = weigh(snapshot(line("a", "X", "0.000000000000000001"), X="0.333333333333333333"), X=Factors(Haircut(0, 0)))
    owed = weigh(snapshot(line("a", "X", "-0.000000000000000001"), X="0.333333333333333333"), X=Factors(Haircut(0, 0)))
    assert held.figures.pockets[0].known_low.equity == 0
    assert owed.figures.pockets[0].known_low.equity == -1


@pytest.mark.covers("MRG-04")
def test_nothing_is_divided_before_it_is_multiplied() -> None:
    """A great amount at a tiny price under two haircuts loses less than one unit in all."""
    taken = snapshot(line("a", "X", "999999.999999999999999999"), X="0.000000000000000003")
    made = weigh(taken, X=Factors(Haircut(333_333, 333_333)))
    assert made.figures.lines[0].known_low == 2_999_999
    assert made.figures.pockets[0].known_low.weighted == 2_999_999 - 1_000_000 + 1


@pytest.mark.covers("MRG-04")
def test_dust_of_many_lines_never_adds_up_for_the_account() -> None:
    """A balance split into many is never worth more than whole."""
    whole = snapshot(line("a", "X", "0.000000000000001"), X="0.999")
    split = snapshot(*(line(f"a{n}", "X", "0.000000000000000001") for n in range(1_000)), X="0.999")
    assert weigh(split).figures.pockets[0].known_low.equity <= weigh(whole).figures.pockets[0].known_low.equity


@pytest.mark.covers("MRG-04")
def test_a_balance_of_all_ones_is_not_collateral() -> None:
    """2^256−1 at any real price is beyond what can be true: it counts zero, is named, and breaks nothing else."""
    with pytest.raises(ValuationOverflow) as caught:
        value(MAX_UINT256, 3_000 * SCALE, 18)
    assert caught.value.refusal_class == "VALUATION"
    made = report(account(proven(holding(token()), MAX_UINT256), proven(holding(coin()), ETH)))
    assert made.figures.pockets[0].known_low.equity == usd("3000")
    assert [reason.doubt for reason in made.figures.reasons] == [Doubt.OVERFLOW]
    honest = report(account(proven(holding(token()), 10**12), proven(holding(coin()), ETH)))
    assert honest.figures.reasons == ()


@pytest.mark.covers("MRG-04")
def test_a_debt_of_all_ones_is_not_zero() -> None:
    """It has no figure, so neither has the account."""
    made = report(account(proven(holding(coin()), ETH), proven(debt(token()), -MAX_UINT256)))
    assert made.status is Status.INDETERMINATE
    assert report(account(proven(holding(coin()), ETH), proven(debt(token()), -1))).status is Status.HEALTHY


@pytest.mark.covers("MRG-04")
def test_a_position_beyond_any_size_is_indeterminate() -> None:
    """Its requirement is not capped to something payable."""
    big = replace(declared_position("1", "3000"), size=MAX_UINT256)
    assert report(account(proven(holding(coin()), ETH), positions=[big])).status is Status.INDETERMINATE
    small = declared_position("0.001", "3000")
    assert report(account(proven(holding(coin()), ETH), positions=[small])).status is Status.HEALTHY


@pytest.mark.covers("MRG-04")
@pytest.mark.parametrize("amount", [MAX_UINT256 + 1, -1])
def test_a_declared_debt_outside_a_word_is_refused(amount: int) -> None:
    """Neither wrapped around nor negated."""
    with pytest.raises(BadInput):
        replace(declared_debt("1"), amount=amount)


@pytest.mark.covers("MRG-04")
def test_a_holding_cannot_be_negative_nor_a_debt_positive() -> None:
    """A sign is not another way to have or to owe."""
    for liability, amount in ((False, -1), (True, 1)):
        Line(id="a", group="X", amount=-amount, decimals=0, liability=liability)
        with pytest.raises(BadInput):
            Line(id="a", group="X", amount=amount, decimals=0, liability=liability)


# --- What nobody proved is no collateral -----------------------------------------------------------------


def test_nothing_declared_is_collateral() -> None:
    """A declared gain counts nothing, a declared debt cannot be negative, a typed-in holding counts nothing."""
    rules = MarginRules(markets={"ETH": flat_market(100_000, 50_000)})
    bare = report(account(debts=[declared_debt("1")], rules=rules))
    gain = report(account(debts=[declared_debt("1")], positions=[declared_position("1000", "1")], rules=rules))
    assert bare.figures.pockets[0].known_low.equity == gain.figures.pockets[0].known_low.equity == -SCALE
    assert weigh(snapshot(line("a", "ETH", "9", trust=None), ETH="3000")).figures.lines[0].low == 0


def test_a_report_is_not_carried_over_from_elsewhere() -> None:
    """Proven parts do not leave their process, and a report's figures cannot be replaced."""
    made = report(account(proven(holding(coin()), ETH)))
    with pytest.raises(TypeError):
        pickle.dumps(made)
    with pytest.raises(FrozenInstanceError):
        made.figures = report(account()).figures  # type: ignore[misc]
    with pytest.raises(TypeError):
        ProvenAmount(amount=1)  # type: ignore[call-arg]


# --- MRG-06: a failure that hides a debt or an outflow ---------------------------------------------------


@pytest.mark.covers("MRG-06")
@pytest.mark.parametrize("missing", [False, True], ids=["refused", "withheld"])
@pytest.mark.parametrize("remembered", [False, True], ids=["never proven", "proven before"])
def test_a_failing_debt_proof_never_improves_the_account(missing: bool, remembered: bool) -> None:
    """Deep under water or just fine: without the debt's proof there is no ratio, no free margin, and no good word."""
    last = proven(debt(token()), -5_000_000_000)
    known = {last.claim.identity: last} if remembered else {}
    error = TooOld(Where(network="net1"), "the snapshot's lag", 1, 2)
    for eth in (1, 2, 1_000):
        honest = report(account(proven(holding(coin()), eth * ETH), last))
        made = report(
            account(proven(holding(coin()), eth * ETH), refused(last.claim, error, missing=missing), last_proven=known)
        )
        pocket = made.figures.pockets[0]
        assert made.status is Status.INDETERMINATE
        assert (pocket.low, pocket.free, pocket.buffer) == (None, 0, None)
        assert pocket.shown(pocket.known_low.ratio) is None
        assert pocket.free <= honest.figures.pockets[0].free
        doubts = [reason.doubt for reason in made.figures.reasons]
        assert doubts == [Doubt.DEBT_MISSING if missing else Doubt.DEBT_REFUSED]
        if remembered:
            assert pocket.known_low == honest.figures.pockets[0].known_low


@pytest.mark.covers("MRG-06")
def test_an_outflow_behind_a_failing_proof_does_not_stay_counted() -> None:
    """The last proven value is in the high figure only; borrowing power falls at once."""
    last = proven(holding(coin()), 2 * ETH)
    loan = declared_debt("3000")
    honest = report(account(last, debts=[loan]))
    made = report(account(refused(last.claim), debts=[loan], last_proven={last.claim.identity: last}))
    assert honest.figures.pockets[0].free == usd("3000")
    assert made.figures.pockets[0].free == 0
    assert made.status is Status.DATA_CALL
    assert made.figures.lines[0].line.amount is None


@pytest.mark.covers("MRG-06")
def test_a_remembered_holding_is_no_debt_and_the_reverse() -> None:
    """What was remembered of one side of a balance says nothing about the other."""
    last = proven(holding(token()), 5_000_000)
    made = report(account(refused(debt(token())), last_proven={last.claim.identity: last}))
    assert made.figures.lines[0].line.last_amount is None
    assert made.status is Status.INDETERMINATE


@pytest.mark.covers("MRG-06")
def test_withholding_a_price_never_improves_the_account() -> None:
    """A debt whose price is withheld or grew old is not worth less."""
    rich, loan = proven(holding(coin()), 2 * ETH), declared_debt("5900")
    eth = declared_price("ETH", "3000")
    assert report(account(rich, debts=[loan])).status is Status.FINAL_CALL
    for prices in ((eth,), (eth, declared_price("USDC", "1", 100_000))):
        assert report(account(rich, debts=[loan], prices=prices)).status is Status.INDETERMINATE


@pytest.mark.covers("MRG-06", "MRG-07")
def test_many_dust_lines_do_not_hide_a_debt() -> None:
    """Every line is weighed, and the debt among them."""
    dust = [proven(Claim(token(1, "USDC", 6), Address(n.to_bytes(20, "big"))), 1) for n in range(1, 2_001)]
    made = report(account(*dust, proven(Claim(token(10), ALICE, ClaimKind.DEBT), -10_000_000)))
    assert made.status in FAILING
    assert len(made.figures.lines) == 2_001


@pytest.mark.covers("MRG-04")
def test_a_price_beyond_any_price_is_refused() -> None:
    """Nor is one of zero or less a price."""
    declared_price("ETH", "1000000000000")
    for bad in (0, -1, 10**12 * SCALE + 1):
        with pytest.raises(BadInput):
            replace(declared_price("ETH", "1"), price=Price(bad), at=Timestamp(AS_OF))
