"""One word under two names: a path to it, a protocol's rules, a token's layout, another contract's function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from chains.registry import aliases
from tests.simulators.minting import ALICE, BOB, header, holding, network, proven, refused, token
from tests.verifier.margin.build import account
from verifier.calls import Call
from verifier.claims import Asset, CallReading, Claim, ClaimKind, Reading
from verifier.errors import CountedTwice
from verifier.margin.duplicates import check_duplicates
from verifier.margin.report import report
from verifier.positions import PositionKind, position
from verifier.primitives import Address, ChainId, Hash32, SlotKey, Word, slot_key
from verifier.proven import Ended, ProvenAccount, ProvenAmount, ProvenCall, ProvenWord, mint
from verifier.trust import Anchor, Trust

POOL, LENS, LENT, OTHER = (Address(bytes([n]) * 20) for n in (0x99, 0x98, 0x97, 0x96))
MINE, TOTALS, FLAG = (slot_key(n) for n in (2**200, 1, 2))
Read = tuple[Address, SlotKey]


def word(at: Address, slot: SlotKey, chain: int = 1) -> ProvenWord:
    """A word of a contract, made anew each time, as two claims' proofs make it."""
    above = proven(holding(token(chain)), 1).rests_on.rests_on
    contract = mint(
        ProvenAccount, rests_on=above, address=at, exists=True, nonce=1, balance=None, storage_root=Hash32(bytes(32)),
        code_hash=Hash32(bytes(32)),
    )  # fmt: skip
    return mint(ProvenWord, rests_on=contract, slot=slot, word=Word(bytes(32)))


def decoded(
    contract: Address, reading: Reading | None, *reads: Read, who: Address = ALICE, kind: ClaimKind = ClaimKind.HOLDING,
    chain: int = 1, units: int = 5,
) -> ProvenAmount:  # fmt: skip
    """A figure that was decoded from the first of these words, with the help of the others."""
    asset = Asset(ChainId(chain), "X", 18, "USDC", contract)
    amount = proven(Claim(asset, who, kind, reading=reading), units)
    own, *others = (word(*read, chain) for read in reads)
    parts = {name: getattr(amount, name) for name in ("claim", "amount", "as_of", "moment", "header", "trust")}
    return mint(ProvenAmount, **parts, rests_on=own, bound_by=(own.rests_on, *others))


def called(contract: Address, data: bytes, *reads: Read, who: Address = ALICE, units: int = 5) -> ProvenAmount:
    """A figure that a call returned, which read these words."""
    call = Call(contract, data)
    amount = proven(Claim(Asset(ChainId(1), "X", 18, "USDC", contract), who, reading=CallReading(call)), units)
    run = mint(
        ProvenCall, rests_on=header(network(), 1_800_000_000, Trust(Anchor.PINNED)), call=call, ended=Ended.RETURNED,
        output=b"", halted=None, reads=tuple(word(*read) for read in reads), code_hashes={}, steps=1,
    )  # fmt: skip
    parts = {name: getattr(amount, name) for name in ("claim", "amount", "as_of", "moment", "header", "trust")}
    return mint(ProvenAmount, **parts, rests_on=run, bound_by=())


def path(offset: int = 0, width: int = 256, slot: SlotKey = MINE) -> Reading:
    """A typed-in place."""
    return position(PositionKind.STORAGE, slot=bytes(slot), offset=offset, width=width, path="x")


COMET = position(PositionKind.COMPOUND_V3, of="base")
POSTED = position(PositionKind.COMPOUND_V3, of="collateral", asset=b"\x01" * 20)
COIN0, COIN1 = (position(PositionKind.UNISWAP_V2, leg=leg) for leg in (0, 1))
RESERVES = slot_key(8)
SUPPLIED = position(PositionKind.AAVE_V3, pool=OTHER, underlying=LENT, release="3.6")
LEND = position(PositionKind.MORPHO_BLUE, market=b"\x01" * 32, of="loan")


def of(reading: Reading) -> Claim:
    """A claim by a position at the pool."""
    return Claim(Asset(ChainId(1), "X", 18, "USDC", POOL), ALICE, reading=reading)


BASE = decoded(POOL, COMET, (POOL, MINE), (POOL, TOTALS))

TWICE = {
    "a path to the word of a lending protocol's principal": (BASE, decoded(POOL, path(0, 104), (POOL, MINE))),
    "the whole word, principal among it": (BASE, decoded(POOL, path(), (POOL, MINE))),
    "the principal's last bit": (BASE, decoded(POOL, path(103, 64), (POOL, MINE))),
    "a path to totals that another figure is computed from": (
        BASE,
        decoded(POOL, path(200, 8, TOTALS), (POOL, TOTALS)),
    ),
    "a posted balance's upper bits": (
        decoded(POOL, POSTED, (POOL, MINE)),
        decoded(POOL, path(104, 8), (POOL, MINE)),
    ),
    "a path to one holder's word in the name of another": (BASE, decoded(POOL, path(), (POOL, MINE), who=BOB)),
    "two markets that rest on one word": (
        decoded(POOL, LEND, (POOL, MINE)),
        decoded(POOL, COIN0, (POOL, MINE)),
    ),
    "a token's balance, and a function of another contract that looks it up": (
        decoded(LENT, None, (LENT, MINE)),
        called(LENS, b"\x01", (LENS, FLAG), (LENT, MINE)),
    ),
    "a path to a word, and a function that looks it up": (
        decoded(POOL, path(128, 8), (POOL, MINE)),
        called(LENS, b"\x01", (POOL, MINE)),
    ),
    "one token at two addresses, each by its call": (
        called(LENT, b"\x01", (LENT, MINE)),
        called(LENS, b"\x01", (LENS, FLAG), (LENT, MINE)),
    ),
    "one call with a byte behind its arguments, for two holders": (
        called(LENT, b"\x01", (LENT, MINE), (LENT, TOTALS)),
        called(LENT, b"\x01\x00", (LENT, MINE), (LENT, TOTALS), who=BOB),
    ),
}
DISTINCT = {
    "rewards beside a principal": (BASE, decoded(POOL, path(168, 64), (POOL, MINE))),
    "rewards at the principal's next bit": (BASE, decoded(POOL, path(104, 64), (POOL, MINE))),
    "both coins of one share": (
        decoded(POOL, COIN0, (POOL, MINE), (POOL, RESERVES)),
        decoded(POOL, COIN1, (POOL, MINE), (POOL, RESERVES)),
    ),
    "two fields of a word": (decoded(POOL, path(0, 128), (POOL, MINE)), decoded(POOL, path(128, 128), (POOL, MINE))),
    "two shares of the same totals": (
        decoded(POOL, COMET, (POOL, MINE), (POOL, TOTALS)),
        decoded(POOL, COMET, (POOL, slot_key(2**201)), (POOL, TOTALS), who=BOB),
    ),
    "the same slot of two contracts": (BASE, decoded(OTHER, path(), (OTHER, MINE))),
    "the same place on two networks": (BASE, decoded(POOL, path(), (POOL, MINE), chain=10)),
    "held and owed": (BASE, decoded(POOL, path(), (POOL, MINE), kind=ClaimKind.DEBT, units=-5)),
    "two calls of one token that share its totals": (
        called(LENT, b"\x01", (LENT, MINE), (LENT, TOTALS)),
        called(LENT, b"\x02", (LENT, slot_key(2**201)), (LENT, TOTALS), who=BOB),
    ),
    "calls that read nothing at all": (called(LENT, b"\x01"), called(LENT, b"\x02", who=BOB)),
    "a call that returned nothing, having read no more than a flag": (
        called(LENT, b"\x01", (LENT, FLAG), units=0),
        called(LENT, b"\x02", (LENT, FLAG), (LENT, MINE), who=BOB),
    ),
}


@pytest.mark.covers("MRG-02", "TOK-01")
@pytest.mark.parametrize("pair", TWICE.values(), ids=TWICE.keys())
def test_one_word_does_not_count_twice(pair: Sequence[ProvenAmount]) -> None:
    """In either order, and where one of them is what was proven last; the error names both claims and the place."""
    for first, second in (pair, pair[::-1]):
        with pytest.raises(CountedTwice, match="both are decoded from the word at slot 0x") as caught:
            account(first, second)
        assert caught.value.first != caught.value.second
        with pytest.raises(CountedTwice, match="both are decoded from the word"):
            account(first, refused(second.claim), last_proven={second.claim.identity: second})


@pytest.mark.covers("MRG-02", "TOK-01")
@pytest.mark.parametrize("pair", DISTINCT.values(), ids=DISTINCT.keys())
def test_words_that_are_shared_or_lie_elsewhere_count_both(pair: Sequence[ProvenAmount]) -> None:
    """What several figures are computed from is nobody's figure; another place holds another one."""
    for first, second in (pair, pair[::-1]):
        assert len(report(account(first, second)).figures.lines) == 2


def test_a_figure_is_no_double_of_what_was_proven_of_it_last() -> None:
    """A claim's own older figure stands for it where it is refused; beside it, it is the same claim."""
    assert len(report(account(BASE, last_proven={BASE.claim.identity: BASE})).figures.lines) == 1


# --- what is told before anything is asked ---------------------------------------------------------------

WHOLE = Claim(Asset(ChainId(1), "X", 18, "USDC", POOL), ALICE)
HELD = Claim(Asset(ChainId(1), "X", 18, "USDC", LENT), ALICE)
CELO = Claim(Asset(ChainId(42220), "CELO", 18, "CELO"), ALICE)
MIRROR = Claim(replace(CELO.asset, contract=Address(bytes.fromhex("471EcE3750Da237f93B8E339c536989b8978a438"))), ALICE)
TOLD = {
    "one market twice": (of(LEND), of(LEND), "same network, asset and holder"),
    "a share and one coin of it": (WHOLE, of(COIN0), "one of them is a part of what the other counts whole"),
    "one coin of a share and all of it": (of(COIN0), WHOLE, "one of them is a part of what the other counts whole"),
    "a coin and its mirror": (CELO, MIRROR, "two entry points of one asset"),
    "a pool that a position names": (
        of(SUPPLIED),
        replace(HELD, holder=OTHER),
        "the token's contract holds what backs it",
    ),
    "the position's own contract": (
        of(SUPPLIED),
        replace(HELD, holder=POOL),
        "the token's contract holds what backs it",
    ),
}


@pytest.mark.covers("MRG-02")
@pytest.mark.parametrize(("first", "second", "reason"), TOLD.values(), ids=TOLD.keys())
def test_what_claims_alone_tell_is_refused_with_its_reason(first: Claim, second: Claim, reason: str) -> None:
    """Two names of one thing, a part beside the whole, and what backs a position beside it."""
    with pytest.raises(CountedTwice) as caught:
        check_duplicates([first, second], aliases())
    assert caught.value.reason == reason
    elsewhere = replace(second, asset=replace(second.asset, chain_id=ChainId(5)))
    check_duplicates([first, elsewhere], aliases())
