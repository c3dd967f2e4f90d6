"""Several accounts under one fall: by hand, what is conserved, and what no file of them can hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.margin.build import line, policy, position, snapshot
from verifier.errors import BadInput
from verifier.margin.fixed import Usd, usd
from verifier.margin.market import Depth
from verifier.margin.models.spread import spread
from verifier.margin.peers import Owed, Peer, peer_of
from verifier.margin.rules import MarginRules, flat_market
from verifier.margin.trial import Scales, Setting, Trial

DEPTH = {"ETH": Depth(usd("10000"), 100_000)}
FUND = Peer("fund", {"ETH": usd("1000")}, usd("1000"), usd("600"))
BANK = Peer("bank", {"ETH": usd("100"), "USD": usd("500")}, usd("600"), usd("450"))
OWED = (Owed("fund", "bank", usd("300")),)


def near(money: int, text: str) -> bool:
    return abs(money - usd(text)) < 10**12


def test_a_fall_of_a_fifth_by_hand() -> None:
    """
    The fund owes 900 on 1,000: it would sell nine times its loss of 200, and has 1,000. The bank owes 450 on 600 and 300
    that are due: leverage 1, its loss of 20 is sold, a sixth of it ETH. 1,003.33 at 10 % for 10,000 is 1.00333 % off.
    The fund has 789.9667 left, and pays a third of it to the bank, which has 578.9967 and pays its 450.
    """
    found = spread((FUND, BANK), OWED, {"ETH": -200_000}, DEPTH)
    fund, bank = found.accounts
    eth, cash = found.assets
    assert near(fund.direct, "200") and near(fund.second, "10.033333333333")
    assert near(bank.direct, "20") and near(bank.second, "1.003333333333")
    assert near(eth.sold, "1003.333333333333") and (eth.move, eth.effect) == (-200_000, -10_033)
    assert near(cash.sold, "16.666666666667") and (cash.group, cash.effect) == ("USD", 0)
    assert fund.fallen == 1 and near(fund.pays, "789.966666666667")
    assert bank.fallen == 0 and bank.pays == usd("450") and near(bank.received, "263.322222222222")


def test_whoever_is_not_paid_falls_after_who_did_not_pay() -> None:
    """The same with a bank that owes 850: what it has and what it gets are not enough."""
    fund, bank = spread((FUND, replace(BANK, owes=usd("850"))), OWED, {"ETH": -200_000}, DEPTH).accounts
    assert (fund.fallen, bank.fallen) == (1, 2)
    assert bank.pays < usd("850")


def test_without_a_fall_or_a_depth_nothing_passes() -> None:
    """All pay all; a fall without depths has no second round."""
    for found in (spread((FUND, BANK), OWED, {}, DEPTH), spread((FUND, BANK), OWED, {"ETH": -50_000}, {})):
        assert all(hit.second == 0 and hit.pays == hit.owes and not hit.fallen for hit in found.accounts)
        assert found.accounts[1].received == found.accounts[1].due


money = st.integers(0, 10**6).map(lambda n: usd(str(n)))
pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=6, unique=True)
falls = st.integers(0, 999_999)


@given(st.lists(st.tuples(money, money, money), min_size=5, max_size=5), pairs, falls, falls)
def test_clearing_conserves_money_and_a_deeper_fall_pays_nobody_more(
    held: list[tuple[Usd, Usd, Usd]], debts: list[tuple[int, int]], one: int, two: int
) -> None:
    """What is received is at most what is paid, nobody pays more than he owes, and losses grow with the fall."""
    peers = tuple(
        Peer(f"p{n}", {"ETH": eth, "USD": cash}, Usd(eth + cash), owes) for n, (eth, cash, owes) in enumerate(held)
    )
    owed = tuple(Owed(f"p{a}", f"p{b}", usd(str(1 + 997 * a + 1_003 * b))) for a, b in debts if a != b)
    mild, deep = (spread(peers, owed, {"ETH": -fall}, {}) for fall in sorted((one, two)))
    for found in (mild, deep):
        assert sum(h.received for h in found.accounts) <= sum(h.pays for h in found.accounts) + 10**9
        assert all(0 <= h.pays <= h.owes and 0 <= h.received <= h.due for h in found.accounts)
        assert all((h.pays == h.owes) or h.fallen for h in found.accounts)
    for before, after in zip(mild.accounts, deep.accounts, strict=True):
        assert after.received <= before.received + max(10**9, before.received // 10**9)
        assert after.direct >= before.direct


def test_names_that_stand_twice_and_claims_on_nobody_are_refused() -> None:
    """And a claim on oneself, or of nothing."""
    with pytest.raises(BadInput, match="each name once"):
        spread((FUND, FUND), (), {}, {})
    with pytest.raises(BadInput, match="one of bank, fund"):
        spread((FUND, BANK), (Owed("fund", "nobody", usd("1")),), {}, {})
    with pytest.raises(BadInput, match="another creditor"):
        Owed("fund", "fund", usd("1"))
    with pytest.raises(BadInput, match="an amount above 0"):
        Owed("fund", "bank", usd("0"))
    with pytest.raises(BadInput, match="at least 0"):
        Peer("x", {}, usd("0"), Usd(-1))


def test_the_account_itself_stands_beside_the_others_as_its_engine_sees_it() -> None:
    """Ten ETH and a short of four that counts: six of exposure; what is owed is the debt and the position's loss."""
    short = position("s", "ETH", "-4", "2900", counts_gain=True)
    owed = line("debt", "USDC", "-5000", liability=True)
    taken = snapshot(line("eth", "ETH", "10"), owed, short, ETH="3000", USDC="1")
    scales = Scales(Setting(policy(), MarginRules(markets={"ETH": flat_market(100_000, 50_000)})))
    found = peer_of("own", scales, Trial(taken))
    assert abs(found.holds["ETH"] - usd("18000")) < usd("1")
    assert (found.assets, found.owes) == (usd("30000"), usd("5400"))
