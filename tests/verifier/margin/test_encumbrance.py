"""What is posted where something is owed supports that debt first, and nothing else."""

from __future__ import annotations

import pytest

from tests.simulators.minting import ALICE, BOB
from verifier.claims import Asset, Claim, ClaimKind, Source
from verifier.margin.encumbrance import encumber, protocol_of
from verifier.margin.fixed import Price
from verifier.margin.snapshot import Line, Quote
from verifier.policy import Factors, Haircut, Policy
from verifier.positions import PositionKind, position
from verifier.primitives import Address, ChainId, Timestamp

POOL, OTHER = Address(b"\x01" * 20), Address(b"\x02" * 20)
POLICY = Policy(factors={"USD": Factors(Haircut(200_000, 100_000)), "ETH": Factors(Haircut(200_000, 100_000))})
QUOTES = {"USD": Quote(Price(10**18), Timestamp(1)), "ETH": Quote(Price(2_000 * 10**18), Timestamp(1))}


def aave(pool, amount, group="USD", *, debt=False, holder=ALICE, token=0x70):
    how = position(PositionKind.AAVE_V3, pool=pool, underlying=b"\x09" * 20, release="3.6")
    asset = Asset(ChainId(1), group, 18, group, Address(bytes([token]) * 20))
    claim = Claim(asset, holder, ClaimKind.DEBT if debt else ClaimKind.HOLDING, Source.USER, how)
    return Line(id=f"{group}{token}{debt}", group=group, amount=amount, decimals=18, liability=debt), claim


@pytest.mark.covers("TOK-04")
@pytest.mark.parametrize(
    ("owed", "taken"),
    [(0, 0), (400, 500), (800, 1_000), (5_000, 1_000), (None, 1_000)],
    ids=["no debt", "half", "all", "beyond", "unknown"],
)
def test_a_debt_takes_what_it_needs(owed, taken):
    """With a haircut of a fifth, a debt of 400 takes 500 of what is posted; an unknown one takes everything."""
    posted, debt = aave(POOL, 1_000), aave(POOL, None if owed is None else -owed, debt=True, token=0x71)
    found, burden = encumber([posted, debt], QUOTES, POLICY)
    assert (found.encumbered, burden.encumbered) == (taken, 0)
    assert found.protocol == burden.protocol == f"aave-v3 0x{POOL.hex()}"


def test_other_markets_and_holders_are_free():
    """A debt at one market, or of another holder, takes nothing here."""
    lines = [
        aave(POOL, 1_000),
        aave(OTHER, -500, debt=True, token=0x71),
        aave(POOL, -500, debt=True, holder=BOB, token=0x72),
    ]
    assert encumber(lines, QUOTES, POLICY)[0].encumbered == 0


def test_several_holdings_share_a_debt():
    """Each holding gives the same part, rounded up."""
    lines = [aave(POOL, 1_000), aave(POOL, 1, "ETH", token=0x73), aave(POOL, -601, debt=True, token=0x71)]
    usd, eth, _ = encumber(lines, QUOTES, POLICY)
    assert (usd.encumbered, eth.encumbered) == (251, 1)


def test_a_debt_without_a_price_takes_everything():
    """Where nobody can say what is owed, nothing posted there is free."""
    lines = [aave(POOL, 1_000), aave(POOL, -1, "XYZ", debt=True, token=0x71)]
    assert encumber(lines, QUOTES, POLICY)[0].encumbered == 1_000


def test_what_is_lent_at_morpho_is_no_collateral():
    """Collateral of a market is taken by its debt; what is lent to it is not."""

    def line(of, amount, *, debt=False):
        how = position(PositionKind.MORPHO_BLUE, market=b"\x05" * 32, coin=b"\x06" * 20, of=of, model="none")
        claim = Claim(
            Asset(ChainId(1), of, 18, "USD", POOL),
            ALICE,
            ClaimKind.DEBT if debt else ClaimKind.HOLDING,
            Source.USER,
            how,
        )
        return Line(id=f"{of}{debt}", group="USD", amount=amount, decimals=18, liability=debt), claim

    lent, posted, _ = encumber(
        [line("loan", 900), line("collateral", 1_000), line("loan", -400, debt=True)], QUOTES, POLICY
    )
    assert lent.encumbered == 0
    assert posted.encumbered > 0


def test_a_wallet_has_no_protocol():
    """Plain balances stay as they are."""
    line = Line(id="x", group="USD", amount=5, decimals=18)
    claim = Claim(Asset(ChainId(1), "USD", 18, "USD", POOL), ALICE)
    assert protocol_of(claim) == ""
    assert encumber([(line, claim)], QUOTES, POLICY) == (line,)
