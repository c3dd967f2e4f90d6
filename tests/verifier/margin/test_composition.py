"""What a requirement is made of: parts that add up to it, and every contingency by its name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verifier.margin.books import POLICY, QUOTES, RULES, account, perp, pool, positions
from tests.verifier.margin.build import line
from verifier.margin.composition import composition, contingencies
from verifier.margin.fixed import ZERO, price, usd
from verifier.margin.modes import Mode
from verifier.margin.report import HypotheticalReport
from verifier.margin.rules import Floor
from verifier.margin.scenario import Contingency
from verifier.margin.snapshot import Position, Quote
from verifier.trust import Anchor, Trust

PARTS = ("collateral", "data", "debts", "together", "by_rules", "orders", "floor")


@given(positions(), st.sampled_from(Mode), st.integers(0, 10**5))
@settings(max_examples=40, deadline=None)
def test_the_parts_add_up_to_what_the_pool_requires(held: tuple[Position, ...], mode: Mode, floor: int) -> None:
    """At both levels, in every mode, with collateral that hedges, a debt and a floor; no part is lost or below zero."""
    mixed = tuple(replace(p, portfolio=n % 2 == 0) for n, p in enumerate(held))
    owed = line("owed", "SOL", "-20", liability=True)
    taken = account(line("eth", "ETH", "7"), owed, *mixed)
    rules = replace(RULES, floor=Floor(usd(str(floor)), usd(str(floor // 2))))
    (made,) = HypotheticalReport(taken, POLICY, rules, mode).figures.pockets
    found = composition(made)
    for level in (0, 1):
        assert sum(getattr(found, name)[level] for name in PARTS) == found.total[level]
        assert found.floor[level] >= 0
    assert found.total == (made.known_low.initial, made.known_low.maintenance)


def test_every_contingency_has_its_row_also_where_nothing_is_charged() -> None:
    """Ten ETH under a haircut of 20 %, believed at 5 % less initially than for maintenance: named, each by itself."""
    weak = Trust(Anchor.ATTESTED, None)
    taken = account(line("eth", "ETH", "10", trust=weak), perp("p", "BTC", "1"))
    made = pool(taken)
    rows = contingencies(made, composition(made))
    assert set(rows) == {name.value for name in Contingency}
    cut = POLICY.trust_haircut(weak)
    kept = [30_000 * (10**6 - part) // 10**6 for part in (cut.initial, cut.maintenance)]
    assert rows["data"] == (usd(str(kept[1] - kept[0])), ZERO)
    assert rows["collateral"] == (usd(str(kept[0] * 20 // 100)), usd(str(kept[1] * 15 // 100)))
    assert rows["perp"][0] > 0
    assert rows["depeg"] == rows["latency"] == (ZERO, ZERO)


@pytest.mark.parametrize("stable", ["3000", "2500"])
def test_a_slow_average_below_the_price_is_a_data_contingency_and_an_equal_one_is_none(stable: str) -> None:
    """Initial values take the worse of both: 10 ETH at 2,500 instead of 3,000."""
    quote = replace(account().quotes["ETH"], stable=price(stable))
    taken = account(line("eth", "ETH", "10"), quotes={**account().quotes, "ETH": quote}, expiries=QUOTES)
    assert isinstance(quote, Quote)
    found = composition(pool(taken))
    assert found.data == (usd(str(10 * (3000 - int(stable)))), ZERO)
